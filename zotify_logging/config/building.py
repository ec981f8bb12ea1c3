"""Makes the handlers, formatters and filters of a configuration, and attaches nothing.

stdlib's ``DictConfigurator`` does the making: its conversions (``cfg://``, ``ext://``), its special
cases and its errors are those of ``dictConfig``. Its ``configure``, which closes every handler of
the process first, is not called.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Mapping
from logging.config import DictConfigurator
from typing import cast

from ..exceptions import ConfigurationError
from ..options import made_aside
from .factories import find_factory
from .problems import problems_of

__all__ = ["Definition", "HandlerBuilder"]

Definition = dict[str, object]
"""A handler or logger as its configuration has it, all names replaced by what they stand for."""


class _Configurator(DictConfigurator):
    """Knows the names that distributions announce besides dotted paths."""

    def resolve(self, s: str) -> object:
        """Return what a class name means."""
        return super().resolve(s) if "." in s else find_factory(s)


class HandlerBuilder:
    """The parts of one configuration, made one at a time.

    Args:
        config: a mapping that :func:`.check_config` has found nothing wrong with; it stays as it
            is.
    """

    def __init__(self, config: Mapping[str, object]) -> None:
        self._configurator = _Configurator(cast("dict[str, object]", _copied(config)))
        self._formatters = _section(self._configurator, "formatters")
        self._filters = _section(self._configurator, "filters")
        self._handlers = _section(self._configurator, "handlers")

    def handler_names(self) -> list[str]:
        """Return the names of the configuration's handlers, sorted."""
        return sorted(self._handlers)

    def definition(self, name: str) -> Definition:
        """Return a handler's definition, to compare it with another configuration's.

        Raises:
            ConfigurationError: a reference in it leads nowhere.
        """
        try:
            found = cast(Definition, _plain(self._handlers[name]))
            found["level"] = _level(found.get("level", logging.NOTSET))
            if (formatter := found.get("formatter")) is not None:
                found["formatter"] = _plain(self._formatters[cast(str, formatter)])
            found["filters"] = self._filter_definitions(found.get("filters"))
        except (KeyError, ValueError, TypeError, AttributeError, ImportError) as error:
            raise ConfigurationError(problems_of(error, f"handlers.{name}")) from error
        return found

    def loggers(self) -> dict[str, Definition]:
        """Return the definitions of the configuration's loggers, the root by its name."""
        return {name: self._logger_definition(one) for name, one in self._logger_sections().items()}

    def logger_filter_names(self) -> dict[str, object]:
        """Return what each logger's section has for its filters."""
        return {name: one.get("filters") for name, one in self._logger_sections().items()}

    def make_parts(self) -> list[str]:
        """Make formatters and filters; return what is wrong with them."""
        problems: list[str] = []
        configurator = self._configurator
        for section, parts, make in (
            ("formatters", self._formatters, configurator.configure_formatter),
            ("filters", self._filters, configurator.configure_filter),
        ):
            for name in parts:
                try:
                    # A second configuration may compare what it finds here: it is kept apart.
                    made = cast("Callable[[object], object]", make)(_copied(_plain(parts[name])))
                    parts[name] = made
                except Exception as error:  # a factory of the user's may raise anything
                    problems += problems_of(error, f"{section}.{name}")
        return problems

    def formatter(self, name: object) -> logging.Formatter | None:
        """Return a formatter that was made, ``None`` for no name."""
        return None if name is None else cast(logging.Formatter, self._formatters[cast(str, name)])

    def filters(self, names: object) -> list[logging.Filter]:
        """Return filters that were made, by their names; filters in the place of names stay."""
        found = [
            self._filters[one] if isinstance(one, str) else one
            for one in cast("Iterable[object]", names or ())
        ]
        return cast("list[logging.Filter]", found)

    def part(self, name: str, key: str) -> object:
        """Return one value of a handler's section, such as the name of its formatter."""
        return cast("Mapping[str, object]", self._handlers[name]).get(key)

    def provide(self, name: str, handler: logging.Handler) -> None:
        """Have ``handler`` be the one of that name, for others that refer to it."""
        self._handlers[name] = handler

    def make(
        self,
        names: Iterable[str],
        changed: Mapping[str, Definition],
        into: dict[str, logging.Handler],
    ) -> list[str]:
        """Make handlers, all of them even if one cannot be made; none gets its name yet.

        Args:
            names: of the handlers to make.
            changed: options that differ from the configuration's, by handler.
            into: receives each handler as soon as it is made, by its name.

        Returns:
            What is wrong with those that could not be made, by path.
        """
        problems: list[str] = []
        waiting = list(names)
        for last in (False, True):  # those that refer to others may have to wait for them
            deferred: list[str] = []
            for name in waiting:
                section = cast("dict[str, object]", self._handlers[name])
                section.update(changed.get(name, {}))
                try:
                    with made_aside():
                        handler = self._configurator.configure_handler(section)
                except Exception as error:  # a constructor of the user's may raise anything
                    if " not configured yet" in str(error.__cause__) and not last:
                        deferred.append(name)
                    else:
                        problems += problems_of(error, f"handlers.{name}")
                else:
                    into[name] = self._handlers[name] = handler
            waiting = deferred
        return problems

    def _logger_sections(self) -> dict[str, Mapping[str, object]]:
        sections = dict(_section(self._configurator, "loggers"))
        if root := _section(self._configurator, "root"):
            sections["root"] = root
        return cast("dict[str, Mapping[str, object]]", sections)

    def _logger_definition(self, section: Mapping[str, object]) -> Definition:
        found = cast(Definition, _plain(section))
        if (level := found.get("level")) is not None:
            found["level"] = _level(level)
        found["filters"] = self._filter_definitions(found.get("filters"))
        found["handlers"] = list(cast("Iterable[str]", found.get("handlers") or ()))
        return found

    def _filter_definitions(self, names: object) -> list[object]:
        return [
            _plain(self._filters[one]) if isinstance(one, str) else one
            for one in cast("Iterable[object]", names or ())
        ]


def _section(configurator: DictConfigurator, name: str) -> dict[str, object]:
    config = cast("dict[str, object]", configurator.config)
    return cast("dict[str, object]", config.get(name) or {})


def _copied(value: object) -> object:
    """Return the structure anew, with the same objects in it."""
    if isinstance(value, Mapping):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_copied(item) for item in value]
    return value


def _plain(value: object) -> object:
    """Return a converting structure as a plain one: reading it resolves what stands in it."""
    if isinstance(value, Mapping):
        return {key: _plain(value[key]) for key in value}
    if isinstance(value, list):
        return [_plain(value[index]) for index in range(len(value))]
    return value


def _level(level: object) -> object:
    return logging.getLevelNamesMapping().get(level, level) if isinstance(level, str) else level
