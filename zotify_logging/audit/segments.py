"""Which files make up a trail: closed segments in order, then the live file.

``audit.jsonl`` is the live file of ``audit.<first>-<last>.jsonl``, where ``first`` and ``last`` are
the seqs of the first and last line in 12 digits. A closed segment may be gzip'd (``….jsonl.gz``).
"""

from __future__ import annotations

import errno
import gzip
import os
import re
import shutil
import stat
import tempfile
import time
from typing import NamedTuple

__all__ = ["Segment", "TrailFile", "list_segments", "open_segment", "segment_path", "trail_files"]


class Segment(NamedTuple):
    """One closed file of a trail, by its name."""

    path: str
    first_seq: int
    last_seq: int

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return os.path.basename(self.path)


def segment_path(live: str, first_seq: int, last_seq: int) -> str:
    """Return the name of a closed segment beside the live file."""
    stem, suffix = os.path.splitext(live)
    return f"{stem}.{first_seq:012d}-{last_seq:012d}{suffix}"


def list_segments(live: str) -> list[Segment]:
    """Return the closed segments beside ``live`` in the order of their seqs.

    Raises:
        OSError: the folder cannot be read.
    """
    folder, name = os.path.split(live)
    stem, suffix = os.path.splitext(name)
    rule = re.compile(
        re.escape(stem) + r"\.(\d{12})-(\d{12})" + re.escape(suffix) + r"(?:\.gz)?", re.ASCII
    )
    found = []
    for entry in os.listdir(folder or "."):
        if match := rule.fullmatch(entry):
            found.append(Segment(os.path.join(folder, entry), int(match[1]), int(match[2])))
    return sorted(found, key=lambda segment: (segment.first_seq, segment.last_seq, segment.path))


def open_segment(path: str) -> int:
    """Return a descriptor that reads the lines of a segment; a gzip'd one is unpacked aside.

    The caller closes it. The unpacked copy is an unnamed temporary file, gone with the descriptor.

    Raises:
        OSError: the file cannot be read, or is no gzip file (``gzip.BadGzipFile``).
        EOFError: the gzip file ends too early.
    """
    if not path.endswith(".gz"):
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    with gzip.open(path, "rb") as packed, tempfile.TemporaryFile() as unpacked:
        shutil.copyfileobj(packed, unpacked, 1 << 20)
        unpacked.flush()
        return os.dup(unpacked.fileno())


class TrailFile(NamedTuple):
    """One file of a trail as found at one moment.

    Attributes:
        path: of the file.
        descriptor: open for reading, -1 for a closed segment that is opened when it is read.
        first_seq: by its name; 0 for the live file.
        last_seq: by its name; 0 for the live file.
    """

    path: str
    descriptor: int
    first_seq: int
    last_seq: int

    @property
    def name(self) -> str:
        """The file's name without its folder."""
        return os.path.basename(self.path)

    @property
    def live(self) -> bool:
        """Whether it is the live file."""
        return self.descriptor >= 0


ROTATION_PATIENCE = 0.25
"""Seconds to look again for a missing live file: a rotation has it away for microseconds."""


def trail_files(live: str) -> list[TrailFile]:
    """Return the files of a trail in order, as they were when the live file was opened.

    A rotation meanwhile changes nothing: its file stands as the live one, and none stands twice.
    The caller closes the live file's descriptor. It is missing from the result only if it stayed
    away for :data:`ROTATION_PATIENCE`.

    Raises:
        OSError: the folder or the live file cannot be read.
    """
    deadline = time.monotonic() + ROTATION_PATIENCE
    while True:
        files = _look(live)
        if not files or files[-1].live or time.monotonic() >= deadline:
            return files
        time.sleep(0.001)


def _look(live: str) -> list[TrailFile]:
    try:
        descriptor = os.open(live, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:  # never there, or between the two steps of a rotation
        descriptor = -1
    try:
        status = os.fstat(descriptor) if descriptor >= 0 else None
        if status is not None and not stat.S_ISREG(status.st_mode):
            raise OSError(errno.EINVAL, f"{live}: not a regular file")
        files = []
        for segment in list_segments(live):
            try:
                inode = os.stat(segment.path).st_ino
            except FileNotFoundError:
                continue  # retention was faster
            if status is not None and inode == status.st_ino:
                break  # rotated after we opened it; what came after belongs to a later moment
            files.append(TrailFile(segment.path, -1, segment.first_seq, segment.last_seq))
        if descriptor >= 0:
            files.append(TrailFile(live, descriptor, 0, 0))
    except BaseException:
        if descriptor >= 0:
            os.close(descriptor)
        raise
    return files
