"""The logger tree that a configuration would make, read from the mapping alone.

Nothing is applied, made or opened: what is wrong in the mapping is passed over here, as far as the
rest still has a meaning (``check_config`` names it).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

__all__ = ["PlannedHandler", "PlannedLogger", "PlannedTree", "level_of", "plan_tree"]

_SERVICE = "LoggingService"


@dataclass(frozen=True)
class PlannedHandler:
    """A handler as configured.

    Attributes:
        name: its key under ``handlers``.
        kind: the class or factory, as written.
        level: 0 where none is given.
        dispatch: names that it hands records on to, if it is a service.
        options: everything else, as written.
    """

    name: str
    kind: str
    level: int
    dispatch: tuple[str, ...]
    options: Mapping[str, object] = field(repr=False)

    @property
    def short_kind(self) -> str:
        """The class without its modules."""
        return self.kind.rpartition(".")[2] or "?"

    @property
    def is_service(self) -> bool:
        """Whether it dispatches, and keeps nothing itself."""
        return self.kind.endswith(_SERVICE)

    @property
    def can_be_given(self) -> bool:
        """Whether a service or failover finds it: it has a ledger, as all of this library's do.

        Classes of others are taken at their word, for they may be derived from ours.
        """
        return not self.is_service and not self.kind.startswith("logging.")


@dataclass(frozen=True)
class PlannedLogger:
    """A logger as configured; ``name`` is ``root`` for the root.

    Attributes:
        level: its own, 0 for none.
        has_level: whether the configuration gives it one.
        propagate: whether records go on to the loggers above.
        handlers: names of handlers attached to it.
        place: its path in the configuration.
    """

    name: str
    level: int
    has_level: bool
    propagate: bool
    handlers: tuple[str, ...]
    place: str


@dataclass(frozen=True)
class PlannedTree:
    """All loggers by name, the root among them, and all handlers by name."""

    loggers: Mapping[str, PlannedLogger]
    handlers: Mapping[str, PlannedHandler]

    def path(self, name: str) -> Iterator[PlannedLogger]:
        """Yield the configured loggers that a record of ``name`` meets, from the nearest up."""
        while name and name != "root":
            if (logger := self.loggers.get(name)) is not None:
                yield logger
                if not logger.propagate:
                    return
            name = name.rpartition(".")[0]
        yield self.loggers["root"]

    def effective(self, name: str) -> tuple[int, PlannedLogger]:
        """Return the level that holds for a logger, and the logger that it comes from."""
        root = self.loggers["root"]
        while name and name != "root":
            logger = self.loggers.get(name)
            if logger is not None and logger.level:
                return logger.level, logger
            name = name.rpartition(".")[0]
        return root.level, root

    def reached(self, name: str) -> list[tuple[PlannedLogger, str]]:
        """Return each handler attached on the record's path, with the logger it is attached to."""
        return [
            (logger, handler)
            for logger in self.path(name)
            for handler in logger.handlers
            if handler in self.handlers
        ]

    def takers(self, name: str, level: int) -> list[str]:
        """Return the names of handlers that a record would be given to, each once."""
        if level < self.effective(name)[0]:
            return []
        found: list[str] = []
        for _, attached in self.reached(name):
            handler = self.handlers[attached]
            if level < handler.level:
                continue
            if not handler.dispatch and attached not in found:
                found.append(attached)
            for taker in handler.dispatch:
                target = self.handlers.get(taker)
                if target is None or not target.can_be_given or taker in found:
                    continue
                if level >= target.level:
                    found.append(taker)
        return found


def plan_tree(config: Mapping[str, object]) -> PlannedTree:
    """Read the tree of a configuration, right or wrong."""
    handlers = {
        name: _handler(name, options) for name, options in _members(config, "handlers").items()
    }
    loggers = {"root": _logger("root", "root", _mapping(config.get("root")))}
    for name, options in _members(config, "loggers").items():
        if name and name != "root":
            loggers[name] = _logger(name, f"loggers.{name}", _mapping(options))
        else:  # dictConfig knows the root by both, and `root` wins
            loggers["root"] = _logger("root", "root", _mapping(config.get("root", options)))
    return PlannedTree(loggers, handlers)


def level_of(value: object) -> int | None:
    """Return a level's number, ``None`` for what is none."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return logging.getLevelNamesMapping().get(value) if isinstance(value, str) else None


def _members(config: Mapping[str, object], key: str) -> dict[str, object]:
    return {str(name): options for name, options in _mapping(config.get(key)).items()}


def _mapping(value: object) -> Mapping[object, object]:
    return value if isinstance(value, Mapping) else {}


def _names(value: object) -> tuple[str, ...]:
    if not isinstance(value, (list, tuple)):
        return ()
    return tuple(str(name) for name in value if isinstance(name, (str, int)))


def _handler(name: str, given: object) -> PlannedHandler:
    options = {str(key): value for key, value in _mapping(given).items()}
    target = options.get("()", options.get("class"))
    kind = target if isinstance(target, str) else getattr(target, "__qualname__", "")
    kind = str(kind).removeprefix("ext://")
    dispatch = _names(options.get("dispatch")) if kind.endswith(_SERVICE) else ()
    return PlannedHandler(name, kind, level_of(options.get("level")) or 0, dispatch, options)


def _logger(name: str, place: str, options: Mapping[object, object]) -> PlannedLogger:
    level = level_of(options.get("level"))
    propagate = options.get("propagate", True)
    return PlannedLogger(
        name,
        # A root that nobody gives a level has the one that logging makes it with.
        logging.WARNING if level is None and name == "root" else level or 0,
        level is not None,
        name != "root" and propagate is not False and propagate != 0,
        _names(options.get("handlers")),
        place,
    )
