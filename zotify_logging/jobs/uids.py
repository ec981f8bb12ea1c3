"""Time-ordered unique ids (UUID version 7, RFC 9562), made by the writer of a row."""

from __future__ import annotations

import os

__all__ = ["UidMaker"]

_TAIL_BITS = 74
_COUNTER_ROOM = 2**40


class UidMaker:
    """Makes ids that sort by the time of their record, and within it by the order of making.

    Being known before the row is sent, an id tells after a connection broke at ``COMMIT`` whether
    the row arrived. Not thread-safe: its owner writes from one thread at a time.
    """

    def __init__(self) -> None:
        self.reseed()

    def reseed(self) -> None:
        """Start from new random bits; a forked child must, or it repeats its parent's ids."""
        self._tail = int.from_bytes(os.urandom(10)) % (2**_TAIL_BITS - _COUNTER_ROOM)
        self._left = _COUNTER_ROOM

    def make(self, created_ns: int) -> str:
        """Return a new id for a record made at ``created_ns`` (nanoseconds since the epoch)."""
        if not self._left:
            self.reseed()
        self._left -= 1
        self._tail += 1
        # 48 bits of milliseconds, version 7, 12 bits, variant 10, 62 bits.
        high, low = self._tail >> 62, self._tail & (2**62 - 1)
        millis = (created_ns // 1_000_000) & (2**48 - 1)
        text = f"{millis:012x}7{high:03x}{low | 2**63:016x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
