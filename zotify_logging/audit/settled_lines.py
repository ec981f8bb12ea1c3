"""All lines of a file that may still be written."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

from .lines import RawLine, read_forward

__all__ = ["settled_lines"]

_WAIT = 0.25  # seconds


def settled_lines(descriptor: int, *, live: bool) -> Iterator[RawLine]:
    """Yield all lines; of a live file, wait a moment for its writer to finish the last one."""
    start = 0
    deadline = time.monotonic() + _WAIT
    while True:
        end = os.fstat(descriptor).st_size
        for line in read_forward(descriptor, start, end):
            if line.complete or not live:
                start = line.end
                yield line
        if start >= end or not live:
            return
        if time.monotonic() > deadline:
            yield from read_forward(descriptor, start, end)
            return
        time.sleep(0.005)
