"""A database that stops answering, and comes back."""

from __future__ import annotations

import os
import sqlite3
from typing import Self

__all__ = ["DyingDatabase"]


class DyingDatabase:
    """A SQLite file that refuses every write while it is dead.

    Really locked, by a connection of its own: whoever writes waits for as long as he is willing to
    (5 s by default), then gets ``database is locked``. Readers are let through, as SQLite's WAL
    mode has it.

    Args:
        path: the database; made if missing.

    Attributes:
        url: the same as SQLAlchemy takes it, for ``DatabaseJobLogHandler``.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self._path = os.path.abspath(path)
        self.url = f"sqlite:///{self._path}"
        self._lock: sqlite3.Connection | None = None

    def __enter__(self) -> Self:
        """Return the database, which is alive."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Let it live."""
        self.revive()

    @property
    def dead(self) -> bool:
        """Whether writes are refused."""
        return self._lock is not None

    def die(self) -> None:
        """Refuse writes from now on, once the one under way is done."""
        if self._lock is None:
            lock = sqlite3.connect(
                self._path, timeout=30, isolation_level=None, check_same_thread=False
            )
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except BaseException:
                lock.close()
                raise
            self._lock = lock

    def revive(self) -> None:
        """Take writes again."""
        lock, self._lock = self._lock, None
        if lock is not None:
            lock.execute("ROLLBACK")
            lock.close()
