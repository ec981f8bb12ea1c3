"""A disk without room."""

from __future__ import annotations

import errno
import os
import threading

from .write_fault import WriteFault

__all__ = ["FullDisk"]


class FullDisk(WriteFault):
    """Files of a folder have so many bytes left; then ``os.write`` raises ENOSPC.

    What still fits is really written, and the call returns how much that was, as a file system
    does. For what does not go through ``os.write`` (``logging.FileHandler``) there is the kernel's
    own full disk, :attr:`device`, on Linux.

    Args:
        folder: the files in it, at any depth; a file stands for itself.
        free: bytes of room at first.

    Attributes:
        device: a file that opens, and takes nothing: ``/dev/full``.
    """

    device = "/dev/full"

    def __init__(self, folder: str | os.PathLike[str], free: int = 0) -> None:
        super().__init__(folder)
        self._free = free
        self._lock = threading.Lock()

    def make_room(self, free: int) -> None:
        """Let so many more bytes through."""
        with self._lock:
            self._free += free

    def _faulty(self, descriptor: int, data: memoryview) -> int:
        with self._lock:
            if len(data) and self._free <= 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            written = self._write(descriptor, data[: self._free])
            self._free -= written
            return written
