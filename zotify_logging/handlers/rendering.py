"""Final text by the user's own formatter, with nothing in it that must not get out.

Such a formatter (stdlib's, structlog's ``ProcessorFormatter``, python-json-logger's) sees a copy of
the record whose message is merged and redacted, whose ``args`` are empty and whose fields are
redacted; what it returns is redacted once more and made one line.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from ..records import extra_fields, message_text
from ..redaction import Redactor
from ..sanitizing import escape_line, indent_lines

__all__ = ["render_with"]


def render_with(
    formatter: logging.Formatter, record: logging.LogRecord, redactor: Redactor, multiline: bool
) -> str:
    """Return the formatter's text of the record, redacted and escaped.

    Args:
        formatter: the user's own.
        record: not changed, unless the formatter reaches into objects it shares.
        redactor: hides secrets before and after.
        multiline: keep newlines, continuation lines indented by two spaces.

    Raises:
        Exception: what the formatter raises.
    """
    text = redactor.text(formatter.format(_redacted_copy(record, redactor)))
    return indent_lines(text) if multiline else escape_line(text)


def _redacted_copy(record: logging.LogRecord, redactor: Redactor) -> logging.LogRecord:
    copy = logging.makeLogRecord(record.__dict__)
    if isinstance(record.msg, Mapping) and not record.args:
        # An event dictionary stays one, and its exc_info the triple that formatters look for.
        copy.msg = redactor.fields(record.msg, shown=False)
        if "exc_info" in record.msg:
            copy.msg["exc_info"] = record.msg["exc_info"]
    else:
        copy.msg = redactor.text(message_text(record))
        copy.args = ()
    copy.__dict__.update(redactor.fields(extra_fields(record), shown=False))
    return copy
