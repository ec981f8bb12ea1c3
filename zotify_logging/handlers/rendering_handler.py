"""A handler that turns records and entries into their final text."""

from __future__ import annotations

import logging

from ..formatters import LineFormatter, TextFormatter
from ..records import LogEntry
from ..sanitizing import cut_text
from .handler_options import HandlerSetup
from .registered_handler import RegisteredHandler
from .rendering import render_with
from .snapshot import record_of

__all__ = ["RenderingHandler"]


class RenderingHandler(RegisteredHandler):
    """Part of the base handler: its own formatter, or the user's, and the text that comes of it."""

    _own_formatter: LineFormatter
    # The one in force, if an entry is all it needs; None if it has to see the record.
    _line_formatter: LineFormatter | None
    _setup: HandlerSetup

    def default_formatter(self) -> LineFormatter:
        """Return the formatter in force until the user sets one."""
        return TextFormatter()

    def render(self, record: logging.LogRecord) -> str:
        """Return the record's final text: one line, redacted, by whichever formatter is set."""
        line = self._line_formatter
        if line is not None:
            return line.render(record, self.redactor)
        formatter = self.formatter or self._own_formatter
        try:
            if isinstance(formatter, LineFormatter):
                return formatter.render(record, self.redactor)
            return render_with(formatter, record, self.redactor, self._setup.multiline)
        except Exception:
            # The record is kept in our layout: imperfect output is better than none.
            self._tell(record)
            return self._own_formatter.render(record, self.redactor)

    def format_entry(self, entry: LogEntry) -> str:
        """Return the entry's final text: one line, by whichever formatter is set."""
        if entry.rendered is not None:
            return entry.rendered
        line = self._line_formatter
        if line is not None:
            return line.render_entry(entry)
        if isinstance(self.formatter, LineFormatter):
            return self.formatter.render_entry(entry)
        return self.render(record_of(entry))

    def shorten(self, line: str, max_bytes: int) -> str:
        """Return a line of the formatter in force, cut to ``max_bytes`` of UTF-8."""
        formatter = self._line_formatter or self.formatter
        if isinstance(formatter, LineFormatter):
            return formatter.shorten(line, max_bytes)
        return cut_text(line, max_bytes)[0]

    def setFormatter(self, fmt: logging.Formatter | None) -> None:
        """Use ``fmt`` from now on; ``None`` returns to the handler's own layout."""
        super().setFormatter(fmt)
        if fmt is None:
            self._line_formatter = self._own_formatter
        else:
            late = isinstance(fmt, LineFormatter) and not fmt.needs_record
            self._line_formatter = fmt if isinstance(fmt, LineFormatter) and late else None
