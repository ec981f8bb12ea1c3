"""A clock that stands still until a test moves it."""

from __future__ import annotations

__all__ = ["SetClock"]


class SetClock:
    """Keeps the library's ``Clock``.

    Attributes:
        now: seconds since the epoch, and of the monotonic clock.
    """

    def __init__(self, now: float = 1_795_341_600.0) -> None:
        self.now = now

    def time_ns(self) -> int:
        """Return nanoseconds since the epoch."""
        return round(self.now * 1e6) * 1000

    def monotonic(self) -> float:
        """Return seconds."""
        return self.now
