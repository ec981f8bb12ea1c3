"""Tells whether the API serves in full: what its sinks take now, and what they lost of late."""

from __future__ import annotations

import errno
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from zotify_logging.ledger import HandlerStatistics

__all__ = ["FULL_SHARE", "RECENT_SECONDS", "HealthService", "Readiness", "Statistics"]

RECENT_SECONDS = 300.0
"""How long a lost record degrades, in seconds."""

FULL_SHARE = 0.8
"""Share of a queue that may be full: from there on handlers refuse records below WARNING."""

_SINK_ERRORS = frozenset(errno.errorcode.values())


class Statistics(Protocol):
    """Where the ledgers of the handlers are read."""

    def statistics(self) -> Mapping[str, HandlerStatistics]:
        """Return each handler's ledger, by name."""


@dataclass(frozen=True)
class Readiness:
    """One look.

    Attributes:
        failing: what cannot be used now; requests that need it fail.
        degraded: what was lost of late, or soon will be.
    """

    failing: Sequence[str] = ()
    degraded: Sequence[str] = ()


@dataclass
class _Seen:
    lost: int = 0
    lost_at: float = float("-inf")
    sink_errors: int = 0
    written: int = 0
    stuck: bool = False


class HealthService:
    """Looks at ledgers and sinks; thread-safe, and cheap however often it is asked.

    A ledger only counts; when a loss happened is known to the last :meth:`watch`, so call that
    every few seconds.

    Args:
        logs: the handlers.
        capacity: records that a queue takes, by handler; handlers that are not named have none.
        checks: what is tried at each look, by what it is called in a reason; raises if it fails.
        probed: handlers whose sink a check writes to; of the others the latest record tells.
        max_age: seconds for which a look is good.
        monotonic: seconds, replaceable for tests.
    """

    def __init__(
        self,
        logs: Statistics,
        capacity: Mapping[str, int],
        checks: Mapping[str, Callable[[], None]],
        *,
        probed: Collection[str] = (),
        max_age: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logs = logs
        self._capacity = capacity
        self._checks = checks
        self._probed = probed
        self._max_age = max_age
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._seen: dict[str, _Seen] = {}
        self._looked_at = float("-inf")
        self._last = Readiness()

    def watch(self) -> None:
        """Note what was lost since the last look."""
        with self._lock:
            self._note(self._logs.statistics())

    def look(self) -> Readiness:
        """Return what is wrong; tries the sinks, so it belongs in a worker thread."""
        with self._lock:
            now = self._monotonic()
            if now - self._looked_at >= self._max_age:
                self._last = self._look()
                self._looked_at = self._monotonic()
            return self._last

    def _look(self) -> Readiness:
        failing = []
        for name, check in self._checks.items():
            try:
                check()
            except Exception:  # whatever it is: the route is open to all and tells no texts
                failing.append(f"{name} cannot be used")
        readings = self._logs.statistics()
        self._note(readings)
        degraded = []
        now = self._monotonic()
        for name, reading in readings.items():
            seen = self._seen[name]
            if seen.stuck and name not in self._probed:
                failing.append(f"handler {name} could not write its latest record")
            if now - seen.lost_at < RECENT_SECONDS:
                degraded.append(f"handler {name} has lost records in the last 5 minutes")
            capacity = self._capacity.get(name, 0)
            if capacity and reading.queued > FULL_SHARE * capacity:
                degraded.append(f"the queue of handler {name} is more than 80 % full")
        return Readiness(failing, degraded)

    def _note(self, readings: Mapping[str, HandlerStatistics]) -> None:
        now = self._monotonic()
        for name, reading in readings.items():
            seen = self._seen.setdefault(name, _Seen())
            lost = sum(reading.dropped.values()) + sum(reading.failed.values())
            errors = sum(n for reason, n in reading.failed.items() if reason in _SINK_ERRORS)
            if lost > seen.lost:
                seen.lost_at = now
            if reading.written > seen.written:
                seen.stuck = False
            elif errors > seen.sink_errors:
                seen.stuck = True
            seen.lost, seen.sink_errors, seen.written = lost, errors, reading.written
