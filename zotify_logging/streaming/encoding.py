"""Turns stream records into bytes: plain text, NDJSON, server-sent events.

Each form of a record is made once and kept on the record, so that a record handed to many readers
is encoded once for all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from ..sanitizing import JsonValue, dump_json
from .stream_record import StreamRecord

__all__ = ["ENCODERS", "encode_ndjson", "encode_sse", "encode_text", "to_mapping"]

_MARK: Final = "-- zotify:"


def to_mapping(record: StreamRecord) -> dict[str, JsonValue]:
    """Return the record as the JSON object that NDJSON and SSE carry.

    ``raw`` is left out where it says nothing more (a text line is its time, level, logger and
    message; a line without head is its message); flags are left out where they are false.
    """
    if record.type != "log":
        return {"type": record.type, "cursor": record.cursor, **record.details}
    head = record.head
    raw = record.raw
    result: dict[str, JsonValue] = {
        "type": "log",
        "cursor": record.cursor,
        "timestamp": record.timestamp,
        "level": record.level,
        "logger": record.logger,
        "message": record.message,
    }
    if head is not None and raw != f"{head.timestamp} {head.level} {head.logger} {head.message}":
        result["raw"] = raw
    if record.truncated:
        result["truncated"] = True
        result["bytes"] = record.bytes
    if record.replaced:
        result["replaced"] = record.replaced
    if record.partial:
        result["partial"] = True
    if record.late:
        result["late"] = True
    return result


def encode_text(record: StreamRecord) -> bytes:
    """Return the raw line and a newline; a control record as ``-- zotify: … --``.

    A line that itself begins like a control record is sent with one leading space, so that no line
    of a log can pass for one. A truncated line says at its end how long it is.
    """
    found = record.encoded.get("text")
    if found is None:
        found = record.encoded["text"] = _text(record).encode("utf-8", "backslashreplace")
    return found


def _text(record: StreamRecord) -> str:
    if record.type != "log":
        details = "".join(
            f" {name}={'unknown' if value is None else value}"
            for name, value in record.details.items()
        )
        return f"{_MARK} {record.type}{details} --\n"
    raw = record.raw
    if raw.startswith(_MARK):
        raw = f" {raw}"
    if record.truncated:
        raw = f"{raw} …[line of {record.bytes} bytes, cut]"
    return f"{raw}\n"


def encode_ndjson(record: StreamRecord) -> bytes:
    """Return one line of strict ASCII JSON: whatever the log line holds, it is escaped."""
    found = record.encoded.get("ndjson")
    if found is None:
        found = record.encoded["ndjson"] = f"{dump_json(to_mapping(record))}\n".encode("ascii")
    return found


def encode_sse(record: StreamRecord) -> bytes:
    """Return one server-sent event: ``id`` the cursor, ``data`` the JSON object.

    Control records carry their type as ``event``; lines have none and arrive as ``message``. JSON
    escapes CR, LF and U+2028, so an event is always one ``data`` line, whatever the log line holds.
    """
    found = record.encoded.get("sse")
    if found is None:
        event = "" if record.type == "log" else f"event: {record.type}\n"
        head = f"id: {record.cursor}\n{event}data: ".encode("ascii")
        found = record.encoded["sse"] = head + encode_ndjson(record) + b"\n"
    return found


ENCODERS: Mapping[str, Callable[[StreamRecord], bytes]] = MappingProxyType(
    {"text": encode_text, "ndjson": encode_ndjson, "sse": encode_sse}
)
"""The encoder of each ``format``."""
