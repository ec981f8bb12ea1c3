"""Looks through one open log file without following it: backwards, and by bisection in time."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator

from .line_reader import MAX_LINE_BYTES, LineReader, RawLine

__all__ = ["bisect_offset", "lines_backward"]

_BLOCK_BYTES = 64 * 1024


def lines_backward(descriptor: int, end: int) -> Iterator[RawLine]:
    """Yield the lines before offset ``end``, the last one first, in bounded memory.

    What stands between the last newline and ``end`` comes first, as ``unfinished``. A file that is
    truncated meanwhile ends the walk.
    """
    upper, finished = end, False  # the line being looked for ends here; a newline stands there
    low = end
    while low > 0:
        start = max(0, low - _BLOCK_BYTES)
        block = os.pread(descriptor, low - start, start)
        if len(block) < low - start:
            return
        at = block.rfind(b"\n")
        while at >= 0:
            begin = start + at + 1
            if finished or upper > begin:
                inside = block[at + 1 : upper - start] if upper <= low else None
                yield _line(descriptor, begin, upper, finished, inside)
            upper, finished = start + at, True
            at = block.rfind(b"\n", 0, at)
        low = start
    if finished or upper > 0:
        yield _line(descriptor, 0, upper, finished, None)


def _line(descriptor: int, begin: int, upper: int, finished: bool, inside: bytes | None) -> RawLine:
    size = upper - begin
    if inside is None:
        inside = os.pread(descriptor, min(size, MAX_LINE_BYTES), begin)
    return RawLine(inside, size, begin, upper + finished, False, not finished)


def bisect_offset(descriptor: int, size: int, is_before: Callable[[bytes], bool | None]) -> int:
    """Return the start of a line near the first one that is not before some point in time.

    Every line ahead of the result is before that point, as far as lines are in order; at most about
    64 KiB of such lines may follow it.

    Args:
        descriptor: the open file.
        size: where to stop looking.
        is_before: tells of a line whether it is before that point; ``None``: the line has no time.
    """
    low, high = 0, size
    while high - low > _BLOCK_BYTES:
        middle = (low + high) // 2
        reader = LineReader(descriptor, middle)
        answer: bool | None = None
        for line in reader.read(min(high, middle + _BLOCK_BYTES)):
            if not line.continues and (answer := is_before(line.data)) is not None:
                if answer:
                    low = line.start
                break
        if answer is None:  # no readable time here: read on from what is known
            break
        if not answer:
            high = middle
    return low
