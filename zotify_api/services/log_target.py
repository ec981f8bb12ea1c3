"""A handler or a logger as something whose level and switch can be read and changed."""

from __future__ import annotations

import logging

from zotify_api.models.log_control import Setting, TargetKind
from zotify_logging import LoggingService, UnknownNameError
from zotify_logging.options import near_match
from zotify_logging.service import Explanation

__all__ = ["LogTarget", "find_target"]


class LogTarget:
    """One of them; made by :func:`find_target`.

    Args:
        logs: the handlers.
        kind: which of the two.
        name: as it is known; the root logger is ``root``.
    """

    def __init__(self, logs: LoggingService, kind: TargetKind, name: str) -> None:
        self._logs = logs
        self.kind = kind
        self.name = name

    def read(self, setting: Setting) -> str | bool:
        """Return the level by name, or whether it is switched on."""
        if self.kind == "handler":
            handler = self._logs.get(self.name)
            return logging.getLevelName(handler.level) if setting == "level" else handler.enabled
        logger = self._logger()
        return logging.getLevelName(logger.level) if setting == "level" else not logger.disabled

    def write(self, setting: Setting, value: str | bool, ttl: float | None) -> None:
        """Change it; a level returns by itself after ``ttl`` seconds."""
        seconds = None if ttl is None else max(0.001, ttl)
        if setting == "level" and self.kind == "handler":
            self._logs.set_level(self.name, str(value), seconds)
        elif setting == "level":
            self._logs.set_logger_level(self.name, str(value), seconds)
        elif self.kind == "logger":
            self._logger().disabled = not value
        elif value:
            self._logs.enable(self.name)
        else:
            self._logs.disable(self.name)

    def explain(self) -> Explanation:
        """Return the way of the least record that this lets through, or would."""
        if self.kind == "logger":
            logger = self._logger()
            return self._logs.explain(self.name, logger.level or logger.getEffectiveLevel())
        handler = self._logs.get(self.name)
        places = [one.name for one in _loggers() if any(handler is it for it in _handlers(one))]
        level = handler.level or logging.INFO
        ways = [self._logs.explain(place, level) for place in places or ["root"]]
        # The one that something refuses says more than those that pass.
        refused = (w for w in ways if self.name not in (*w.accepted_by, *w.depends))
        return next(refused, ways[0])

    def _logger(self) -> logging.Logger:
        return logging.getLogger("" if self.name == "root" else self.name)


def _loggers() -> list[logging.Logger]:
    known = list(logging.root.manager.loggerDict.values())
    return [logging.root, *(one for one in known if isinstance(one, logging.Logger))]


def _handlers(logger: logging.Logger) -> list[object]:
    return list(logger.handlers)


def find_target(
    logs: LoggingService, kind: TargetKind, name: str, *, make: bool = False
) -> LogTarget:
    """Return the handler or logger of that name.

    Args:
        logs: the handlers.
        kind: which of the two.
        name: as it is known.
        make: a logger that nobody has asked for yet is made.

    Raises:
        UnknownNameError: there is none; the message has near matches.
    """
    if kind == "handler":
        logs.get(name)
    elif name != "root" and name not in logging.root.manager.loggerDict and not make:
        known = [*logging.root.manager.loggerDict, "root"]
        hint = near_match(name, known) or "; nobody has asked for it yet"
        raise UnknownNameError(f"no logger named {name!r}{hint}")
    return LogTarget(logs, kind, name)
