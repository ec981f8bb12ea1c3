"""Our frozen snapshot of a ``logging.LogRecord``, and how to read a record without losing a thing.

A record may come from ``logging`` itself, from structlog (the event dictionary is its ``msg``) or
from a caller of python-json-logger (any mapping is its ``msg``); all three read alike here.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from dataclasses import dataclass

from .sanitizing import dump_json, safe_str

__all__ = [
    "RESERVED",
    "LogEntry",
    "RecordContent",
    "carried_field",
    "exception_text",
    "extra_fields",
    "message_text",
    "read_record",
]

RESERVED = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}
"""Attributes of a record that ``logging`` itself sets; everything else came in by ``extra``."""

_PLAIN_SIZE = len(logging.makeLogRecord({}).__dict__)
_LAST_PLAIN = next(reversed(logging.makeLogRecord({}).__dict__))


def extra_fields(record: logging.LogRecord) -> dict[str, object]:
    """Return what the caller put on the record by ``extra``.

    Names with a leading underscore are left out, as python-json-logger does: structlog keeps its
    private things there.
    """
    attributes = record.__dict__
    # Whatever was added comes last, even if a filter took something else away.
    if len(attributes) == _PLAIN_SIZE and next(reversed(attributes)) == _LAST_PLAIN:
        return {}
    fields: dict[str, object] = {}
    for key, value in attributes.items():
        if key not in RESERVED:
            name = key if type(key) is str else safe_str(key)  # `extra={1: 2}` is taken by stdlib
            if not name.startswith("_"):
                fields[name] = value
    return fields


def carried_field(record: logging.LogRecord, name: str) -> object:
    """Return one field of a record, given by ``extra`` or in a structured event, or ``None``.

    Costs next to nothing: a handler decides by it whether the record is for it at all.
    """
    message = record.msg
    if isinstance(message, Mapping) and not record.args and name in message:
        value: object = message[name]
        return value
    return record.__dict__.get(name)


def message_text(record: logging.LogRecord) -> str:
    """Return the message with its arguments merged; arguments that do not fit are shown beside it.

    Never raises an ``Exception``: a wrong ``%d`` costs a record its looks, not its life.
    """
    try:
        return str.__str__(record.getMessage())  # never a subclass with ideas of its own
    except Exception as error:
        arguments = safe_repr(record.args)
        return f"{safe_str(record.msg)} [arguments {arguments} do not fit: {safe_str(error)}]"


def safe_repr(value: object) -> str:
    """Return ``repr(value)``, or the name of its type where that raises."""
    try:
        return repr(value)
    except Exception:
        return f"<{type(value).__name__}>"


def exception_text(exc_info: object) -> str | None:
    """Return the traceback of what ``exc_info`` stands for: an exception, a triple, or true."""
    if isinstance(exc_info, BaseException):
        exc_info = (type(exc_info), exc_info, exc_info.__traceback__)
    elif exc_info and not isinstance(exc_info, tuple):
        exc_info = sys.exc_info()
    if not isinstance(exc_info, tuple) or len(exc_info) != 3 or exc_info[0] is None:
        return None
    try:
        return _TRACEBACK.formatException(exc_info)
    except Exception as error:  # an exception whose own __str__ raises
        return f"{safe_repr(exc_info[0])}: <no traceback: {type(error).__name__}>"


_TRACEBACK = logging.Formatter()


@dataclass(frozen=True, slots=True)
class RecordContent:
    """What a record says, whoever made it; fields are the caller's own objects."""

    message: str
    fields: dict[str, object]
    exception: str | None
    stack: str | None


def read_record(record: logging.LogRecord) -> RecordContent:
    """Read message, fields, exception and stack of a record; the record stays as it is."""
    fields = extra_fields(record)
    exception = record.exc_text or (exception_text(record.exc_info) if record.exc_info else None)
    stack = record.stack_info
    event = _event(record)
    if event is None:
        return RecordContent(message_text(record), fields, exception, stack)
    exc_info = event.pop("exc_info", None)  # never a field: it holds frames and all they hold
    exception = exception or exception_text(exc_info)
    if exception is None and isinstance(event.get("exception"), str):
        exception = safe_str(event.pop("exception"))
    if stack is None and isinstance(event.get("stack"), str):
        stack = safe_str(event.pop("stack"))
    name = "event" if "event" in event else "message"
    message = safe_str(event.pop(name)) if name in event else dump_json(event)
    return RecordContent(message, {**fields, **event}, exception, stack)


def _event(record: logging.LogRecord) -> dict[str, object] | None:
    """Return the event dictionary that is the record's message, or ``None`` if it is a text."""
    if type(record.msg) is str or record.args:
        return None
    try:
        if isinstance(record.msg, Mapping):
            return {
                key if type(key) is str else safe_str(key): value
                for key, value in record.msg.items()
            }
    except Exception:  # a mapping that cannot be read is shown as any other object
        pass
    return None


@dataclass(frozen=True, slots=True)
class LogEntry:
    """One log record by value: nothing in it changes when the caller goes on.

    Text is redacted, but not yet escaped for a line: a database keeps newlines, a file does not.

    Attributes:
        timestamp: RFC 3339 in UTC with microseconds.
        created_ns: nanoseconds since the epoch.
        level: the level's name.
        level_no: the level's number.
        logger: the logger's name.
        message: the message with its arguments merged.
        exception: the formatted traceback, or ``None``.
        stack: the formatted stack of ``stack_info``, or ``None``.
        fields: what came in by ``extra`` or as a structlog event.
        context: what :mod:`zotify_logging.context` held at the call.
        pid: process id of the caller.
        thread: thread name of the caller.
        source: ``path:line`` of the call, or an empty text.
        rendered: the finished line, where the user's own formatter had to see the caller's record
            (where that formatter is not one of ours); else ``None``.
        failed_in: ``id()`` of the handlers that could not keep it, so that failover ends.
    """

    timestamp: str
    created_ns: int
    level: str
    level_no: int
    logger: str
    message: str
    exception: str | None
    stack: str | None
    fields: Mapping[str, object]
    context: Mapping[str, object]
    pid: int
    thread: str
    source: str
    rendered: str | None = None
    failed_in: tuple[int, ...] = ()
