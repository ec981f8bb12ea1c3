"""Keeps SQLite's rule that no connection may be open across a fork.

SQLite notes in the process's memory which file locks its connections hold. A child inherits these
notes, but none of the locks: it would wait for ever for a write lock that no thread of its own
holds, or believe a lock to be held that is not, and lose data. So, before a fork, the transaction
under way is finished and the connections are closed; parent and child open new ones.
"""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from types import TracebackType

__all__ = ["FORK_PATIENCE", "ForkGuard"]

FORK_PATIENCE = 1.0
"""Seconds that a fork waits, at most, for a transaction under way."""


class ForkGuard:
    """A re-entrant lock for a writer's transactions, which a fork takes before it happens.

    Args:
        close: closes the owner's connections, called in the forking thread under the lock. Must not
            raise, and should not keep the owner alive.
    """

    def __init__(self, close: Callable[[], None]) -> None:
        self._close = close
        self._lock = threading.RLock()
        self._held = False
        _guards.add(self)

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.release()

    def before_fork(self) -> None:
        """Wait for the transaction under way, then close; a stuck one is not waited for."""
        self._held = self._lock.acquire(timeout=FORK_PATIENCE)
        if self._held:
            self._close()

    def after_fork_in_parent(self) -> None:
        """Let the writer go on."""
        if self._held:
            self._held = False
            self._lock.release()

    def after_fork_in_child(self) -> None:
        """Begin with a lock that nobody holds."""
        self._held = False
        self._lock = threading.RLock()


_guards: weakref.WeakSet[ForkGuard] = weakref.WeakSet()
_forking: list[ForkGuard] = []


def _before() -> None:
    # Listed once, so that what is made or collected meanwhile changes nothing on the other side.
    _forking[:] = list(_guards)
    for guard in _forking:
        guard.before_fork()


def _after_in_parent() -> None:
    for guard in _forking:
        guard.after_fork_in_parent()
    _forking.clear()


def _after_in_child() -> None:
    for guard in _forking:
        guard.after_fork_in_child()
    _forking.clear()


if hasattr(os, "register_at_fork"):  # pragma: no branch - absent on Windows only
    os.register_at_fork(
        before=_before, after_in_parent=_after_in_parent, after_in_child=_after_in_child
    )
