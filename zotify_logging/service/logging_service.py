"""A registry and dispatcher over the stdlib logging tree; not a new logger.

Users keep ``logging.getLogger(...)``. The service works in three ways: not at all (dictConfig alone
registers handlers by name), made by :meth:`LoggingService.from_config`, or as a handler itself, one
entry on a logger that dispatches to several others.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Self

from .. import registry
from ..clock import format_ns
from ..config import Source
from ..options import OptionReader
from .configurable import ConfigurableDispatcher
from .deadline import close_all, flush_all
from .decision_path import attachments, explain
from .explanation import Explanation
from .level_change import LevelChange
from .level_names import level_name
from .logging_tree import logger_named
from .service_health import ServiceHealth, overall_health
from .temporary_levels import LevelKey

__all__ = ["LoggingService"]

_SHORTEST_TTL = 0.001


class LoggingService(ConfigurableDispatcher):
    """Holds handlers by name, dispatches records to them, changes them while they run.

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
        super().__init__()
        self.setLevel(number)
        self._by_name = list(dispatch)
        for name in self._by_name:
            registry.want(name, self)

    @classmethod
    def from_config(cls, source: Source) -> Self:
        """Apply a dictConfig mapping, or a TOML, JSON or YAML file of one, and hold its handlers.

        As ``dictConfig`` does, the loggers that are configured lose the handlers they had, which
        are closed if no other logger has them. Unlike there, handlers elsewhere stay open, existing
        loggers stay enabled unless asked otherwise, and an error changes nothing.

        Raises:
            ConfigurationError: everything that is wrong, at once, by path and with near matches.
            MissingDependencyError: a YAML file without the ``yaml`` extra.
        """
        service = cls()
        service._configure(source, dry_run=False, replace_all=True)
        return service

    def unregister(self, name: str) -> None:
        """Stop dispatching to the handler of that name; it stays open. A temporary level ends.

        Raises:
            UnknownNameError: there is none; the message has near matches.
        """
        self._levels.end(("handler", name))
        super().unregister(name)

    def set_level(
        self, handler: str, level: int | str, ttl: float | str | None = None
    ) -> LevelChange:
        """Set the least level of a handler, at once.

        Args:
            handler: its name.
            level: number or name.
            ttl: seconds, or a text such as ``"10 min"``, after which the level returns by itself to
                the permanent one, whether anybody logs or not; ``None``: it stays. A later call
                takes its place. It outlives a ``reconfigure``, and then returns to the new level.

        Raises:
            UnknownNameError: there is no handler of that name; the message has near matches.
            OptionError: a wrong level or ttl, or both.
        """
        number, seconds = _read_change("set_level", level, ttl)
        found = self.get(handler)
        places = attachments(found)
        return self._change_level(
            ("handler", handler),
            number,
            seconds,
            read=lambda: self.get(handler).level,
            write=lambda wanted: self.get(handler).setLevel(wanted),
            explained_from=places or ["root"],
        )

    def set_logger_level(
        self, logger: str, level: int | str, ttl: float | str | None = None
    ) -> LevelChange:
        """Set the level of a logger, at once; arguments as in :meth:`set_level`.

        Args:
            logger: its name; ``root`` or an empty text for the root logger.
            level: number or name; ``NOTSET`` has it take its parent's.
            ttl: as in :meth:`set_level`.

        Raises:
            UnknownNameError: nobody has asked for a logger of that name; has near matches.
            OptionError: a wrong level or ttl, or both.
        """
        number, seconds = _read_change("set_logger_level", level, ttl)
        found = logger_named(logger)
        return self._change_level(
            ("logger", found.name),
            number,
            seconds,
            read=lambda: found.level,
            write=found.setLevel,
            explained_from=[found.name],
        )

    def enable(self, name: str) -> None:
        """Have a handler take records again.

        Raises:
            UnknownNameError: there is none of that name; the message has near matches.
        """
        self.get(name).enabled = True

    def disable(self, name: str) -> None:
        """Have a handler take no records: they count as ``ignored``; what is queued is written.

        Raises:
            UnknownNameError: there is none of that name; the message has near matches.
        """
        self.get(name).enabled = False

    def health(self) -> ServiceHealth:
        """Tell how the handlers fare, by their own bookkeeping; no sink is touched."""
        return overall_health({name: handler.health() for name, handler in self.targets()})

    def explain(self, logger_name: str, level: int | str) -> Explanation:
        """Tell what would become of a record: which loggers, levels, filters, handlers; why not.

        Sends no record, makes no logger and calls no filter but stdlib's own.

        Args:
            logger_name: where the record would be logged; the logger need not exist.
            level: of the record, number or name.

        Raises:
            OptionError: the level is none.
        """
        reader = OptionReader("explain")
        number = reader.level("level", level)
        reader.finish()
        return explain(logger_name, number)

    def flush(self, timeout: float | None = None) -> bool:  # type: ignore[override]  # tells more
        """Flush all handlers within one deadline.

        Args:
            timeout: seconds for all of them together, 5 by default.

        Returns:
            Whether everything accepted before the call was settled in time.
        """
        return flush_all(self.targets(), timeout)

    def shutdown(self, timeout: float | None = None) -> bool:
        """Flush and close all handlers within one deadline; end temporary levels; idempotent.

        Returns:
            Whether nothing was left behind.
        """
        self._settle()
        self._levels.end_all()
        return close_all(self.targets(), timeout)

    def _change_level(
        self,
        key: LevelKey,
        level: int,
        seconds: float | None,
        *,
        read: Callable[[], int],
        write: Callable[[int], None],
        explained_from: Sequence[str],
    ) -> LevelChange:
        previous = read()
        self._levels.set(key, level, seconds, read, write)
        until = None
        if seconds is not None:
            until = format_ns(self.clock.time_ns() + round(seconds * 1e9))
        ways = [explain(name, level) for name in explained_from]
        refused = [way for way in ways if way.refusals]
        return LevelChange(
            key[1], level_name(previous), level_name(level), until, (refused or ways)[0]
        )


def _read_change(call: str, level: int | str, ttl: float | str | None) -> tuple[int, float | None]:
    reader = OptionReader(call)
    number = reader.level("level", level)
    seconds = None if ttl is None else reader.duration("ttl", ttl, minimum=_SHORTEST_TTL)
    reader.finish()
    return number, seconds
