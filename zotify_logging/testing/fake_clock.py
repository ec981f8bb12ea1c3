"""A clock that moves when it is told to."""

from __future__ import annotations

import time
from typing import Self

__all__ = ["FakeClock"]


class FakeClock:
    """Time under the control of a test, for everything in the process that asks ``time`` for it.

    Inside the ``with`` block ``time.time`` and ``time.time_ns`` stand still until :meth:`advance`;
    ``time.monotonic`` and ``time.monotonic_ns`` go on, and jump ahead with it, so that no deadline
    is waited for in vain. Records made inside have the fake time. Waiting (``time.sleep``, locks)
    takes as long as ever. Not for two threads at once.

    Args:
        now: the time at first, in seconds since the epoch; the default is 2026-01-01T00:00:00Z.
    """

    def __init__(self, now: float = 1_767_225_600.0) -> None:
        self._now_ns = round(now * 1e9)
        self._ahead_ns = 0
        self._real = (time.time, time.time_ns, time.monotonic, time.monotonic_ns)

    def __enter__(self) -> Self:
        """Put this clock in the place of the machine's."""
        self._real = (time.time, time.time_ns, time.monotonic, time.monotonic_ns)
        self._install(self.time, self.time_ns, self.monotonic, self.monotonic_ns)
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Put the machine's clock back."""
        self._install(*self._real)

    def _install(self, *functions: object) -> None:
        for name, function in zip(
            ("time", "time_ns", "monotonic", "monotonic_ns"), functions, strict=True
        ):
            setattr(time, name, function)

    def advance(self, seconds: float) -> None:
        """Let ``seconds`` pass at once."""
        self._now_ns += round(seconds * 1e9)
        self._ahead_ns += round(seconds * 1e9)

    def time(self) -> float:
        """Return the fake time, in seconds since the epoch."""
        return self._now_ns / 1e9

    def time_ns(self) -> int:
        """Return the fake time, in nanoseconds since the epoch."""
        return self._now_ns

    def monotonic(self) -> float:
        """Return the machine's monotonic time and what was advanced, in seconds."""
        return self._real[2]() + self._ahead_ns / 1e9

    def monotonic_ns(self) -> int:
        """Return the machine's monotonic time and what was advanced, in nanoseconds."""
        return self._real[3]() + self._ahead_ns
