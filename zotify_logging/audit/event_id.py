"""Names events so that they sort by time."""

from __future__ import annotations

import os

__all__ = ["new_event_id"]


def new_event_id(now_ns: int) -> str:
    """Return a UUIDv7 (RFC 9562 §5.7, method 3: 12 bits below the millisecond, 62 random ones)."""
    milliseconds, rest = divmod(now_ns, 1_000_000)
    value = (
        milliseconds << 80
        | 7 << 76
        | (rest * 4096 // 1_000_000) << 64
        | 2 << 62
        | int.from_bytes(os.urandom(8)) >> 2
    )
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
