"""What our two layouts share: the promise of one safe line."""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import final

from ..records import LogEntry
from ..redaction import Redactor
from ..sanitizing import cut_text

__all__ = ["LineFormatter"]


_NEVER_CALLED = frozenset(
    {
        *("format", "formatTime", "formatException", "formatMessage", "formatStack", "usesTime"),
        *("add_fields", "process_log_record", "jsonify_log_record", "serialize_log_record"),
    }
)


class LineFormatter(logging.Formatter):
    """A ``logging.Formatter`` whose result is one line: nothing in a record can break it in two.

    Also usable on any stdlib handler. The record is never changed (stdlib's own formatter leaves
    ``message``, ``asctime`` and ``exc_text`` behind). Safe for many threads at once.

    A class derived from it that overrides a method of stdlib's formatter or python-json-logger's is
    refused (TypeError): it would never be called.

    Attributes:
        needs_record: the line must be made from the record, at the call; an entry has not all of
            it.
    """

    needs_record = False  # only the record in the caller's thread has all that is on the line

    def __init_subclass__(cls, **kwargs: object) -> None:
        """Refuse methods that would be left out without a word."""
        super().__init_subclass__(**kwargs)
        ignored = sorted(_NEVER_CALLED & vars(cls).keys())
        if ignored:
            raise TypeError(
                f"{cls.__name__}: {', '.join(ignored)} would never be called; override render and"
                " render_entry, or derive from logging.Formatter or python-json-logger's"
                " JsonFormatter, whose lines a handler makes safe as well"
            )

    @final
    def format(self, record: logging.LogRecord) -> str:
        """Return the record's line, not redacted: that is the handler's duty."""
        return self.render(record, None)

    @abstractmethod
    def render(self, record: logging.LogRecord, redactor: Redactor | None) -> str:
        """Return the record's line with secrets replaced by ``redactor``."""

    def shorten(self, line: str, max_bytes: int) -> str:
        """Return a line of this layout cut to ``max_bytes`` of UTF-8; it says how much is gone."""
        return cut_text(line, max_bytes)[0]

    @abstractmethod
    def render_entry(self, entry: LogEntry) -> str:
        """Return the line of an entry, whose text is redacted already."""
