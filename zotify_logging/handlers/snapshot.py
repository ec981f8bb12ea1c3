"""Takes a record by value: redacted, and safe from what the caller does to its objects next."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from uuid import UUID

from ..clock import created_us, format_created
from ..context import current_context
from ..records import LogEntry, read_record
from ..redaction import Redactor
from ..sanitizing import safe_str

__all__ = ["record_of", "snapshot"]

_VALUES = (str, int, float, type(None), bytes, date, time, timedelta, Decimal, UUID)


def snapshot(
    record: logging.LogRecord, redactor: Redactor, rendered: str | None = None
) -> LogEntry:
    """Return the record as an entry; the record stays as it is.

    Containers in fields are copied. Any other object is turned to text here, in the caller's
    thread: in the writer's it might have changed, or open a database of its own.
    """
    content = read_record(record)
    context = current_context()
    return LogEntry(
        timestamp=format_created(record.created),
        created_ns=created_us(record.created) * 1000,
        level=record.levelname,
        level_no=record.levelno or logging.NOTSET,  # None on a record of makeLogRecord({})
        logger=redactor.text(record.name or ""),
        message=redactor.text(content.message),
        exception=None if content.exception is None else redactor.text(content.exception),
        stack=None if content.stack is None else redactor.text(content.stack),
        fields=_by_value(redactor.fields(content.fields)) if content.fields else {},
        context=_by_value(redactor.fields(context)) if context else {},
        pid=record.process or 0,
        thread=record.threadName or "",
        source=f"{record.pathname}:{record.lineno}",
        rendered=rendered,
    )


def _by_value(fields: Mapping[str, object]) -> dict[str, object]:
    return {key: _value(value, 0) for key, value in fields.items()}


def _value(value: object, depth: int) -> object:
    if isinstance(value, _VALUES):
        return value
    if depth < 16:
        if isinstance(value, dict):
            return {key: _value(item, depth + 1) for key, item in value.items()}
        if isinstance(value, (list, tuple)):  # JSON has one kind of list
            return [_value(item, depth + 1) for item in value]
    return safe_str(value)


def record_of(entry: LogEntry) -> logging.LogRecord:
    """Return a record that says what the entry says, for stdlib code that wants one."""
    record = logging.makeLogRecord(
        {
            "name": entry.logger,
            "levelno": entry.level_no,
            "levelname": entry.level,
            "msg": entry.message,
            "created": entry.created_ns / 1e9,
            "process": entry.pid,
            "threadName": entry.thread,
            "exc_text": entry.exception,
            "stack_info": entry.stack,
        }
    )
    for name, value in entry.fields.items():
        record.__dict__.setdefault(name, value)
    return record
