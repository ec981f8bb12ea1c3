"""Finds the place of a seq or a time in a file of lines, neither of which ever decreases."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from .chain import LINE_HEAD
from .line_members import line_time_us
from .lines import RawLine, line_start, read_forward

__all__ = ["checked_time", "find_offset", "first_key"]

_SMALL = 1 << 16


def checked_time(line: bytes) -> int:
    """Return a line's time in epoch microseconds, 0 unless it begins as a line does."""
    return line_time_us(line) if line.startswith(LINE_HEAD[:4]) else 0


def first_key(lines: Iterator[RawLine], key: Callable[[bytes], int]) -> int:
    """Return the first key that is not 0, else 0."""
    for line in lines:
        if found := key(line.data):
            return found
    return 0


def find_offset(
    descriptor: int, start: int, end: int, wanted: int, key: Callable[[bytes], int]
) -> int:
    """Return the offset of the first line whose key is ``wanted`` or more, else ``end``.

    Lines whose key is 0 are damaged, and are looked past.

    Args:
        descriptor: of the file.
        start: offset of the beginning of a line.
        end: where the last whole line ends.
        wanted: a key.
        key: of a line; never decreases along the file.
    """
    low, limit = start, end
    while limit - low > _SMALL:
        middle = (low + limit) // 2
        begin = line_start(descriptor, middle, limit)
        if begin < limit:
            found = key(os.pread(descriptor, 256, begin))
            found = found or first_key(read_forward(descriptor, begin, end), key)
            if 0 < found < wanted:
                low = begin
                continue
        limit = middle  # the answer begins before `middle`, or is the next line behind it
    for line in read_forward(descriptor, low, end):
        if key(line.data) >= wanted:
            return line.offset
    return end
