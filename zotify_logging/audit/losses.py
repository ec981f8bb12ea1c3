"""Counts events that did not reach the chain, until an ``audit.gap`` in the chain says so."""

from __future__ import annotations

import threading

from ..clock import format_ns

__all__ = ["Losses"]


class Losses:
    """The losses of one trail in one process since the last gap; shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._reasons: dict[str, int] = {}
        self._kept: dict[str, int] = {}
        self._first_ns = 0
        self._last_ns = 0
        self.total = 0

    def add(self, reason: str, kept: str | None, now_ns: int) -> None:
        """Count one event.

        Args:
            reason: why it is not in the chain, one word.
            kept: where it is instead (``fallback``, ``stderr``), ``None`` if the caller was told.
            now_ns: when, epoch nanoseconds.
        """
        with self._lock:
            self._reasons[reason] = self._reasons.get(reason, 0) + 1
            place = kept or "nowhere"
            self._kept[place] = self._kept.get(place, 0) + 1
            self._first_ns = self._first_ns or now_ns
            self._last_ns = now_ns
            self.total += 1

    def details(self) -> dict[str, object]:
        """Return what the gap event tells."""
        with self._lock:
            return {
                "lost": self.total,
                "reasons": dict(self._reasons),
                "kept": dict(self._kept),
                "first_at": format_ns(self._first_ns),
                "last_at": format_ns(self._last_ns),
            }

    def told(self, details: dict[str, object]) -> None:
        """Take off what a gap event, written with these details, has told."""
        with self._lock:
            for counts, name in ((self._reasons, "reasons"), (self._kept, "kept")):
                written = details[name]
                if isinstance(written, dict):
                    for key, count in written.items():
                        counts[key] -= count
                        if not counts[key]:
                            del counts[key]
            lost = details["lost"]
            self.total -= lost if isinstance(lost, int) else 0
            self._first_ns = self._last_ns if self.total else 0

    def take(self, other: Losses) -> None:
        """Take what another one has counted and nobody has told; it has none after that."""
        with other._lock:
            reasons, other._reasons = other._reasons, {}
            kept, other._kept = other._kept, {}
            total, other.total = other.total, 0
            first, last = other._first_ns, other._last_ns
            other._first_ns = 0
        if not total:
            return
        with self._lock:
            for counts, more in ((self._reasons, reasons), (self._kept, kept)):
                for key, count in more.items():
                    counts[key] = counts.get(key, 0) + count
            self._first_ns = min(first, self._first_ns or first)
            self._last_ns = max(last, self._last_ns)
            self.total += total
