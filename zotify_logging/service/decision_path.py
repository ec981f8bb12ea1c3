"""Follows the way that a record would take through the logging tree, without sending one."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from ..handlers.sink_handler import SinkHandler
from .dispatcher import Dispatcher
from .explanation import Explanation, Step
from .level_names import level_name
from .logging_tree import existing_logger, handlers_of, nearest_logger, path_up

__all__ = ["attachments", "explain"]


def explain(logger_name: str, level: int) -> Explanation:
    """Return what would become of a record; makes no logger and calls no filter of the user's.

    Args:
        logger_name: where it would be logged; the logger need not exist.
        level: of the record.
    """
    way = _Way(logger_name or "root", level)
    way.loggers()
    way.handlers()
    return way.explanation()


def attachments(handler: object) -> list[str]:
    """Return the names of the loggers that a handler is attached to, by itself or by dispatch."""
    loggers = [logging.root, *logging.root.manager.loggerDict.values()]
    found = []
    for logger in loggers:
        if isinstance(logger, logging.Logger) and any(
            one is handler or (isinstance(one, Dispatcher) and _dispatches_to(one, handler))
            for one in handlers_of(logger)
        ):
            found.append(logger.name)
    return found


def _dispatches_to(dispatcher: Dispatcher, handler: object) -> bool:
    return any(target is handler for _, target in dispatcher.targets())


class _Way:
    """The steps of one record so far."""

    def __init__(self, name: str, level: int) -> None:
        self._name = name
        self._level = level
        self._steps: list[Step] = []
        self._open = True  # whether the loggers let it pass
        self._sure: list[str] = []
        self._perhaps: list[str] = []
        self._uncertain = False

    def loggers(self) -> None:
        """Judge by what the loggers say: level, ``disabled``, ``logging.disable``, filters."""
        logger = existing_logger(self._name)
        nearest = nearest_logger(self._name)
        note = "" if logger else f"; does not exist yet, so this comes from {nearest.name}"
        if logger is not None and logger.disabled:
            self._gate("logger", self._name, False, "is disabled (disable_existing_loggers?)")
        if (limit := logging.root.manager.disable) >= self._level:
            self._gate(
                "logger", self._name, False, f"logging.disable({level_name(limit)}) is in force"
            )
        effective, origin = _effective(nearest)
        self._gate(
            "logger",
            self._name,
            self._level >= effective,
            f"effective level {level_name(effective)}, set on {origin}{note}",
        )
        for one in logger.filters if logger is not None else ():
            self._gate("filter", self._name, *_judge_filter(one, self._name))

    def handlers(self) -> None:
        """Judge by what the handlers on the way up say."""
        path = list(path_up(self._name))
        attached = {id(one) for logger in path for one in handlers_of(logger)}
        met: set[int] = set()
        for logger in path:
            for handler in handlers_of(logger):
                self._handler(handler, f"on {logger.name}", id(handler) in met)
                met.add(id(handler))
                if isinstance(handler, Dispatcher):
                    self._dispatch(handler, attached, met)
        last = path[-1]
        if last.parent is not None:
            self._add("propagation", last.name, False, "propagate is off: its parents see nothing")
        if not attached:
            self._last_resort()

    def explanation(self) -> Explanation:
        """Return what was found."""
        return Explanation(
            self._name,
            level_name(self._level),
            self._level,
            tuple(self._steps),
            tuple(dict.fromkeys(self._sure)),
            tuple(dict.fromkeys(self._perhaps)),
        )

    def _add(self, kind: str, name: str, passes: bool | None, why: str) -> None:
        self._steps.append(Step(kind, name, passes, why))

    def _gate(self, kind: str, name: str, passes: bool | None, why: str) -> None:
        self._add(kind, name, passes, why)
        self._open = self._open and passes is not False
        self._uncertain = self._uncertain or passes is None

    def _handler(self, handler: logging.Handler, where: str, again: bool) -> None:
        name = handler.get_name() or type(handler).__name__
        passes, why = _judge_handler(handler, self._name, self._level)
        if again:
            why += "; met for the second time: it writes the record twice"
        self._add("handler", name, passes, f"{where}: {why}")
        if not isinstance(handler, Dispatcher):
            self._taken(name, passes)

    def _dispatch(self, service: Dispatcher, attached: set[int], met: set[int]) -> None:
        opens, _ = _judge_handler(service, self._name, self._level)
        by = service.get_name() or type(service).__name__
        for name, target in service.targets():
            if id(target) in attached:
                why = "skipped: it is attached on the record's own path"
                self._add("dispatch", name, False, f"by {by}: {why}")
                continue
            if id(target) in met:
                why = "skipped: it was given the record already"
                self._add("dispatch", name, False, f"by {by}: {why}")
                continue
            passes, why = _judge_handler(target, self._name, self._level)
            self._add("dispatch", name, passes, f"by {by}: {why}")
            if opens is not False:
                met.add(id(target))
                self._taken(name, None if opens is None and passes else passes)

    def _taken(self, name: str, passes: bool | None) -> None:
        if not self._open or passes is False:
            return
        (self._perhaps if passes is None or self._uncertain else self._sure).append(name)

    def _last_resort(self) -> None:
        last = logging.lastResort
        if last is None:
            self._add("last_resort", "logging.lastResort", False, "no handler on the way, and none")
            return
        passes = self._level >= last.level
        why = f"no handler on the way: stderr from {level_name(last.level)} on"
        self._add("last_resort", "logging.lastResort", passes, why)
        self._taken("logging.lastResort", passes)


def _effective(logger: logging.Logger) -> tuple[int, str]:
    current: logging.Logger | None = logger
    while current is not None:
        if current.level:
            return current.level, current.name
        current = current.parent
    return logging.NOTSET, "no logger"


def _judge_filter(one: object, logger_name: str) -> tuple[bool | None, str]:
    if type(one) is logging.Filter:
        probe = logging.makeLogRecord({"name": logger_name})
        return bool(one.filter(probe)), f"logging.Filter({one.name!r})"
    name = getattr(one, "__qualname__", None) or type(one).__qualname__
    return None, f"filter {name} decides by the record"


def _judge_handler(handler: object, logger_name: str, level: int) -> tuple[bool | None, str]:
    if getattr(handler, "enabled", True) is False:
        return False, "is switched off"
    least = getattr(handler, "level", logging.NOTSET)
    if level < least:
        return False, f"its level is {level_name(least)}"
    filters: Iterable[object] = getattr(handler, "filters", ())
    undecided = ""
    for one in filters:
        passes, why = _judge_filter(one, logger_name)
        if passes is False:
            return False, why
        undecided = undecided or ("" if passes else why)
    selection = getattr(handler, "selection", "")
    if selection:
        return None, f"takes only {selection}"
    if getattr(type(handler), "selects", SinkHandler.selects) is not SinkHandler.selects:
        return None, "selects records by itself"
    return (None, undecided) if undecided else (True, f"from {level_name(least)} on")
