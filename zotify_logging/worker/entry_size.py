"""The memory that a queued entry takes."""

from __future__ import annotations

import sys
from collections.abc import Mapping

from ..records import LogEntry

__all__ = ["entry_size"]

_ENTRY_BYTES = 700  # a LogEntry with its own small strings, and its place in the queue


def entry_size(entry: LogEntry) -> int:
    """Return about how many bytes of memory an entry takes while it is queued."""
    size = _ENTRY_BYTES + sys.getsizeof(entry.message)
    if entry.exception is not None:
        size += sys.getsizeof(entry.exception)
    if entry.stack is not None:
        size += sys.getsizeof(entry.stack)
    if entry.rendered is not None:
        size += sys.getsizeof(entry.rendered)
    if entry.fields:
        size += _weight(entry.fields, 8)
    if entry.context:
        size += _weight(entry.context, 8)
    return size


def _weight(value: object, depth: int) -> int:
    size = sys.getsizeof(value, 64)
    if depth and isinstance(value, Mapping):
        return size + sum(_weight(k, 0) + _weight(v, depth - 1) for k, v in value.items())
    if depth and isinstance(value, (list, tuple, set, frozenset)):
        return size + sum(_weight(item, depth - 1) for item in value)
    return size
