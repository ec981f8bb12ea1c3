"""Gives one record to several handlers, each once, whoever else would give it to them."""

from __future__ import annotations

import logging
import threading
import weakref
from collections import Counter
from collections.abc import Callable

from .. import registry
from ..config import find_factory, problems_of
from ..exceptions import ConfigurationError, UnknownNameError
from ..forks import on_fork
from ..handlers.error_ring import report
from ..options import near_match
from ..registry import Registered
from ..sanitizing import safe_str
from .logging_tree import handlers_met
from .one_record import OneRecord

__all__ = ["Dispatcher"]


class Dispatcher(logging.Handler):
    """Part of the logging service: its handlers by name, and the way of a record to them."""

    def __init__(self) -> None:
        super().__init__()
        self._skipped: Counter[str] = Counter()
        self._by_name: list[str] = []  # of handlers that may be made later, or anew
        self._found: dict[str, Registered] = {}  # those of them that are there; kept alive here
        self._handlers: dict[str, Registered] = {}
        self._guard = threading.RLock()
        self._reported: set[str] = set()
        self._retired = False  # of an old configuration, for records that are on their way
        on_fork(self)

    @property
    def skipped(self) -> int:
        """How often dispatch passed a handler over that met the record by itself."""
        return sum(self._skipped.values())

    def register(self, name: str, handler: Registered | str, **options: object) -> Registered:
        """Dispatch to a handler from now on, and make it reachable by ``name``.

        Args:
            name: what it is called here.
            handler: the handler, or the name under which an installed distribution announces a
                factory in the entry-point group ``zotify_logging.handlers``.
            options: keywords for that factory; none with a handler.

        Returns:
            The handler.

        Raises:
            ConfigurationError: another handler has that name in this service, it is none of this
                library's, or the factory refuses the options.
            UnknownNameError: no distribution announces that name; the message has near matches.
        """
        found: object = handler
        if isinstance(handler, str):
            self._refuse_taken(name, handler)
            # Without the guard: what makes a handler takes the lock of logging, and a change of
            # configuration takes the guard under that.
            found = self._made(name, handler, options)
        if not isinstance(found, Registered):
            raise ConfigurationError(
                [f"{name}: {type(found).__name__} has no ledger; subclass BaseLogHandler"]
            )
        with self._guard:
            self._refuse_taken(name, found)
            self._handlers = {**self._handlers, name: found}
            registry.register(name, found)
        return found

    def _refuse_taken(self, name: str, handler: object) -> None:
        if self._handlers.get(name, handler) is not handler:
            raise ConfigurationError([f"{name}: is registered already; unregister it first"])

    def found(self, name: str, handler: Registered) -> None:
        """Dispatch to this handler what is for that name; part of the registry's protocol."""
        self._found = {**self._found, name: handler}
        self._reported.discard(name)

    def lost(self, name: str, handler: Registered) -> None:
        """Let go of a handler that has lost its name; part of the registry's protocol."""
        self._found = {
            key: one for key, one in self._found.items() if key != name or one is not handler
        }

    @staticmethod
    def _made(name: str, factory: str, options: dict[str, object]) -> object:
        try:
            made = find_factory(factory)(**options)
        except UnknownNameError:
            raise
        except Exception as error:  # somebody else's code
            raise ConfigurationError(problems_of(error, name)) from error
        if isinstance(made, logging.Handler):
            made.set_name(name)
        return made

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
            self._found = {key: one for key, one in self._found.items() if key != name}
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
            return self._found.get(name) or registry.find(name)
        raise self._unknown(name)

    def names(self) -> list[str]:
        """Return the names of this service's handlers, sorted."""
        return sorted({*self._handlers, *self._by_name})

    def targets(self) -> list[tuple[str, Registered]]:
        """Return the handlers that are there now, with their names."""
        targets = dict(self._handlers)
        for name in self._by_name:
            found = self._found.get(name)
            if found is not None:
                targets.setdefault(name, found)
            elif name not in self._reported:  # once, not once a record
                self._reported.add(name)
                hint = near_match(name, registry.names())
                report("LoggingService", f"dispatch: no handler named {name!r}{hint}")
        if self._retired:  # asked last: a name may have got another meaning while this went on
            targets = self._handlers
        return list(targets.items())

    def dispatch(self, record: logging.LogRecord) -> None:
        """Give the record to every handler whose level and filters accept it. Never raises.

        It is taken by value once, its message made once: each handler has a copy of its own.
        """
        # Who got the record already: attached on its path, by another service on it, or by another
        # of its names here.
        taken = {id(one) for one in handlers_met(record.name, old=self._retired)}
        taken |= _given.by_others(record, self)
        one: OneRecord | None = None
        for name, handler in self.targets():
            if record.levelno < handler.level:
                continue
            if id(handler) in taken:
                self._skipped[name] += 1
                continue
            taken.add(id(handler))
            _given.note(record, self, handler)
            try:
                if one is None:
                    one = OneRecord(record)
                handler.handle(one.copy())
            except Exception as error:
                report(name, f"{type(error).__name__}: {safe_str(error)}")

    def emit(self, record: logging.LogRecord) -> None:
        """Dispatch: what ``logging`` calls when the service is a handler itself."""
        self.dispatch(record)

    def handle(self, record: logging.LogRecord) -> bool:
        """Filter and dispatch; without a lock of its own, as every handler has one."""
        try:
            passed: object = self.filter(record)
        except Exception as error:  # a filter of the user's may raise anything
            report("LoggingService", f"filter: {type(error).__name__}: {safe_str(error)}")
            return False
        if not passed:
            return False
        self.dispatch(passed if isinstance(passed, logging.LogRecord) else record)
        return True

    def follow(self, old: Dispatcher) -> None:
        """Go on where a service of an old configuration ended: its own handlers, its counts."""
        self._handlers = dict(old._handlers)
        self._skipped.update(old._skipped)

    def retire(self) -> Callable[[], None]:
        """Stay with today's handlers, whatever their names come to mean; returns the way back.

        For records that are on their way while another configuration takes the place of this one.
        """
        before = self._handlers
        self._handlers = dict(self.targets())
        self._retired = True

        def back() -> None:
            self._retired = False
            self._handlers = before

        return back

    def after_fork_in_child(self) -> None:
        """Forget a lock that another thread of the parent may have held."""
        self._guard = threading.RLock()

    def _unknown(self, name: str) -> UnknownNameError:
        known = self.names()
        hint = near_match(name, known) or f"; known: {', '.join(known) or 'none'}"
        return UnknownNameError(f"no handler named {name!r}{hint}")


class _Given(threading.local):
    """The record that this thread dispatched last, and which service gave it to which handlers.

    Two services on one path see the same record object, one after the other.
    """

    def __init__(self) -> None:
        self._record: weakref.ref[logging.LogRecord] | None = None
        self._services: dict[int, int] = {}

    def by_others(self, record: logging.LogRecord, service: Dispatcher) -> set[int]:
        """Return the handlers that other services gave this very record to."""
        if self._record is None or self._record() is not record:
            return set()
        return {one for one, giver in self._services.items() if giver != id(service)}

    def note(self, record: logging.LogRecord, service: Dispatcher, handler: Registered) -> None:
        """Remember that ``service`` is about to give ``record`` to ``handler``."""
        if self._record is None or self._record() is not record:
            self._record, self._services = weakref.ref(record), {}
        self._services[id(handler)] = id(service)


_given = _Given()
