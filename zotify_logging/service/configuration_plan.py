"""Compares a new configuration with the one in force, before anything is made."""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping

from ..config import check_config
from ..exceptions import ConfigurationError
from .configured import Configured, Definition
from .diff import Diff, OptionChange, option_changes
from .dispatcher import Dispatcher
from .made_files import path_of

__all__ = ["ConfigurationPlan"]

_LIVE = ("level", "formatter", "filters")  # what a handler can change without being made anew


class ConfigurationPlan:
    """What a new configuration comes to.

    Args:
        previous: what the configuration in force has made.
        config: the new configuration.
        own_names: names of handlers that the service has from elsewhere.

    Attributes:
        definitions: the new handlers, by name.
        loggers: the new loggers, by name.
        kept: names of handlers that stay the same objects, their live options apart.
        anew: names of handlers that are made.
        diff: what changes.

    Raises:
        ConfigurationError: everything that is wrong with the configuration, by path.
    """

    def __init__(
        self, previous: Configured, config: Mapping[str, object], own_names: Collection[str] = ()
    ) -> None:
        problems = check_config(config)
        if config.get("incremental"):
            problems.append(
                "incremental: the whole configuration is wanted here; leave it out, or use"
                " set_level() and set_logger_level()"
            )
        if problems:
            raise ConfigurationError(problems)
        from ..config.building import HandlerBuilder  # brings in logging.config

        self.builder = HandlerBuilder(config)
        names = self.builder.handler_names()
        problems += [
            f"handlers.{name}: is registered already; unregister it first"
            for name in names
            if name in own_names
        ]
        self.definitions: dict[str, Definition] = {}
        for name in names:
            try:
                self.definitions[name] = self.builder.definition(name)
            except ConfigurationError as error:
                problems += error.problems
        if problems:
            raise ConfigurationError(problems)
        # Read now: what is made takes the place of what it was made from.
        self.formatter_names = {name: self.builder.part(name, "formatter") for name in names}
        self.filter_names = {name: self.builder.part(name, "filters") for name in names}
        self.logger_filter_names = self.builder.logger_filter_names()
        self.loggers = self.builder.loggers()
        self.disable_existing = bool(config.get("disable_existing_loggers", False))
        self.kept = self._find_kept(previous)
        self.anew = [name for name in names if name not in self.kept]
        self.diff = self._compare(previous)

    def paths(self) -> dict[str, str]:
        """Return the files that the handlers to be made will open, by handler."""
        found = {name: path_of(self.definitions[name]) for name in self.anew}
        return {name: path for name, path in found.items() if path is not None}

    def predecessors(
        self, old: Mapping[str, logging.Handler], previous: Configured
    ) -> dict[str, str]:
        """Return whose sink each handler to be made takes over, by name.

        The one that writes the same file; without a file the one of its name.

        Args:
            old: the handlers that go, and those that are kept, by name.
            previous: what the configuration in force has made.
        """
        sinks = {
            path_of(previous.definitions.get(name, {}))
            or getattr(handler, "baseFilename", None)
            or name: name
            for name, handler in old.items()
        }
        wanted = {name: path_of(self.definitions[name]) or name for name in self.anew}
        return {name: sinks[sink] for name, sink in wanted.items() if sink in sinks}

    def _find_kept(self, previous: Configured) -> set[str]:
        kept = {
            name
            for name, definition in self.definitions.items()
            if name in previous.definitions
            and _construction(definition) == _construction(previous.definitions[name])
            # It has no sink; a new one keeps the targets of the old apart.
            and not isinstance(previous.handlers[name], Dispatcher)
        }
        while True:  # one that was given another handler goes with it
            lost = {
                name
                for name in kept
                if any(one not in kept for one in _referred_to(self.definitions[name]))
            }
            if not lost:
                return kept
            kept -= lost

    def _compare(self, previous: Configured) -> Diff:
        before, after = previous.definitions, self.definitions
        changes = {
            name: option_changes(before[name], after[name]) for name in after if name in before
        }
        return Diff(
            added=tuple(name for name in after if name not in before),
            removed=tuple(sorted(name for name in before if name not in after)),
            changed={name: found for name, found in changes.items() if found},
            kept=tuple(name for name, found in changes.items() if not found),
            loggers=self._compare_loggers(previous),
        )

    def _compare_loggers(self, previous: Configured) -> dict[str, tuple[OptionChange, ...]]:
        found = {
            name: option_changes(previous.loggers.get(name, {}), self.loggers.get(name, {}))
            for name in sorted({*previous.loggers, *self.loggers})
        }
        return {name: changes for name, changes in found.items() if changes}


def _construction(definition: Definition) -> Definition:
    return {key: value for key, value in definition.items() if key not in _LIVE}


def _referred_to(definition: Definition) -> list[str]:
    """Return the names of handlers that a handler is given as objects."""
    target, handlers = definition.get("target"), definition.get("handlers")
    names = [target, *(handlers if isinstance(handlers, (list, tuple)) else ())]
    return [name for name in names if isinstance(name, str)]
