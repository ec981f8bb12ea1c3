"""A counter that all writers of a log can read without a system call.

It lies in the first eight bytes of the lock file, mapped read-only into every writer; whoever opens
the log or rotates it raises the counter under the lock. A writer that sees it changed looks again
at what file it should write to. It is raised with ``pwrite``, never through the map: a full disk
then answers with an error instead of a SIGBUS.
"""

from __future__ import annotations

import mmap
import os
import sys
from collections.abc import Sequence

__all__ = ["Generation"]

_SIZE = 8


class Generation:
    """The counter in an open lock file.

    Args:
        descriptor: the lock file, open for reading and writing, locked by the caller.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        if os.fstat(descriptor).st_size < _SIZE:
            os.pwrite(descriptor, bytes(_SIZE), 0)  # real blocks: the map must not outrun the disk
        self._map = mmap.mmap(descriptor, _SIZE, access=mmap.ACCESS_READ)
        self.words: Sequence[int] = memoryview(self._map).cast("Q")
        """``words[0]`` is the counter now; an index costs less than a property."""

    def advance(self) -> int:
        """Raise the counter and return it; the caller holds the lock."""
        value = (self.words[0] + 1) % 2**64
        os.pwrite(self._descriptor, value.to_bytes(_SIZE, sys.byteorder), 0)
        return value

    def close(self) -> None:
        """Unmap the counter."""
        words, self.words = self.words, (0,)
        if isinstance(words, memoryview):
            words.release()
        self._map.close()
