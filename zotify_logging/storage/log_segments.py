"""The files of one log on disk: the live one and ``.1 … .N``, opened for reading.

Rotation only ever renames a file to the next higher number, from the highest down. A reader takes
no lock against that; it looks in an order that renaming cannot outrun, and looks again where what
it saw may have moved.
"""

from __future__ import annotations

import os
import re
import stat

from ..exceptions import UnsupportedFileError
from .cursor import ORIGIN, Cursor
from .fingerprint import hash_head, read_head

__all__ = ["Segment", "anchor_before", "find_cursor", "find_successor", "open_segments"]

_ATTEMPTS = 5


class Segment:
    """One open file of a log. Owns its descriptor; close it.

    Attributes:
        descriptor: open for reading; read it by ``os.pread`` only.
        number: 0 for the live file, else the number of its suffix, as of opening.
        key: device and inode. Exact while the descriptor is open, because an inode in use is not
            handed out again; worth nothing afterwards.
        head: what identifies the file, once settled.
        fingerprint: its hash, ``None`` until settled.
    """

    __slots__ = ("descriptor", "number", "key", "head", "fingerprint", "_remnant")

    def __init__(self, descriptor: int, number: int) -> None:
        self.descriptor = descriptor
        self.number = number
        status = os.fstat(descriptor)
        self.key = (status.st_dev, status.st_ino)
        self.head: bytes | None = None
        self.fingerprint: bytes | None = None
        self._remnant = False
        self.settle(closed=number > 0)

    @classmethod
    def open(cls, path: str, number: int) -> Segment | None:
        """Open ``path`` (number 0) or ``path.number``; ``None`` if there is no such file.

        Raises:
            UnsupportedFileError: it is a directory, FIFO, socket or device.
            OSError: it exists but cannot be opened, for instance for lack of rights.
        """
        name = _name(path, number)
        try:  # O_NONBLOCK: opening a FIFO must not wait for its writer
            descriptor = os.open(name, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise UnsupportedFileError(
                    f"{name}: not a regular file; only those can be followed"
                )
            return cls(descriptor, number)
        except BaseException:
            os.close(descriptor)
            raise

    @property
    def size(self) -> int:
        """Bytes in the file now."""
        return os.fstat(self.descriptor).st_size

    def settle(self, *, closed: bool) -> None:
        """Take the fingerprint, if the first line allows it by now and none was taken before."""
        if self.head is None:
            self.head = read_head(self.descriptor, closed=closed)
            if self.head is not None:
                self.fingerprint = hash_head(self.head)
                self._remnant = closed and read_head(self.descriptor) is None

    def was_replaced(self) -> bool:
        """Tell whether the file begins otherwise than when it was settled: cut and regrown."""
        if self.head is None:
            return False
        head = read_head(self.descriptor, closed=True)
        if self._remnant:  # a late writer may yet continue it
            return head is None or not head.startswith(self.head)
        return head != self.head

    def forget_head(self) -> None:
        """Take a new fingerprint: the content is another one now."""
        self.head = self.fingerprint = None
        self._remnant = False
        self.settle(closed=False)

    def at(self, offset: int) -> Cursor | None:
        """Return the cursor of a byte of this file; ``None`` while it has no fingerprint."""
        if self.fingerprint is None:
            return None
        return Cursor(self.fingerprint, offset, self.key[1] & 0xFFFFFFFF)

    def close(self) -> None:
        """Close the descriptor; again is harmless."""
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def __del__(self) -> None:
        self.close()


def _name(path: str, number: int) -> str:
    return f"{path}.{number}" if number else path


def _highest(path: str) -> int:
    folder, name = os.path.split(path)
    pattern = re.compile(re.escape(name) + r"\.([1-9]\d{0,8})", re.ASCII)
    try:
        names = os.listdir(folder or ".")
    except (FileNotFoundError, NotADirectoryError):
        return 0
    return max((int(found[1]) for name in names if (found := pattern.fullmatch(name))), default=0)


def open_segments(path: str) -> list[Segment]:
    """Open every file of the log, newest first; the caller closes them.

    Looking from the live file upwards, a rotation meanwhile may show a file twice (the second sight
    is dropped), but never hide one.
    """
    found: list[Segment] = []
    keys: set[tuple[int, int]] = set()
    number, highest = 0, _highest(path)
    try:
        while number <= highest + 1:
            segment = Segment.open(path, number)
            if segment is not None:
                highest = max(highest, number)
                if segment.key in keys:
                    segment.close()
                else:
                    keys.add(segment.key)
                    found.append(segment)
            number += 1
    except BaseException:
        for segment in found:
            segment.close()
        raise
    return found


def find_cursor(segments: list[Segment], cursor: Cursor) -> Segment | None:
    """Return the file that a cursor points into.

    Among files of one fingerprint the one with the cursor's inode wins, else the newest that is
    long enough; one that is too short for the offset (it was truncated) is the last choice.
    """
    same = [segment for segment in segments if segment.fingerprint == cursor.fingerprint]
    long_enough = [segment for segment in same if segment.size >= cursor.offset]
    for segment in long_enough:
        if cursor.inode and segment.key[1] & 0xFFFFFFFF == cursor.inode:
            return segment
    return next(iter(long_enough or same), None)


def anchor_before(segments: list[Segment], segment: Segment | None) -> Cursor:
    """Return the position just before ``segment``: the end of the next older file with content.

    Args:
        segments: newest first, as :func:`open_segments` returns them.
        segment: one of them; ``None`` stands for a live file that does not exist yet.
    """
    older = segments if segment is None else segments[segments.index(segment) + 1 :]
    for candidate in older:
        cursor = candidate.at(candidate.size)
        if cursor is not None:
            return cursor
    return ORIGIN


def _number_of(path: str, key: tuple[int, int]) -> int | None:
    number, highest = 0, _highest(path)
    while number <= highest + 1:
        try:
            status = os.stat(_name(path, number))
        except (FileNotFoundError, NotADirectoryError):
            pass
        else:
            if (status.st_dev, status.st_ino) == key:
                return number
        number += 1
    return None


def find_successor(path: str, current: Segment) -> tuple[int | None, Segment | None]:
    """Open the file that was begun after ``current``.

    The first file below ``current``'s number is its successor, provided that afterwards ``current``
    still has that number and no file has appeared in between: numbers only grow, and from the
    highest down, so nothing can then have slipped past.

    Returns:
        ``current``'s number now (``None``: it no longer carries a name of this log, so what follows
        it cannot be told), and the successor (``None``: it is the live file, or the live file is
        missing at the moment).
    """
    number: int | None = None
    for _ in range(_ATTEMPTS):
        number = _number_of(path, current.key)
        if not number:
            return number, None
        below = number - 1
        successor = Segment.open(path, below)
        while successor is None and below > 0:
            below -= 1
            successor = Segment.open(path, below)
        holes = range(below + 1, number)
        unmoved = _number_of(path, current.key) == number
        if unmoved and not any(os.path.lexists(_name(path, hole)) for hole in holes):
            return number, successor
        if successor is not None:
            successor.close()
    return number, None
