"""What our two layouts share: the promise of one safe line."""

from __future__ import annotations

import logging
from abc import abstractmethod
from typing import final

from ..records import LogEntry
from ..redaction import Redactor
from ..sanitizing import cut_text

__all__ = ["LineFormatter"]


class LineFormatter(logging.Formatter):
    """A ``logging.Formatter`` whose result is one line: nothing in a record can break it in two.

    Also usable on any stdlib handler. The record is never changed (stdlib's own formatter leaves
    ``message``, ``asctime`` and ``exc_text`` behind). Safe for many threads at once.

    Attributes:
        needs_record: the line must be made from the record, at the call; an entry has not all of
            it.
    """

    needs_record = False  # only the record in the caller's thread has all that is on the line

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
