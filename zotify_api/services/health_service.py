"""Tells whether the API serves in full: what can be used now, and how its handlers fare."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from zotify_logging.service import ServiceHealth

__all__ = ["HandlersHealth", "HealthService", "Readiness"]


class HandlersHealth(Protocol):
    """Where the health of the handlers is read."""

    def health(self) -> ServiceHealth:
        """Return how they fare, by their own bookkeeping."""


@dataclass(frozen=True)
class Readiness:
    """One look.

    Attributes:
        failing: what cannot be used now; requests that need it fail.
        degraded: what was lost of late, or soon will be.
    """

    failing: Sequence[str] = ()
    degraded: Sequence[str] = ()


class HealthService:
    """Asks handlers and tries sinks; thread-safe, and cheap however often it is asked.

    Args:
        logs: the handlers, which know themselves what they lost and refuse.
        checks: what is tried at each look, by what it is called in a reason; raises if it fails.
        probed: handlers whose sink a check tries: that one tells whether it can be used now, as
            the handler itself knows only of its latest record.
        max_age: seconds for which a look is good.
        monotonic: seconds, replaceable for tests.
    """

    def __init__(
        self,
        logs: HandlersHealth,
        checks: Mapping[str, Callable[[], None]],
        *,
        probed: Collection[str] = (),
        max_age: float = 1.0,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._logs = logs
        self._checks = checks
        self._probed = probed
        self._max_age = max_age
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._looked_at = float("-inf")
        self._last = Readiness()

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
        degraded: list[str] = []
        # Why a sink refuses may hold paths: GET /api/logs/handlers tells that to who may see it.
        for name, health in self._logs.health().handlers.items():
            if health.status == "failing":
                places = degraded if name in self._probed else failing
                places.append(f"handler {name} could not write its latest record")
            elif health.status == "degraded":
                degraded += [f"handler {name}: {reason}" for reason in health.reasons]
        return Readiness(failing, degraded)
