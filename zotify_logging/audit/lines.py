"""Reads lines from a descriptor by position, forwards and backwards, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from hashlib import sha256
from typing import NamedTuple

from .chain import MAX_LINE

__all__ = ["RawLine", "digest_range", "line_start", "read_backward", "read_forward"]

_CHUNK = 1 << 18
_KEEP = 2 * MAX_LINE


class RawLine(NamedTuple):
    """One line as it stands in a file.

    Attributes:
        offset: of its first byte.
        data: its bytes without the newline; only the first 128 KiB of a longer line.
        end: offset behind its newline, or behind its last byte.
        complete: whether it has a newline.
    """

    offset: int
    data: bytes
    end: int
    complete: bool


def read_forward(descriptor: int, start: int, end: int) -> Iterator[RawLine]:
    """Yield the lines between two offsets, the first of which begins a line."""
    rest = b""
    dropped = 0
    position = start  # of the next byte to read
    while position < end:
        chunk = os.pread(descriptor, min(_CHUNK, end - position), position)
        if not chunk:
            break  # the file became shorter meanwhile
        line_offset = position - len(rest) - dropped
        position += len(chunk)
        lines = chunk.split(b"\n")
        last = lines.pop()
        for line in lines:
            if rest:
                line = rest + line if len(rest) < _KEEP else rest
                rest = b""
            line_end = line_offset + len(line) + dropped + 1
            if dropped or len(line) > _KEEP:
                line_end = _newline_after(descriptor, line_offset, position) + 1
            yield RawLine(line_offset, line[:_KEEP], line_end, True)
            line_offset, dropped = line_end, 0
        rest += last
        if len(rest) > _KEEP:
            dropped += len(rest) - _KEEP
            rest = rest[:_KEEP]
    if rest:
        yield RawLine(position - len(rest) - dropped, rest, position, False)


def _newline_after(descriptor: int, offset: int, end: int) -> int:
    while offset < end:
        chunk = os.pread(descriptor, min(_CHUNK, end - offset), offset)
        found = chunk.find(b"\n")
        if found >= 0:
            return offset + found
        if not chunk:
            break
        offset += len(chunk)
    return end


def read_backward(descriptor: int, start: int, end: int) -> Iterator[RawLine]:
    """Yield the lines between two offsets, last first; ``start`` begins a line.

    A last line without a newline comes first, with ``complete`` false.
    """
    window = b""
    base = end  # offset of the window's first byte
    line_end = end
    while line_end > start:
        complete = line_end < end or os.pread(descriptor, 1, end - 1) == b"\n"
        stop = line_end - 1 if complete else line_end
        found = window.rfind(b"\n", 0, stop - base) if stop > base else -1
        if found < 0 and base > start:
            if stop - base < _CHUNK:  # look further to the front
                base = max(start, stop - _CHUNK)
                window = os.pread(descriptor, stop - base, base)
                if len(window) < stop - base:
                    return  # the file became shorter meanwhile
                continue
            offset = _newline_before(descriptor, start, base) + 1  # a line longer than the window
            data = os.pread(descriptor, min(_KEEP, stop - offset), offset)
            window, base = b"", offset
        else:
            offset = base + found + 1
            data = window[found + 1 : stop - base]
        yield RawLine(offset, data[:_KEEP], line_end, complete)
        line_end = offset


def _newline_before(descriptor: int, start: int, position: int) -> int:
    while position > start:
        size = min(_CHUNK, position - start)
        found = os.pread(descriptor, size, position - size).rfind(b"\n")
        if found >= 0:
            return position - size + found
        position -= size
    return start - 1


def line_start(descriptor: int, position: int, end: int) -> int:
    """Return the offset of the first line that begins at ``position`` or later, at most ``end``."""
    if position <= 0:
        return 0
    if os.pread(descriptor, 1, position - 1) == b"\n":
        return position
    return min(end, _newline_after(descriptor, position, end) + 1)


def digest_range(descriptor: int, start: int, end: int) -> str:
    """Return the SHA-256 of the bytes between two offsets, in hexadecimal."""
    digest = sha256()
    while start < end:
        chunk = os.pread(descriptor, min(_CHUNK, end - start), start)
        if not chunk:
            break
        digest.update(chunk)
        start += len(chunk)
    return digest.hexdigest()
