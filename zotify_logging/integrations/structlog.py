"""structlog on the standard library's tree: its events reach our handlers as fields, not as text.

The same can be spelled out with structlog's own processors; see the recipe in the documentation.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

import structlog
from structlog.processors import CallsiteParameter, CallsiteParameterAdder, StackInfoRenderer
from structlog.stdlib import (
    BoundLogger,
    LoggerFactory,
    PositionalArgumentsFormatter,
    ProcessorFormatter,
    filter_by_level,
)
from structlog.typing import EventDict, Processor, WrappedLogger

from ..exceptions import ConfigurationError
from ..options import near_match
from ..sanitizing import safe_str

__all__ = ["configure_structlog"]

_OURS = ["zotify_logging"]  # frames that are never where an application has called


def configure_structlog(
    *processors: Processor,
    callsite: Iterable[str] = (),
    cache_logger_on_first_use: bool = True,
) -> None:
    """Let structlog hand its event dictionaries to the standard library's loggers as they are.

    Levels and handlers stay those of ``logging``; ``%`` arguments are merged into the event (such
    as do not fit are shown beside it, where structlog's own processor raises); exceptions and
    stacks are formatted by the handler; ``structlog.contextvars`` are read by our handlers as
    context. A ``ProcessorFormatter`` on a handler works as well. May be called again.

    Args:
        processors: yours, run on each event that its logger's level lets pass, last before it is
            handed over. None of them may turn the event into text.
        callsite: names of ``structlog.processors.CallsiteParameter`` to add as fields:
            ``"filename"``, ``"lineno"``, ``"func_name"``, …
        cache_logger_on_first_use: as in ``structlog.configure``; ``False`` for tests that configure
            more than once.

    Raises:
        ConfigurationError: unknown callsite parameters, all at once.
    """
    chain: list[Processor] = [filter_by_level, _merge_arguments]
    parameters = _read_callsite(callsite)
    if parameters:
        chain.append(CallsiteParameterAdder(parameters, additional_ignores=_OURS))
    chain += [StackInfoRenderer(_OURS), *processors, ProcessorFormatter.wrap_for_formatter]
    structlog.configure(
        processors=chain,
        logger_factory=_Loggers(),
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=cache_logger_on_first_use,
    )


class _Loggers(LoggerFactory):
    """structlog's loggers, which know the caller's line behind structlog's own frames.

    structlog's factory makes new loggers such; those that a configuration has named before are here
    turned into such, or their records would all come from a line of structlog.
    """

    def __init__(self) -> None:
        super().__init__(_OURS)
        self._known = logging.getLoggerClass()

    def __call__(self, *args: object) -> logging.Logger:
        logger = super().__call__(*args)
        if type(logger) is logging.Logger:
            logger.__class__ = self._known
        return logger


_merge = PositionalArgumentsFormatter()


def _merge_arguments(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    try:
        merged: EventDict = _merge(logger, name, event)
        return merged
    except Exception as error:  # a wrong `%d` must not raise into the application
        arguments = event.pop("positional_args", ())
        shown = ", ".join(map(safe_str, arguments))
        event["event"] = (
            f"{safe_str(event.get('event'))} [arguments ({shown}) do not fit: {safe_str(error)}]"
        )
        return event


def _read_callsite(names: Iterable[str]) -> list[CallsiteParameter]:
    known = {parameter.value: parameter for parameter in CallsiteParameter}
    names = list(names)
    problems = [
        f"callsite: {name!r} is no callsite parameter of structlog{near_match(str(name), known)}"
        for name in names
        if name not in known
    ]
    if problems:
        raise ConfigurationError(problems)
    return [known[name] for name in names]
