"""Puts itself between Python's ``os.write`` and the files of one folder."""

from __future__ import annotations

import os
import sys
from abc import ABC, abstractmethod
from typing import Self

__all__ = ["WriteFault"]


class WriteFault(ABC):
    """Base of the faults of a disk: replaces ``os.write`` for files in one folder, for the process.

    Everything of this library writes its lines by ``os.write``. Python's own text files and SQLite
    do not: they are not reached.

    Args:
        folder: the files in it, at any depth; a file stands for itself.
    """

    def __init__(self, folder: str | os.PathLike[str]) -> None:
        self._folder = os.path.realpath(folder)
        self._write = os.write

    def __enter__(self) -> Self:
        """Break the disk."""
        self._write = os.write
        setattr(os, "write", self._intercepted)  # noqa: B010  # mypy forbids the plain assignment
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Mend the disk."""
        setattr(os, "write", self._write)  # noqa: B010  # as above

    @abstractmethod
    def _faulty(self, descriptor: int, data: memoryview) -> int:
        """Write what the fault lets through, and return how much that is, or raise."""

    def _intercepted(self, descriptor: int, data: bytes | bytearray | memoryview, /) -> int:
        path = _path_of(descriptor)
        if path == self._folder or path.startswith(self._folder + os.sep):
            return self._faulty(descriptor, memoryview(data).cast("B"))
        return self._write(descriptor, data)


def _path_of(descriptor: int) -> str:
    try:
        if sys.platform == "darwin":
            import fcntl  # not everywhere; only here

            path = fcntl.fcntl(descriptor, fcntl.F_GETPATH, bytes(1024))
            return os.fsdecode(path.rstrip(b"\0"))
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""
