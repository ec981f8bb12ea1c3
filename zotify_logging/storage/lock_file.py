"""An exclusive lock between processes: ``flock(2)`` on a file beside the log.

``flock`` rather than ``fcntl`` locks: the latter vanish when any descriptor of the file is closed
anywhere in the process.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

from ..exceptions import LockTimeoutError, UnsupportedPlatformError
from ..forks import on_fork

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]  # the module is absent there; require_flock says so

__all__ = ["LockFile", "require_flock", "try_flock"]


def require_flock() -> None:
    """Refuse a platform without ``flock``.

    Raises:
        UnsupportedPlatformError: Windows; the message says what to use instead.
    """
    if fcntl is None:  # pragma: no cover - Windows
        raise UnsupportedPlatformError("file handlers need flock(2): use Linux or macOS")


def try_flock(descriptor: int, *, exclusive: bool) -> bool:
    """Take a lock on an open file if it is to be had at once; tell whether it was."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_EX if exclusive else fcntl.LOCK_SH) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class LockFile:
    """The file ``<log>.lock``: held for a rotation, or for one write of an audit event.

    One holder per object: threads of a process must keep each other out themselves (a handler's
    lock does). The kernel releases the lock when its holder dies. A forked child closes the
    inherited descriptor, which leaves the parent's lock alone, and opens its own.

    Args:
        path: the lock file; made if missing.
        mode: its permissions when made.
    """

    def __init__(self, path: str, mode: int = 0o640) -> None:
        require_flock()
        self.path = path
        self._mode = mode
        self._descriptor = -1
        self._device_inode = (0, 0)
        on_fork(self)

    @property
    def descriptor(self) -> int:
        """The open descriptor; opens the file if need be."""
        if self._descriptor < 0:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
            self._descriptor = os.open(self.path, flags, self._mode)
            status = os.fstat(self._descriptor)
            self._device_inode = (status.st_dev, status.st_ino)
        return self._descriptor

    def acquire(self, timeout: float) -> None:
        """Take the lock, waiting at most ``timeout`` seconds.

        Raises:
            LockTimeoutError: another process kept it.
            OSError: the file cannot be opened.
        """
        deadline = time.monotonic() + timeout
        pause = 0.0002
        while True:
            if try_flock(self.descriptor, exclusive=True):
                if self._is_current():
                    return
                self.close()  # somebody removed the file: a lock on it keeps nobody out
                continue
            if time.monotonic() >= deadline:
                raise LockTimeoutError(
                    f"{self.path}: another process held the lock for {timeout} s"
                )
            time.sleep(pause)
            pause = min(pause * 2, 0.01)

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor >= 0:
            fcntl.flock(self._descriptor, fcntl.LOCK_UN)

    @contextmanager
    def held(self, timeout: float) -> Iterator[None]:
        """Hold the lock for a ``with`` block.

        Raises:
            LockTimeoutError: another process kept it for ``timeout`` seconds.
        """
        self.acquire(timeout)
        try:
            yield
        finally:
            self.release()

    def close(self) -> None:
        """Close the descriptor (and with it the lock); the next use opens it again."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def after_fork_in_child(self) -> None:
        """Drop the inherited descriptor without touching the parent's lock."""
        self.close()

    def _is_current(self) -> bool:
        try:
            status = os.stat(self.path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return (status.st_dev, status.st_ino) == self._device_inode
