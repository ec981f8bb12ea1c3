"""One case's own handler, the logger before it, and what its sink has got since."""

from __future__ import annotations

import logging
import sys
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Case", "Factory", "ReadBack", "Trial"]

Factory = Callable[[], logging.Handler]
"""Makes a handler, ready for use."""

ReadBack = Callable[[logging.Handler], Sequence[str]]
"""Returns all that is in a handler's sink, oldest first, one text a record."""


class Trial:
    """A fresh handler of a factory; made for one case, in one thread.

    Attributes:
        marker: a text that no other trial uses; what a case logs holds it.
        timeout: seconds that the case may take.
        told: the exceptions that the handler has given to ``handleError``.
        logger: hands records to the handler, and stands in no tree.
        handler: the one under test.
    """

    def __init__(
        self,
        factory: Factory,
        read_back: ReadBack,
        extra: Mapping[str, object],
        timeout: float,
    ) -> None:
        self.marker = f"zk{uuid.uuid4().hex[:10]}"
        self.timeout = timeout
        self.told: list[BaseException | None] = []
        self.logger = logging.Logger(f"checked.{self.marker}", logging.DEBUG)
        self._factory = factory
        self._read_back = read_back
        self._extra = dict(extra)
        self._error_if_empty: type[Exception] | None = None
        self.handler = self.make()
        self.logger.addHandler(self.handler)
        self._known = self._count_known()

    def make(self) -> logging.Handler:
        """Return another handler of the factory, whose errors are kept in :attr:`told`."""
        handler = self._factory()
        # On the instance: a handler under test need not be of a class that we may subclass.
        vars(handler)["handleError"] = lambda record: self.told.append(sys.exc_info()[1])
        return handler

    def record(
        self,
        message: object,
        *args: object,
        level: int = logging.WARNING,
        extra: Mapping[str, object] | None = None,
    ) -> logging.LogRecord:
        """Return a record of the trial's logger, with the fields that every record is to have."""
        return self.logger.makeRecord(
            self.logger.name,
            level,
            __file__,
            1,
            message,
            args,
            None,
            "record",
            {**self._extra, **(extra or {})},
        )

    def log(
        self,
        message: object,
        *args: object,
        level: int = logging.WARNING,
        exc_info: BaseException | None = None,
        stack_info: bool = False,
        **extra: object,
    ) -> None:
        """Log one record, as an application does."""
        self.logger.log(
            level,
            message,
            *args,
            exc_info=exc_info,
            stack_info=stack_info,
            extra={**self._extra, **extra},
        )

    def lines(self) -> list[str]:
        """Return what the sink has got since the trial began; flushes first."""
        return self.all_lines(self.handler)[self._known :]

    def all_lines(self, handler: logging.Handler) -> list[str]:
        """Return all that is in the sink of one of the trial's handlers; flushes first."""
        handler.flush()
        try:
            return list(self._read_back(handler))
        except Exception as error:
            if type(error) is self._error_if_empty:
                return []  # as before the first record: there still is none
            raise

    def holding(self, text: str) -> list[str]:
        """Return the texts in the sink that hold ``text``."""
        return [line for line in self.lines() if text in line]

    def close(self) -> None:
        """Close the handler for good; an error in that is the business of its own case."""
        try:
            self.handler.close()
        except Exception:
            pass
        vars(self.handler).pop("handleError", None)  # holds this trial, which holds the handler
        self.forget()

    def forget(self) -> None:
        """Keep ``logging.shutdown`` from closing the handler again, or waiting for it."""
        references = logging._handlerList  # type: ignore[attr-defined]  # the one list there is
        references[:] = [one for one in references if one() is not self.handler]

    def _count_known(self) -> int:
        try:
            return len(self._read_back(self.handler))
        except Exception as error:  # a file, a table, a job that is made by the first record
            self._error_if_empty = type(error)
            return 0


@dataclass(frozen=True, slots=True)
class Case:
    """One rule, and the check that finds what breaks it.

    Attributes:
        name: as in ``without=`` and in a violation.
        rule: what every handler is expected to do.
        check: yields a sentence for each thing that is wrong; may raise, which is wrong as well.
    """

    name: str
    rule: str
    check: Callable[[Trial], Sequence[str]]
