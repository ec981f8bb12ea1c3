"""Refused requests as ``auth.denied`` events: the first at once, then a count each minute."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Refusal", "RefusalLog"]


@dataclass(frozen=True)
class Refusal:
    """One refused request.

    Attributes:
        address: where it came from.
        kind: ``missing_key``, ``wrong_key``, ``too_many_wrong_keys``, ``ambiguous_key`` or
            ``missing_scope``.
        method: HTTP method.
        path: path without query.
        request_id: the request's id.
        key_name: name of the valid key, for ``missing_scope``.
        scope: scope that was missing, for ``missing_scope``.
    """

    address: str
    kind: str
    method: str
    path: str
    request_id: str
    key_name: str | None = None
    scope: str | None = None


@dataclass
class _Pending:
    written_at: float
    count: int = 0
    latest: Refusal | None = None


class RefusalLog:
    """Decides which refusals are written now; thread-safe and bounded.

    A flood of refusals must neither fill the disk nor hide that it happened: per address and kind
    one event is written at once, then at most one a minute with the number it stands for.

    Args:
        write: called with a refusal and the number of requests it stands for; must not raise.
        interval: seconds between two events of one address and kind.
        max_entries: addresses and kinds remembered; what is forgotten early is written first.
        monotonic: seconds, replaceable for tests.
    """

    def __init__(
        self,
        write: Callable[[Refusal, int], None],
        *,
        interval: float = 60.0,
        max_entries: int = 10_000,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._write = write
        self._interval = interval
        self._max_entries = max_entries
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str], _Pending] = OrderedDict()

    def add(self, refusal: Refusal, group: str) -> bool:
        """Count a refusal of an address group; ``True`` if :meth:`write_first` must follow.

        Never blocks on a disk, so it may be called on an event loop.
        """
        key = (group, refusal.kind)
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self._entries[key] = _Pending(self._monotonic())
                return True
            entry.count += 1
            entry.latest = refusal
            return False

    def write_first(self, refusal: Refusal) -> None:
        """Write the first refusal of its address and kind, and what had to be forgotten for it."""
        self._write(refusal, 1)
        self._write_all(self._forgotten())

    def write_due(self, *, everything: bool = False) -> None:
        """Write counts that are a minute old; at shutdown ``everything``."""
        now = self._monotonic()
        due = []
        with self._lock:
            for key, entry in list(self._entries.items()):
                if not everything and now - entry.written_at < self._interval:
                    continue
                if entry.latest is None:
                    del self._entries[key]  # quiet for a minute: the next one is a first again
                    continue
                due.append((entry.latest, entry.count))
                entry.written_at, entry.count, entry.latest = now, 0, None
        self._write_all(due)

    def _forgotten(self) -> list[tuple[Refusal, int]]:
        gone = []
        with self._lock:
            while len(self._entries) > self._max_entries:
                _, entry = self._entries.popitem(last=False)
                if entry.latest is not None:
                    gone.append((entry.latest, entry.count))
        return gone

    def _write_all(self, refusals: list[tuple[Refusal, int]]) -> None:
        for refusal, count in refusals:
            self._write(refusal, count)
