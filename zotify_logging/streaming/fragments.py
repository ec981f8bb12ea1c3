"""Parts what a killed writer left from the record that another process wrote behind it.

A process that dies inside ``write(2)`` leaves a line without its end; the next record of another
process is then glued to it. Splitting wherever something looks like the head of a record would let
anybody forge records: a message may quote one. So a line is split only on evidence that no message
can give:

- JSON: the line as a whole is no valid JSON, but from a later ``{"timestamp":"`` on it is. Inside
  a JSON string those quotes would be escaped.
- Text: what precedes the inner head is itself an unfinished head (time, level and logger, no
  message yet); or the inner head stands at a multiple of 4,096 bytes in the file, which is where
  the kernel cuts the write of a dying process.

Otherwise the line stays whole: nothing is lost, the second record is read as part of the first.
"""

from __future__ import annotations

import json
import re

from ..storage.line_reader import RawLine

__all__ = ["split_fragments"]

_PAGE = 4096
_JSON_HEAD = b'{"timestamp":"'
_HEAD = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z (?:[A-Z][A-Z0-9_]*|Level -?\d+) \S+ ")
_UNFINISHED = re.compile(rb"[\dT:.-]{1,26}Z?(?: (?:[A-Z][A-Z0-9_]*(?: \S*)?)?)?")
_MAX_PARTS = 16


def split_fragments(line: RawLine) -> list[RawLine]:
    """Return the line in parts, all unfinished but the last; nearly always the line itself."""
    data = line.data
    # A head at byte 1 or later has its "Z " at byte 27 or later: one search clears nearly all.
    if data.find(b"Z ", 27) < 0 and data.find(_JSON_HEAD, 1) < 0:
        return [line]
    parts: list[RawLine] = []
    while len(parts) < _MAX_PARTS and (at := _inner_head(line)) > 0:
        middle = line.start + at
        parts.append(RawLine(line.data[:at], at, line.start, middle, line.continues, True))
        line = RawLine(line.data[at:], line.size - at, middle, line.end, True, line.unfinished)
    parts.append(line)
    return parts


def _inner_head(line: RawLine) -> int:
    if line.data[:1] == b"{":
        return _inner_json(line)
    for found in _HEAD.finditer(line.data, 1):
        before = line.data[: found.start()]
        if (line.start + found.start()) % _PAGE == 0 or _UNFINISHED.fullmatch(before):
            return found.start()
    return 0


def _inner_json(line: RawLine) -> int:
    data = line.data
    if data.find(_JSON_HEAD, 1) < 0 or line.size > len(data) or _is_json(data):
        return 0
    at = len(data)
    for _ in range(_MAX_PARTS):
        at = data.rfind(_JSON_HEAD, 1, at)
        if at < 0:
            return 0
        if _is_json(data[at:]):
            return at
    return 0


def _is_json(data: bytes) -> bool:
    try:
        json.loads(data)
    except (ValueError, RecursionError):
        return False
    return True
