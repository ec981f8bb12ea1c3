"""The text layout: ``2026-11-22T10:00:00.000000Z INFO logger message``."""

from __future__ import annotations

import logging

from ..clock import format_created
from ..exceptions import ConfigurationError
from ..records import LogEntry, read_record
from ..redaction import Redactor
from ..sanitizing import escape_line
from .line_formatter import LineFormatter

__all__ = ["TextFormatter"]


class TextFormatter(LineFormatter):
    """Timestamp, level, logger, message, single spaces between; fields and context are not shown.

    An exception or stack follows the message on the same line, its newlines escaped.
    """

    def __init__(
        self,
        fmt: str | None = None,
        datefmt: str | None = None,
        style: str = "%",
        validate: bool = True,
    ) -> None:
        """Take what ``dictConfig`` hands to every formatter class; the layout itself is fixed.

        Raises:
            ConfigurationError: a format, date format or style was given.
        """
        given = {"format": fmt, "datefmt": datefmt, "style": None if style == "%" else style}
        problems = [
            f"{type(self).__name__}.{name}: {value!r} given, but this layout is fixed;"
            " use logging.Formatter for one of your own"
            for name, value in given.items()
            if value is not None
        ]
        if problems:
            raise ConfigurationError(problems)
        super().__init__()

    def render(self, record: logging.LogRecord, redactor: Redactor | None) -> str:
        """Return the record's line with secrets replaced by ``redactor``."""
        if type(record.msg) is str and not (
            record.exc_info or record.exc_text or record.stack_info
        ):
            try:
                message = record.getMessage()
            except Exception:
                message = read_record(record).message
        else:
            content = read_record(record)
            message = _joined(content.message, content.exception, content.stack)
        # The head is ours and has no secret; without it, most lines have none of the characters
        # that start a closer look.
        body = f"{record.levelname} {record.name} {message}"
        if redactor is not None:
            body = redactor.text(body)
        if not body.isprintable():
            body = escape_line(body)
        return f"{format_created(record.created)} {body}"

    def render_entry(self, entry: LogEntry) -> str:
        """Return the line of an entry, whose text is redacted already."""
        message = _joined(entry.message, entry.exception, entry.stack)
        return f"{entry.timestamp} " + escape_line(f"{entry.level} {entry.logger} {message}")


def _joined(message: str, exception: str | None, stack: str | None) -> str:
    return "\n".join(part for part in (message, exception, stack) if part is not None)
