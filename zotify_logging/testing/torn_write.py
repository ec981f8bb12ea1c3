"""A write that ends in the middle."""

from __future__ import annotations

import errno
import os
import signal
from typing import Literal

from .write_fault import WriteFault

__all__ = ["TornWrite"]


class TornWrite(WriteFault):
    """The next write into a folder stops after so many bytes, which are really written.

    What comes after that is as ever. How it stops is what differs: ``short`` returns the number of
    bytes, as ``write(2)`` may at any time, and the rest has to be written by another call;
    ``error`` raises EIO when that call is made, as a disk that has gone; ``kill`` ends the process
    by SIGKILL at once (for a child process of the test).

    Args:
        folder: the files in it, at any depth; a file stands for itself.
        keep: bytes that get through.
        then: ``short``, ``error`` or ``kill``.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        keep: int,
        then: Literal["short", "error", "kill"] = "short",
    ) -> None:
        super().__init__(folder)
        self._keep = keep
        self._then = then
        self._left = 1 if then != "error" else 2

    def _faulty(self, descriptor: int, data: memoryview) -> int:
        if not self._left:
            return self._write(descriptor, data)
        self._left -= 1
        if self._then == "error" and not self._left:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        written = self._write(descriptor, data[: self._keep])
        if self._then == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        return written
