"""Single members of a line, read from its bytes without parsing the whole of it."""

from __future__ import annotations

import json
import re
from datetime import datetime

__all__ = ["line_details", "line_kind", "line_seq", "line_time_us"]

_SEQ = re.compile(rb'\{"v":[0-9]+,"seq":([0-9]+),')
_TIMESTAMP = re.compile(rb'"timestamp":"([0-9T:.\-]{26})Z"')
_TYPE = re.compile(rb'"event_type":"([a-z0-9_.]+)"')


def line_seq(line: bytes) -> int:
    """Return the ``seq`` that a line states, 0 if it is not the beginning of one."""
    match = _SEQ.match(line)
    return int(match[1]) if match else 0


def line_time_us(line: bytes) -> int:
    """Return the epoch microseconds of a line's ``timestamp``, 0 if it has none."""
    match = _TIMESTAMP.search(line, 0, 256)
    if match is None:
        return 0
    try:
        moment = datetime.fromisoformat(match[1].decode("ascii") + "+00:00")
    except ValueError:
        return 0
    return int(moment.timestamp()) * 1_000_000 + moment.microsecond


def line_kind(line: bytes) -> bytes:
    """Return a line's ``event_type``, empty if it has none."""
    match = _TYPE.search(line, 0, 384)
    return match[1] if match else b""


def line_details(line: bytes) -> dict[str, object]:
    """Return a line's ``details``, empty if it is no object that has some."""
    try:
        details = json.loads(line)["details"]
    except (ValueError, KeyError, TypeError):
        return {}
    return details if isinstance(details, dict) else {}
