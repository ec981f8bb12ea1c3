"""Reads whole lines of one open file, in bounded memory whatever the length of a line."""

from __future__ import annotations

import os
from typing import NamedTuple

__all__ = ["MAX_LINE_BYTES", "LineReader", "RawLine"]

MAX_LINE_BYTES = 64 * 1024
"""Bytes of one line that are kept; the rest is counted."""

_BLOCK_BYTES = 64 * 1024  # also bounds how many lines one read can give


class RawLine(NamedTuple):
    """One line, or a part of one.

    Attributes:
        data: its first :data:`MAX_LINE_BYTES`, without newline.
        size: bytes that it has in the file, without newline.
        start: offset of its first byte.
        end: offset just behind it, newline included.
        continues: what comes before it in its line was delivered apart.
        unfinished: its newline is not in it.
    """

    data: bytes
    size: int
    start: int
    end: int
    continues: bool = False
    unfinished: bool = False


class LineReader:
    """Walks forward through one file, split on ``\\n`` alone.

    Uses ``os.pread``, so that a descriptor shared with a fork has no position to fight over. Not
    thread-safe.

    Attributes:
        position: offset behind the last line delivered, where a resumed reader goes on.
    """

    def __init__(self, descriptor: int, offset: int) -> None:
        self._descriptor = descriptor
        self._kept = b""
        self.rewind(offset)

    def rewind(self, offset: int) -> None:
        """Go on from ``offset``; what comes first is partial unless a newline precedes it."""
        self.position = offset
        self._next = offset  # where the next block is read; what lies before it is held
        self._kept = b""
        self._joins = offset > 0 and os.pread(self._descriptor, 1, offset - 1) != b"\n"

    @property
    def held(self) -> int:
        """Bytes read of a line whose newline has not come yet."""
        return self._next - self.position

    @property
    def offset(self) -> int:
        """Offset behind the last byte read."""
        return self._next

    def read(self, stop: int | None = None) -> list[RawLine]:
        """Return the lines of the next block that holds a newline; empty at the end of the file.

        Args:
            stop: offset past which nothing is read.
        """
        lines: list[RawLine] = []
        while not lines:
            room = _BLOCK_BYTES if stop is None else min(_BLOCK_BYTES, stop - self._next)
            block = os.pread(self._descriptor, room, self._next) if room > 0 else b""
            if not block:
                break
            first = block.find(b"\n")
            if first < 0:
                self._hold(block)
                continue
            self._split(block, lines)
        return lines

    def take_partial(self) -> RawLine | None:
        """Give out what is held, although its newline has not come; ``None`` if nothing is held."""
        if not self.held:
            return None
        line = RawLine(self._kept, self.held, self.position, self._next, self._joins, True)
        self.position, self._kept, self._joins = self._next, b"", True
        return line

    def _hold(self, block: bytes) -> None:
        self._next += len(block)
        if len(self._kept) < MAX_LINE_BYTES:
            self._kept += block[: MAX_LINE_BYTES - len(self._kept)]

    def _split(self, block: bytes, lines: list[RawLine]) -> None:
        parts = block.split(b"\n")
        tail = parts.pop()
        head = parts[0]
        size = self.held + len(head)
        end = self.position + size + 1
        data = self._kept + head[: MAX_LINE_BYTES - len(self._kept)]
        if size or not self._joins:  # a newline that ends a delivered part adds nothing to tell
            lines.append(RawLine(data, size, self.position, end, self._joins))
        for part in parts[1:]:  # no longer than a block, which is no longer than a kept line
            start, end = end, end + len(part) + 1
            lines.append(RawLine(part, len(part), start, end))
        self.position, self._kept, self._joins = end, b"", False
        self._next = end
        if tail:
            self._hold(tail)
