"""Lets the writers of one SQLite file follow one another.

SQLite has a writer that finds the file locked sleep and look again, up to 100 ms later: of several
busy writers, those that sleep are passed over for seconds by those that have just been served.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from ..exceptions import LockTimeoutError, UnsupportedPlatformError
from ..storage.lock_file import LockFile

__all__ = ["Turns"]

_PATIENCE = 5.0
"""Seconds to wait for a turn; SQLite's own lock decides after that."""


class Turns:
    """A courtesy between writers, never a condition: SQLite's own lock keeps the data safe.

    The lock is a file beside the database, ``<database>.lock``. The kernel frees it when its holder
    dies; a forked child drops it. Where it cannot be had, the writer goes on without. One thread at
    a time.

    Args:
        path: the database file; ``None`` for a server, which has its writers wait in order itself.
        mode: permissions of the lock file when made.
    """

    def __init__(self, path: str | None, mode: int) -> None:
        self._log = None if path is None else f"{path}-wal"
        self._lock: LockFile | None = None
        if path is not None:
            try:
                self._lock = LockFile(f"{path}.lock", mode)
            except UnsupportedPlatformError:  # pragma: no cover - Windows
                pass

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Write in a ``with`` block, after the others that were before us."""
        lock = self._lock
        if lock is None:
            yield
            return
        try:
            lock.acquire(_PATIENCE)
        except (LockTimeoutError, OSError):
            pass
        try:
            yield
        finally:
            lock.release()

    def latest(self) -> int:
        """Return a number that changes with each commit of anybody to the file; 0 for a server.

        Costs one system call; safe in any thread.
        """
        if self._log is None:
            return 0
        try:
            return os.stat(self._log).st_mtime_ns
        except OSError:
            return 0

    def close(self) -> None:
        """Close the lock file; the next turn opens it again."""
        if self._lock is not None:
            self._lock.close()
