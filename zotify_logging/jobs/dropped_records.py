"""Which jobs lost records to a full queue, until their job logs say so."""

from __future__ import annotations

import threading
from collections.abc import Mapping

__all__ = ["DroppedRecords"]

_DROPPED_JOBS = 1_000
"""Jobs whose dropped records are told apart between two batches; beyond, they are not noted."""


class DroppedRecords:
    """Counts by job; shared by threads."""

    def __init__(self) -> None:
        self._counts: dict[str, int] = {}
        self._lock = threading.RLock()

    def __bool__(self) -> bool:
        """Tell whether there is anything to say."""
        return bool(self._counts)

    def note(self, job_id: str) -> None:
        """Count one record of a job; cheap."""
        with self._lock:
            if job_id in self._counts or len(self._counts) < _DROPPED_JOBS:
                self._counts[job_id] = self._counts.get(job_id, 0) + 1

    def take(self) -> dict[str, int]:
        """Return the counts, which start again from nothing."""
        if not self._counts:
            return {}
        with self._lock:
            taken, self._counts = self._counts, {}
        return taken

    def give_back(self, taken: Mapping[str, int]) -> None:
        """Count again what was taken, as it could not be said."""
        with self._lock:
            for job_id, count in taken.items():
                self._counts[job_id] = self._counts.get(job_id, 0) + count
