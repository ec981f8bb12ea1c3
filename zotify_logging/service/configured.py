"""What a service's latest configuration has made, to compare the next one with."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field

__all__ = ["Configured", "Definition"]

Definition = dict[str, object]
"""A handler or logger as its configuration has it, all names replaced by what they stand for."""


@dataclass
class Configured:
    """Handlers, and who has what of one configuration.

    Attributes:
        handlers: those that the configuration made, by name.
        definitions: how it has them.
        loggers: how it has the loggers, the root by its name.
        handler_filters: the filters that it gave to a handler; the handler may have others.
        logger_filters: likewise of a logger.
    """

    handlers: dict[str, logging.Handler] = field(default_factory=dict)
    definitions: dict[str, Definition] = field(default_factory=dict)
    loggers: dict[str, Definition] = field(default_factory=dict)
    handler_filters: dict[str, list[logging.Filter]] = field(default_factory=dict)
    logger_filters: dict[str, list[logging.Filter]] = field(default_factory=dict)
