"""A registry and dispatcher over the stdlib logging tree; not a new logger.

Users keep ``logging.getLogger(...)``. The service works in three ways: not at all (dictConfig alone
registers handlers by name), made by :meth:`LoggingService.from_config`, or as a handler itself, one
entry on a logger that dispatches to several others.
"""

from __future__ import annotations

import logging
import threading
import time
import weakref
from collections.abc import Mapping, Sequence
from typing import Self

from . import registry
from .config import Source, apply_config
from .exceptions import ConfigurationError, UnknownNameError
from .forks import on_fork
from .handlers.error_ring import report
from .ledger import HandlerStatistics
from .options import OptionReader, near_match
from .registry import Registered
from .sanitizing import safe_str

__all__ = ["LoggingService"]

DEFAULT_TIMEOUT = 5.0
"""Seconds for :meth:`LoggingService.flush` and :meth:`LoggingService.shutdown` together."""


class LoggingService(logging.Handler):
    """Holds handlers by name, dispatches records to them, flushes and closes them together.

    As a handler in dictConfig: ``"class": "zotify_logging.LoggingService", "dispatch": ["app",
    "audit"]``. It dispatches only to handlers given to it by :meth:`register` or ``dispatch``; one
    that is also attached on the record's own path is skipped and counted, so that no record is
    written twice. One handler that raises does not stop its siblings.

    Args:
        dispatch: names of handlers to dispatch to; they may be made later.
        level: as in stdlib.
        options: none; misspelt ones are reported with near matches.

    Raises:
        OptionError: a wrong or unknown option.
    """

    def __init__(
        self, *, dispatch: Sequence[str] = (), level: int | str = logging.NOTSET, **options: object
    ) -> None:
        reader = OptionReader(type(self).__name__)
        reader.known("dispatch")
        names = list(dispatch) if isinstance(dispatch, (list, tuple)) else [None]
        if not all(isinstance(name, str) for name in names):
            reader.problem("dispatch", f"{dispatch!r:.80} is not a list of handler names")
        number = reader.level("level", level)
        reader.unknown(options)
        reader.finish()
        super().__init__(number)
        self.skipped = 0
        self._by_name = list(dispatch)
        self._handlers: dict[str, Registered] = {}
        self._guard = threading.RLock()
        self._reported: set[str] = set()
        on_fork(self)

    @classmethod
    def from_config(cls, source: Source) -> Self:
        """Apply a dictConfig mapping, or a TOML, JSON or YAML file of one, and hold its handlers.

        Raises:
            ConfigurationError: everything that is wrong, at once, by path and with near matches.
            MissingDependencyError: a YAML file without the ``yaml`` extra.
        """
        service = cls()
        for name in apply_config(source):
            try:
                service.register(name, registry.find(name))
            except UnknownNameError:
                pass  # somebody else's handler: the logging tree has it, we have no business there
        return service

    def register(self, name: str, handler: Registered) -> None:
        """Dispatch to ``handler`` from now on, and make it reachable by ``name``.

        Raises:
            ConfigurationError: another handler has that name in this service, or it is none of
                this library's.
        """
        if not isinstance(handler, Registered):
            raise ConfigurationError(
                [f"{name}: {type(handler).__name__} has no ledger; subclass BaseLogHandler"]
            )
        with self._guard:
            if self._handlers.get(name, handler) is not handler:
                raise ConfigurationError([f"{name}: is registered already; unregister it first"])
            self._handlers = {**self._handlers, name: handler}
            registry.register(name, handler)

    def unregister(self, name: str) -> None:
        """Stop dispatching to the handler of that name; it stays open.

        Raises:
            UnknownNameError: there is none; the message has near matches.
        """
        with self._guard:
            handler = self._handlers.get(name)
            if handler is None and name not in self._by_name:
                raise self._unknown(name)
            self._handlers = {key: one for key, one in self._handlers.items() if key != name}
            self._by_name = [key for key in self._by_name if key != name]
            if handler is not None:
                registry.unregister(name, handler)

    def get(self, name: str) -> Registered:
        """Return the handler of that name.

        Raises:
            UnknownNameError: there is none; the message has near matches.
        """
        if name in self._handlers:
            return self._handlers[name]
        if name in self._by_name:
            return registry.find(name)
        raise self._unknown(name)

    def names(self) -> list[str]:
        """Return the names of this service's handlers, sorted."""
        return sorted({*self._handlers, *self._by_name})

    def dispatch(self, record: logging.LogRecord) -> None:
        """Give the record to every handler whose level and filters accept it. Never raises."""
        # Who got the record already: attached on its path, by another service on it, or by another
        # of its names here.
        taken = {id(one) for one in _attached_to(record.name)}
        taken |= _given.by_others(record, self)
        for name, handler in self._targets():
            if record.levelno < handler.level:
                continue
            if id(handler) in taken:
                self.skipped += 1
                continue
            taken.add(id(handler))
            _given.note(record, self, handler)
            try:
                handler.handle(record)
            except Exception as error:
                report(name, f"{type(error).__name__}: {safe_str(error)}")

    def emit(self, record: logging.LogRecord) -> None:
        """Dispatch: what ``logging`` calls when the service is a handler itself."""
        self.dispatch(record)

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and dispatch; without a lock of its own, as every handler has one."""
        passed: object = self.filter(record)
        if not passed:
            return False
        self.dispatch(passed if isinstance(passed, logging.LogRecord) else record)
        return True

    def statistics(self) -> Mapping[str, HandlerStatistics]:
        """Return each handler's ledger, by name."""
        return {name: handler.statistics() for name, handler in self._targets()}

    def flush(self, timeout: float | None = None) -> bool:  # type: ignore[override]  # tells more
        """Flush all handlers within one deadline.

        Args:
            timeout: seconds for all of them together, 5 by default.

        Returns:
            Whether everything accepted before the call was settled in time.
        """
        deadline = time.monotonic() + (DEFAULT_TIMEOUT if timeout is None else timeout)
        waiting = self._targets()
        for _ in range(2):  # what the first ones left of the time is for those that needed more
            late: list[tuple[str, Registered]] = []
            for index, (name, handler) in enumerate(waiting):
                share = _share(deadline, len(waiting) - index)
                try:
                    if not handler.flush(share):
                        late.append((name, handler))
                except Exception as error:
                    late.append((name, handler))
                    report(name, f"while flushing: {type(error).__name__}: {safe_str(error)}")
            waiting = late
        return not waiting

    def shutdown(self, timeout: float | None = None) -> bool:
        """Flush and close all handlers within one deadline; idempotent.

        Returns:
            Whether nothing was left behind.
        """
        deadline = time.monotonic() + (DEFAULT_TIMEOUT if timeout is None else timeout)
        done = self.flush(_share(deadline, 2))
        targets = self._targets()
        for index, (name, handler) in enumerate(targets):
            try:
                handler.close(_share(deadline, len(targets) - index))
            except Exception as error:
                done = False
                report(name, f"while closing: {safe_str(error)}")
        return done

    def _targets(self) -> list[tuple[str, Registered]]:
        targets = dict(self._handlers)
        for name in self._by_name:
            try:
                targets.setdefault(name, registry.find(name))
                self._reported.discard(name)
            except UnknownNameError as error:
                if name not in self._reported:  # once, not once a record
                    self._reported.add(name)
                    report("LoggingService", f"dispatch: {error}")
        return list(targets.items())

    def _unknown(self, name: str) -> UnknownNameError:
        known = self.names()
        hint = near_match(name, known) or f"; known: {', '.join(known) or 'none'}"
        return UnknownNameError(f"no handler named {name!r}{hint}")

    def after_fork_in_child(self) -> None:
        """Forget a lock that another thread of the parent may have held."""
        self._guard = threading.RLock()


