"""Counts wrong keys per address, so that guessing is slow; valid keys are never looked at here."""

from __future__ import annotations

import math
import threading
import time
from collections import OrderedDict, deque
from collections.abc import Callable

__all__ = ["WrongKeyLimit"]


class WrongKeyLimit:
    """Sliding window of one minute per address; thread-safe and bounded.

    Args:
        per_minute: wrong keys from one address that are answered with 401 within 60 seconds.
        max_addresses: addresses remembered; beyond, the one that was quiet longest is forgotten.
        monotonic: seconds, replaceable for tests.
    """

    def __init__(
        self,
        per_minute: int,
        *,
        max_addresses: int = 10_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._per_minute = per_minute
        self._max_addresses = max_addresses
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._seen: OrderedDict[str, deque[float]] = OrderedDict()

    def record(self, address: str) -> int | None:
        """Count one wrong key; return seconds to wait when it is one too many, else ``None``.

        A refused one does not prolong the wait.
        """
        now = self._monotonic()
        with self._lock:
            times = self._seen.setdefault(address, deque())
            self._seen.move_to_end(address)
            if len(self._seen) > self._max_addresses:
                self._seen.popitem(last=False)
            while times and now - times[0] >= 60.0:
                times.popleft()
            if len(times) >= self._per_minute:
                return max(1, math.ceil(60.0 - (now - times[0])))
            times.append(now)
        return None
