"""Reads time, level, logger and message from the head of a line, in our two layouts."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

__all__ = ["RecordHead", "read_head", "timestamp_us"]

_TEXT = re.compile(
    r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:?\d\d))"
    r" ([A-Z][A-Z0-9_]*|Level -?\d+) (\S+)(?: (.*))?",
    re.ASCII | re.DOTALL,
)
_JSON = re.compile(
    r'\{"timestamp":"([^"\\]{10,40})","level":"((?:[^"\\]|\\.)*+)",'
    r'"logger":"((?:[^"\\]|\\.)*+)","message":"'
)
_DECODER = json.JSONDecoder()
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class RecordHead(NamedTuple):
    """What a line says about itself.

    Attributes:
        timestamp: as written, RFC 3339.
        level: the level's name.
        logger: the logger's name.
        message: what follows; escapes of JSON undone.
    """

    timestamp: str
    level: str
    logger: str
    message: str


def read_head(text: str) -> RecordHead | None:
    """Return the head of a line, or ``None`` if it has none that can be read.

    Known are the text layout (``2026-11-22T10:00:00.000000Z INFO logger message``, with any RFC
    3339 time) and JSON objects with ``timestamp``, ``level``, ``logger`` and ``message``. A JSON
    line of ours is read even where its end is missing.
    """
    if text[:1] == "{":
        return _read_json(text)
    match = _TEXT.match(text)
    return RecordHead(match[1], match[2], match[3], match[4] or "") if match else None


def _read_json(text: str) -> RecordHead | None:
    match = _JSON.match(text)
    if match is None:
        return _read_foreign_json(text)
    level, logger = match[2], match[3]
    try:
        if "\\" in level or "\\" in logger:
            level, logger = json.loads(f'"{level}"'), json.loads(f'"{logger}"')
        message: str = _DECODER.raw_decode(text, match.end() - 1)[0]
    except ValueError:
        message = text[match.end() :]
    return RecordHead(match[1], level, logger, message)


def _read_foreign_json(text: str) -> RecordHead | None:
    try:
        found: object = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict):
        return None
    values = [found.get(name) for name in ("timestamp", "level", "logger", "message")]
    if timestamp_us(values[0]) is None:
        return None
    return RecordHead(*("" if value is None else str(value) for value in values))


def timestamp_us(timestamp: object) -> int | None:
    """Return epoch microseconds of an RFC 3339 text with offset, or ``None`` if it is none."""
    if not isinstance(timestamp, str):
        return None
    try:
        moment = datetime.fromisoformat(timestamp)
    except ValueError:
        return None
    return (moment - _EPOCH) // _MICROSECOND if moment.tzinfo is not None else None