class _Given(threading.local):
    """The record that this thread dispatched last, and which service gave it to which handlers.

    Two services on one path see the same record object, one after the other.
    """

    def __init__(self) -> None:
        self._record: weakref.ref[logging.LogRecord] | None = None
        self._services: dict[int, int] = {}

    def by_others(self, record: logging.LogRecord, service: LoggingService) -> set[int]:
        """Return the handlers that other services gave this very record to."""
        if self._record is None or self._record() is not record:
            return set()
        return {one for one, giver in self._services.items() if giver != id(service)}

    def note(self, record: logging.LogRecord, service: LoggingService, handler: Registered) -> None:
        """Remember that ``service`` is about to give ``record`` to ``handler``."""
        if self._record is None or self._record() is not record:
            self._record, self._services = weakref.ref(record), {}
        self._services[id(handler)] = id(service)


_given = _Given()


def _share(deadline: float, parts: int) -> float:
    """Return an equal part of the time left: a stuck handler leaves some to its siblings."""
    return max(0.0, deadline - time.monotonic()) / max(1, parts)


def _attached_to(name: str) -> list[object]:
    """Return the handlers that the record meets by itself on its way up the tree."""
    attached: list[object] = []
    logger: logging.Logger | None = _nearest(name)
    while logger is not None:
        attached.extend(logger.handlers)
        logger = logger.parent if logger.propagate else None
    return attached


def _nearest(name: str) -> logging.Logger:
    """Return the logger of that name or the next above it; makes none, as getLogger would."""
    known = logging.root.manager.loggerDict
    while name:
        logger = known.get(name)
        if isinstance(logger, logging.Logger):
            return logger
        name = name.rpartition(".")[0]
    return logging.root
