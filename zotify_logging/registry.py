"""Live handlers by name, for failover, levels and statistics.

Held weakly: the registry keeps no handler alive, but who wants one by its name does. Known only
through a Protocol, so that nothing here depends on a handler class.
"""

from __future__ import annotations

import logging
import threading
import weakref
from typing import Protocol, runtime_checkable

from .exceptions import UnknownNameError
from .forks import on_fork
from .ledger import HandlerHealth, HandlerStatistics
from .options import near_match
from .records import LogEntry

__all__ = ["Registered", "Wanting", "find", "names", "register", "unregister", "want"]


@runtime_checkable
class Registered(Protocol):
    """What the rest of the library needs of a handler."""

    level: int

    @property
    def enabled(self) -> bool:
        """Whether records are taken; those that are not count as ``ignored``."""

    @enabled.setter
    def enabled(self, value: bool) -> None: ...

    def setLevel(self, level: int | str) -> None:
        """Set the least level, by number or name."""

    def handle(self, record: logging.LogRecord) -> object:
        """Take a record that has passed the level."""

    def receive(self, entry: LogEntry) -> None:
        """Take an entry that another handler could not keep."""

    def flush(self, timeout: float | None = None) -> bool:
        """Push out what is buffered; tell whether all of it went."""

    def close(self, timeout: float | None = None) -> None:
        """Release everything for good, within a deadline in seconds."""

    def statistics(self) -> HandlerStatistics:
        """Return one consistent reading of the ledger."""

    def health(self) -> HandlerHealth:
        """Tell how the handler fares, from its own bookkeeping; waits for no sink."""

    def ping(self) -> None:
        """Check that the sink can be reached.

        Raises:
            Exception: it cannot; the message names place and cure.
        """


class Wanting(Protocol):
    """Whoever hands records to a handler that it knows by name, and so keeps it alive.

    Told under the registry's lock: must be quick, and must not raise.
    """

    def found(self, name: str, handler: Registered) -> None:
        """Hear which handler a name means from now on."""

    def lost(self, name: str, handler: Registered) -> None:
        """Hear that a name no longer means a handler; one that is closed keeps its name here."""


class _Guard:
    """The lock of the names; a forked child gets a free one, whoever held it in the parent."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        on_fork(self)

    def after_fork_in_child(self) -> None:
        self.lock = threading.RLock()


_handlers: weakref.WeakValueDictionary[str, Registered] = weakref.WeakValueDictionary()
_wanting: dict[str, weakref.WeakSet[Wanting]] = {}
_guard = _Guard()


def register(name: str, handler: Registered) -> None:
    """Make ``handler`` reachable by ``name``; a later one of the same name takes its place."""
    with _guard.lock:
        _handlers[name] = handler
        for owner in list(_wanting.get(name, ())):
            owner.found(name, handler)


def unregister(name: str, handler: Registered, *, closed: bool = False) -> None:
    """Forget ``name`` if it still means ``handler``.

    Args:
        name: its name.
        handler: the handler.
        closed: it is closed only, and the next record opens it again: those who want it keep it.
    """
    with _guard.lock:
        if _handlers.get(name) is handler:
            del _handlers[name]
        for owner in () if closed else list(_wanting.get(name, ())):
            owner.lost(name, handler)


def want(name: str, owner: Wanting) -> None:
    """Tell ``owner``, which is held weakly, what ``name`` means now and whenever that changes."""
    with _guard.lock:
        _wanting.setdefault(name, weakref.WeakSet()).add(owner)
        handler = _handlers.get(name)
        if handler is not None:
            owner.found(name, handler)


def find(name: str) -> Registered:
    """Return the handler of that name.

    Raises:
        UnknownNameError: there is none; the message has near matches.
    """
    with _guard.lock:
        handler = _handlers.get(name)
        if handler is None:
            known = sorted(_handlers)
            hint = near_match(name, known) or f"; known: {', '.join(known) or 'none'}"
            raise UnknownNameError(f"no handler named {name!r}{hint}")
        return handler


def names() -> list[str]:
    """Return the names of all live handlers, sorted."""
    with _guard.lock:
        return sorted(_handlers)
