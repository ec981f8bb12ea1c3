"""What a reader remembers of a log's files: which lie behind it, and where a snapshot ends."""

from __future__ import annotations

from .log_segments import Segment, open_segments

__all__ = ["FilesBehind", "SnapshotEnd"]

_MAX_BEHIND = 256


class FilesBehind:
    """Fingerprints of the files that lie before the current one, so that none is read again."""

    def __init__(self) -> None:
        self._known: dict[bytes, None] = {}

    def add(self, segment: Segment) -> None:
        """Take note of a file that is read, or older than one that is; the oldest are forgotten."""
        if segment.fingerprint is not None:
            self._known[segment.fingerprint] = None
            if len(self._known) > _MAX_BEHIND:
                del self._known[next(iter(self._known))]

    def open_next(self, path: str, current: Segment) -> Segment | None:
        """Open the oldest file not known to lie behind, for a reader whose file is gone."""
        segments = open_segments(path)
        chosen: Segment | None = None
        for segment in reversed(segments):
            fingerprint = segment.fingerprint
            known = fingerprint is not None and (
                fingerprint in self._known or fingerprint == current.fingerprint
            )
            if not known and (segment.number == 0 or fingerprint is not None):
                chosen = segment
                break
        for segment in segments:
            if segment is not chosen:
                segment.close()
        return chosen


class SnapshotEnd:
    """Where a log ended at one moment.

    Args:
        segments: its files at that moment, newest first.
    """

    def __init__(self, segments: list[Segment]) -> None:
        self._keys = frozenset(segment.key for segment in segments)
        self._last = segments[0].key if segments else None
        self._size = segments[0].size if segments else 0

    def is_in(self, segment: Segment) -> bool:
        """Tell whether the log ended in that file."""
        return segment.key == self._last

    def is_past(self, segment: Segment) -> bool:
        """Tell whether that file was begun afterwards."""
        return segment.key not in self._keys

    def stop(self, segment: Segment) -> int | None:
        """Return the offset in that file at which to stop, ``None`` for its end."""
        return self._size if self.is_in(segment) else None
