"""The one place that reads time, and the RFC 3339 text of it.

Engines take a :class:`Clock`, so that a test can step it; the emit path of a direct handler takes
the time that ``logging`` already put on the record.
"""

from __future__ import annotations

import math
import re
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol

from .exceptions import ParameterError

__all__ = [
    "SYSTEM_CLOCK",
    "Clock",
    "SystemClock",
    "created_us",
    "format_created",
    "format_ns",
    "format_us",
    "parse_instant",
]


class Clock(Protocol):
    """What an engine needs to know about time."""

    def time_ns(self) -> int:
        """Return nanoseconds since the epoch; may step back."""

    def monotonic(self) -> float:
        """Return seconds from an arbitrary origin; never steps back."""


class SystemClock:
    """The machine's clock."""

    def time_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        return time.time_ns()

    def monotonic(self) -> float:
        """Return seconds since the machine started, or thereabouts."""
        return time.monotonic()


SYSTEM_CLOCK: Clock = SystemClock()

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # of the years 1 and 9999


def format_us(us: int) -> str:
    """Return epoch microseconds as RFC 3339 in UTC, always 27 characters: ``…T10:00:00.000000Z``.

    What lies outside the years 1 to 9999 is shown as the first or the last second of them.
    """
    seconds, micros = divmod(us, 1_000_000)
    return f"{_second_text(seconds)}{micros:06d}Z"


def format_ns(ns: int) -> str:
    """Return epoch nanoseconds as RFC 3339 in UTC, cut to microseconds."""
    return format_us(ns // 1000)


def _second_text(second: int) -> str:
    """Return ``2026-11-22T10:00:00.``, the point included."""
    second = min(max(second, _FIRST_SECOND), _LAST_SECOND)
    if second < 0:  # strftime does not pad years before 1000
        return (_EPOCH + timedelta(seconds=second)).isoformat()[:19] + "."
    return time.strftime("%Y-%m-%dT%H:%M:%S.", time.gmtime(second))


def created_us(created: float) -> int:
    """Return ``record.created`` in epoch microseconds, as ``datetime`` rounds; 0 for no time."""
    try:
        second = int(created)
        return second * 1_000_000 + round((created - second) * 1_000_000)
    except (ValueError, OverflowError):  # NaN or infinite
        return 0


_second: tuple[float, str] = (math.nan, "")


def format_created(created: float) -> str:
    """Return ``record.created`` as RFC 3339 in UTC, 27 characters, as ``datetime`` rounds it.

    Made for the emit path: the text of a second is formatted once, not once a record. Never raises
    for a float: what is no time is shown as the epoch.
    """
    # The pair is replaced whole, so threads that cross a second together each see a pair that
    # belongs together.
    global _second
    try:
        second = int(created)
    except (ValueError, OverflowError):
        return format_us(0)
    micros = (created - second) * 1_000_000
    if created < 1 or micros >= 999_999.5:  # before the epoch, or rounded up into the next second
        return format_us(created_us(created))
    known, text = _second
    if second != known:
        text = _second_text(second)
        _second = (second, text)
    return f"{text}{micros:06.0f}Z"


_AGO = re.compile(r"(\d{1,9})([smhd])", re.ASCII)
_UNIX = re.compile(r"\d{1,12}(\.\d{1,9})?", re.ASCII)
_AGO_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def parse_instant(parameter: str, text: str, *, now_ns: int | None = None) -> int:
    """Return epoch microseconds from RFC 3339 with an offset, unix seconds, or ``15m`` ago.

    Args:
        parameter: name of the query parameter, for the error message.
        text: what the user wrote.
        now_ns: the present for relative times, epoch nanoseconds (default: the machine's clock).

    Raises:
        ParameterError: the text is no time, has no offset, or lost its ``+`` in a URL.
    """
    if match := _AGO.fullmatch(text):
        now = time.time_ns() if now_ns is None else now_ns
        delta = timedelta(**{_AGO_UNITS[match[2]]: int(match[1])})
        return now // 1000 - delta // timedelta(microseconds=1)
    if _UNIX.fullmatch(text):
        seconds, _, fraction = text.partition(".")
        return int(seconds) * 1_000_000 + int((fraction + "000000")[:6])
    if re.search(r"\d \d\d:?\d\d$", text, re.ASCII):
        raise ParameterError(
            parameter, f"{text!r} has a space where '+' was; write '+' as %2B, or use Z"
        )
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ParameterError(
            parameter,
            f"{text[:64]!r} is not a time; write 2026-01-31T10:00:00Z, unix seconds,"
            " or 15m, 2h, 1d",
        ) from None
    if moment.tzinfo is None:
        raise ParameterError(
            parameter, f"{text!r} has no offset; append Z for UTC, or +01:00 as %2B01:00"
        )
    return (moment - _EPOCH) // timedelta(microseconds=1)
