"""Puts the handlers of a new configuration in the place of the old ones: all of it, or nothing."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import NamedTuple, cast

from .. import registry
from .configuration_plan import ConfigurationPlan
from .configured import Configured, Definition
from .dispatcher import Dispatcher
from .logging_tree import existing_logger
from .queue_listeners import is_listening, start_listening
from .seam import Seam

__all__ = ["HandlerSwap", "handler_named"]


class HandlerSwap:
    """One change from what the previous configuration made to what the new one says.

    The caller holds the lock of ``logging`` from :meth:`prepare` to the turn of the :attr:`seam`
    or to :meth:`take_back`.

    Args:
        previous: what the configuration in force has made.
        plan: what the new one comes to.
        made: the new handlers by name, open and not attached.
        replace_all: whether the loggers that are configured lose all other handlers, as
            ``dictConfig`` has it; else those that the configuration did not make stay.

    Attributes:
        seam: keeps the two sets apart, record by record.
        configured: what the new configuration has made.
    """

    def __init__(
        self,
        previous: Configured,
        plan: ConfigurationPlan,
        made: Mapping[str, logging.Handler],
        *,
        replace_all: bool,
    ) -> None:
        self._previous = previous
        self._plan = plan
        self._replace_all = replace_all
        self._undo: list[Callable[[], object]] = []
        self.seam = Seam()
        kept = {name: previous.handlers[name] for name in plan.kept}
        self.configured = Configured(
            handlers={**kept, **made}, definitions=plan.definitions, loggers=plan.loggers
        )
        self._made = made

    def prepare(self, levels: Mapping[str, int], logger_levels: Mapping[str, int]) -> None:
        """Do everything that may fail; no record goes to a new handler yet.

        Args:
            levels: temporary levels of handlers, by name.
            logger_levels: likewise of loggers.
        """
        for name, old in self._previous.handlers.items():
            if isinstance(old, Dispatcher):
                if isinstance(successor := self._made.get(name), Dispatcher):
                    successor.follow(old)
                self._undo.append(old.retire())
        for name in self._plan.kept:
            self._adjust(name, self.configured.handlers[name], levels)
        for name, handler in self._made.items():
            self._name(name, handler)
            if name in levels:
                handler.setLevel(levels[name])
            if is_listening(self._previous.handlers.get(name)):
                start_listening(handler)
            if getattr(self._previous.handlers.get(name), "enabled", True) is False:
                setattr(handler, "enabled", False)  # noqa: B010 - of whatever class it is
            self.configured.handler_filters[name] = self._filters_of(name)
        self._prepare_loggers(logger_levels)

    def on_take_back(self, step: Callable[[], object]) -> None:
        """Have :meth:`take_back` do one thing more."""
        self._undo.append(step)

    def take_back(self) -> None:
        """Put everything back as it was."""
        self.seam.take_back()
        for step in reversed(self._undo):
            step()

    def empty(self, paths: Iterable[str]) -> None:
        """Empty the files that are to begin empty."""
        for path in paths:
            os.truncate(path, 0)

    def logger_levels(self) -> dict[str, int]:
        """Return the levels of loggers that the new configuration decides."""
        names = sorted({*self._previous.loggers, *self._plan.loggers})
        found = {name: self._level_of(name) for name in names}
        return {name: level for name, level in found.items() if level is not None}

    # Handlers

    def _adjust(self, name: str, handler: logging.Handler, levels: Mapping[str, int]) -> None:
        """Give a handler that stays what its definition says now."""
        before, after = self._previous.definitions[name], self._plan.definitions[name]
        level = cast(int, after["level"])
        if handler.level != level and name not in levels:
            self._undo.append(partial(handler.setLevel, handler.level))
            handler.setLevel(level)
        if before.get("formatter") != after.get("formatter"):
            self._undo.append(partial(handler.setFormatter, handler.formatter))
            handler.setFormatter(self._plan.builder.formatter(self._plan.formatter_names[name]))
        ours = self._previous.handler_filters.get(name, [])
        if before.get("filters") != after.get("filters"):
            wanted = self._filters_of(name)
            self._set(handler, "filters", _exchanged(handler.filters, ours, wanted))
            ours = wanted
        self.configured.handler_filters[name] = ours

    def _name(self, name: str, handler: logging.Handler) -> None:
        """Make a new handler reachable by its name; the old one loses nothing but that."""
        earlier = self._previous.handlers.get(name) or handler_named(name)
        known = registry.find(name) if name in registry.names() else None
        handler.set_name(name)

        def undo() -> None:
            handler.set_name(None)  # type: ignore[arg-type]  # stdlib takes None
            if earlier is not None:
                earlier.set_name(name)
            elif known is not None:
                registry.register(name, known)

        self._undo.append(undo)

    def _filters_of(self, name: str) -> list[logging.Filter]:
        return self._plan.builder.filters(self._plan.filter_names[name])

    # Loggers

    def _prepare_loggers(self, levels: Mapping[str, int]) -> None:
        managed = {id(one) for one in self._previous.handlers.values()}
        names = {*self._previous.loggers, *self._plan.loggers}
        for logger in _all_loggers():
            if any(id(one) in managed for one in logger.handlers):
                names.add(logger.name)
        places: list[_Place] = []
        for name in sorted(names):
            logger = logging.getLogger(None if name == "root" else name)
            before = self._previous.loggers.get(name, {})
            after = self._plan.loggers.get(name)
            self._give_level(logger, levels)
            self._give_filters(logger, before, after or {})
            if after is not None and logger.disabled:
                self._set(logger, "disabled", False)
            places.append(self._place(logger, managed, before, after))
        # A record that goes up no more, or goes up from now on, is told apart further up as well.
        everywhere = any(one.goes_up[0] != one.goes_up[1] for one in places)
        for one in places:
            if everywhere or one.old != one.new:
                self.seam.place(*one)
        if self._plan.disable_existing:
            self._disable_others()

    def _place(
        self,
        logger: logging.Logger,
        managed: set[int],
        before: Definition,
        after: Definition | None,
    ) -> _Place:
        handlers = cast("Sequence[str]", (after or {}).get("handlers", ()))
        everything = self._replace_all and after is not None
        return _Place(
            logger,
            [one for one in logger.handlers if everything or id(one) in managed],
            list(dict.fromkeys(self.configured.handlers[one] for one in handlers)),
            (logger.propagate, _goes_up(logger, before, after or {})),
        )

    def _give_level(self, logger: logging.Logger, levels: Mapping[str, int]) -> None:
        level = self._level_of(logger.name)
        if level is not None and level != logger.level and logger.name not in levels:
            self._undo.append(partial(logger.setLevel, logger.level))
            logger.setLevel(level)

    def _level_of(self, name: str) -> int | None:
        """Return the level that a logger gets; without one in either configuration it keeps its."""
        level = self._plan.loggers.get(name, {}).get("level")
        if level is None and self._previous.loggers.get(name, {}).get("level") is not None:
            return logging.WARNING if name == "root" else logging.NOTSET  # as Python starts
        return cast("int | None", level)

    def _give_filters(self, logger: logging.Logger, before: Definition, after: Definition) -> None:
        ours = self._previous.logger_filters.get(logger.name, [])
        if (before.get("filters") or []) != (after.get("filters") or []):
            wanted = self._plan.builder.filters(self._plan.logger_filter_names.get(logger.name))
            self._set(logger, "filters", _exchanged(logger.filters, ours, wanted))
            ours = wanted
        self.configured.logger_filters[logger.name] = ours

    def _disable_others(self) -> None:
        named = tuple(f"{name}." for name in self._plan.loggers)
        for logger in _all_loggers():
            if logger.name not in self._plan.loggers and not logger.name.startswith(named):
                if logger is not logging.root and not logger.disabled:
                    self._set(logger, "disabled", True)

    def _set(self, owner: object, name: str, value: object) -> None:
        """Set an attribute, and remember what it was."""
        old = getattr(owner, name)
        self._undo.append(lambda: setattr(owner, name, old))
        setattr(owner, name, value)


class _Place(NamedTuple):
    """What one logger has of the old set and of the new one, and whether records go up from it."""

    logger: logging.Logger
    old: list[logging.Handler]
    new: list[logging.Handler]
    goes_up: tuple[bool, bool]


def _goes_up(logger: logging.Logger, before: Definition, after: Definition) -> bool:
    wanted = after.get("propagate")
    if wanted is None:
        return True if before.get("propagate") is not None else logger.propagate
    return bool(wanted)


def _exchanged(
    filters: Iterable[object], old: Sequence[logging.Filter], new: Sequence[logging.Filter]
) -> list[object]:
    """Return a list with the new ones in the place of the old ones; others stay."""
    going = {id(one) for one in old}
    return [*(one for one in filters if id(one) not in going), *new]


def handler_named(name: str) -> logging.Handler | None:
    """Return the handler that stdlib knows by that name."""
    by_name: Mapping[str, logging.Handler]
    by_name = logging._handlers  # type: ignore[attr-defined]  # a function asks it from 3.12 on
    return by_name.get(name)


def _all_loggers() -> list[logging.Logger]:
    known = list(logging.root.manager.loggerDict)
    return [logging.root, *filter(None, map(existing_logger, known))]
