"""One record for several handlers: its message is made once, and each has a copy of its own."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from ..records import extra_fields, message_text

__all__ = ["OneRecord"]

_DEPTH = 16  # of containers that are copied; what lies deeper is shared


class OneRecord:
    """A record as it was when it came to the dispatcher.

    What one handler's filter or formatter does to it, or the caller to what it was given, no other
    handler sees. A structured event stays one: its dictionary is copied, not turned into text.

    Args:
        record: stays as it is.
    """

    def __init__(self, record: logging.LogRecord) -> None:
        self._type = type(record)
        self._attributes = attributes = record.__dict__.copy()
        self._containers: dict[str, object] = {}
        if fields := extra_fields(record):
            for name, value in fields.items():
                if isinstance(value, (dict, list)):
                    self._containers[name] = _copied(value)
        msg = record.msg
        if type(msg) is str or record.args or not isinstance(msg, Mapping):
            attributes["msg"] = message_text(record)
            attributes["args"] = None
        elif isinstance(msg, dict):
            self._containers["msg"] = _copied(msg)

    def copy(self) -> logging.LogRecord:
        """Return a copy that whoever has it may change."""
        record: logging.LogRecord = self._type.__new__(self._type)
        record.__dict__ = self._attributes.copy()
        for name, value in self._containers.items():
            record.__dict__[name] = _copied(value)
        return record


def _copied(value: object, depth: int = 0) -> object:
    if depth < _DEPTH:
        if isinstance(value, dict):
            return {key: _copied(item, depth + 1) for key, item in value.items()}
        if isinstance(value, list):
            return [_copied(item, depth + 1) for item in value]
    return value
