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
