"""Watches drained files for a line that a slow writer still puts there."""

from __future__ import annotations

import errno
import os
import sys
import time

from .cursor import Cursor
from .line_reader import LineReader
from .log_segments import Segment
from .tailed import TailedLine

if sys.platform != "win32":
    import fcntl

__all__ = ["LATE_SECONDS", "LateLines", "recently_written", "writers_gone"]

LATE_SECONDS = 2.0
"""Seconds that a drained file stays under watch."""

_MAX_FILES = 4


def writers_gone(segment: Segment) -> bool:
    """Tell whether no writer of ours has a rotated file open: they hold a shared lock on it.

    Foreign writers hold none, and some network file systems know no locks: then the answer is yes,
    and what comes nevertheless is late.
    """
    if sys.platform == "win32":
        return True
    try:
        fcntl.flock(segment.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)
    fcntl.flock(segment.descriptor, fcntl.LOCK_UN)
    return True


def recently_written(segment: Segment) -> bool:
    """Tell whether the file was written in the last :data:`LATE_SECONDS`, by its own time."""
    return time.time() - os.fstat(segment.descriptor).st_mtime < LATE_SECONDS


class LateLines:
    """The last few drained files, each until its time is up. Owns their descriptors."""

    def __init__(self) -> None:
        self._files: list[tuple[Segment, LineReader, float]] = []

    def watch(self, segment: Segment, reader: LineReader, now: float) -> None:
        """Take over a drained file, or close it if it is long quiet (``now``: monotonic s)."""
        if not recently_written(segment):
            segment.close()
            return
        self._files.append((segment, reader, now + LATE_SECONDS))
        if len(self._files) > _MAX_FILES:
            self._files.pop(0)[0].close()

    @property
    def empty(self) -> bool:
        """Whether no file is under watch."""
        return not self._files

    def read(self, position: Cursor, now: float) -> list[TailedLine]:
        """Return lines that have come since, with the reader's present ``position`` as cursor.

        It keeps that position because it is already past those files: a reader that resumes there
        is not told such a line twice.
        """
        found: list[TailedLine] = []
        kept: list[tuple[Segment, LineReader, float]] = []
        for segment, reader, deadline in self._files:
            found += [TailedLine(line, position, late=True) for line in reader.read()]
            if now < deadline:
                kept.append((segment, reader, deadline))
                continue
            if (rest := reader.take_partial()) is not None:
                found.append(TailedLine(rest, position, late=True))
            segment.close()
        self._files = kept
        return found

    def close(self) -> None:
        """Close all files; again is harmless."""
        for segment, _, _ in self._files:
            segment.close()
        self._files = []
