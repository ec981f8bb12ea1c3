"""Looks at stdlib's tree of loggers without changing it: ``getLogger`` would make what it names."""

from __future__ import annotations

import logging
from collections.abc import Iterator

from ..exceptions import UnknownNameError
from ..options import near_match
from .seam import Ferry

__all__ = [
    "existing_logger",
    "handlers_met",
    "handlers_of",
    "logger_named",
    "nearest_logger",
    "path_up",
]


def existing_logger(name: str) -> logging.Logger | None:
    """Return the logger of that name if there is one; ``root`` and ``""`` mean the root logger."""
    if name in ("", "root"):
        return logging.root
    found = logging.root.manager.loggerDict.get(name)
    return found if isinstance(found, logging.Logger) else None


def logger_named(name: str) -> logging.Logger:
    """Return a logger that exists, or of which descendants exist.

    Raises:
        UnknownNameError: nobody has asked for a logger of that name; the message has near matches.
    """
    if name in ("", "root"):
        return logging.root
    known = logging.root.manager.loggerDict
    if name not in known:
        hint = near_match(name, known) or "; nobody has asked for it yet"
        raise UnknownNameError(f"no logger named {name!r}{hint}")
    return logging.getLogger(name)


def nearest_logger(name: str) -> logging.Logger:
    """Return the logger of that name or the next above it."""
    known = logging.root.manager.loggerDict
    while name:
        logger = known.get(name)
        if isinstance(logger, logging.Logger):
            return logger
        name = name.rpartition(".")[0]
    return logging.root


def path_up(name: str, *, old: bool = False) -> Iterator[logging.Logger]:
    """Yield the loggers whose handlers a record of that logger meets, in that order.

    Args:
        name: of the logger.
        old: while a change of configuration is under way: the way of a record of the old set.
    """
    logger: logging.Logger | None = nearest_logger(name)
    while logger is not None:
        yield logger
        goes_up = logger.propagate
        for handler in logger.handlers:
            if type(handler) is Ferry:
                goes_up = handler.goes_up[0 if old else 1]
        logger = logger.parent if goes_up else None


def handlers_of(logger: logging.Logger, *, old: bool = False) -> list[logging.Handler]:
    """Return a logger's handlers; while a change is under way those of the old or the new set."""
    found: list[logging.Handler] = []
    for handler in logger.handlers:
        if type(handler) is Ferry:
            found += handler.handlers(old=old)
        else:
            found.append(handler)
    return found


def handlers_met(name: str, *, old: bool = False) -> list[logging.Handler]:
    """Return the handlers that a record of that logger meets by itself on its way up the tree.

    What :func:`path_up` and :func:`handlers_of` say together, at the price of one loop: dispatch
    asks for every record.
    """
    found: list[logging.Handler] = []
    logger: logging.Logger | None = nearest_logger(name)
    while logger is not None:
        goes_up = logger.propagate
        for handler in logger.handlers:
            if type(handler) is Ferry:
                found += handler.handlers(old=old)
                goes_up = handler.goes_up[0 if old else 1]
            else:
                found.append(handler)
        logger = logger.parent if goes_up else None
    return found
