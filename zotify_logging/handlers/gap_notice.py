"""One entry that tells, in the sink itself, what the sink has not got."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Mapping

from ..clock import format_us
from ..ledger import Ledger
from ..records import LogEntry

__all__ = ["GAP_INTERVAL", "GapNotice"]

GAP_INTERVAL = 30.0
"""Seconds between two gap entries of one handler, at least."""

_RETRY = 1.0  # seconds after a gap entry that the sink refused


class GapNotice:
    """What a handler has lost since its sink was last told, and whether it is time to tell.

    Counts nothing itself: it compares the ledger with what was told before, so that no count can
    be lost with an entry that fails. What a failover has taken is no loss, and neither is a
    refused nested record.

    Args:
        ledger: the handler's.
    """

    def __init__(self, ledger: Ledger) -> None:
        self._ledger = ledger
        self.reset()

    def reset(self) -> None:
        """Begin with nothing told, as in a forked child whose ledger starts from zero."""
        self._told: dict[str, int] = {}
        self._telling: dict[str, int] | None = None
        self._next = float("-inf")

    def begin(self, *, last: bool = False) -> LogEntry | None:
        """Return the entry to be written now; :meth:`end` must follow.

        Args:
            last: tell it even if the latest entry is less than :data:`GAP_INTERVAL` ago.

        Returns:
            ``None`` if there is nothing to tell, it is too early, or an entry is under way.
        """
        ledger = self._ledger
        with ledger.lock:
            since, until, now = ledger.untold_since, ledger.lost_at, ledger.clock.monotonic()
            if since is None or until is None or self._telling is not None:
                return None
            if now < self._next and not last:
                return None
            lost = ledger.losses()
            for reason, count in self._told.items():  # the failover has taken some afterwards
                self._told[reason] = min(count, lost.get(reason, 0))
            untold = {reason: count - self._told.get(reason, 0) for reason, count in lost.items()}
            untold = {reason: count for reason, count in untold.items() if count}
            if not untold:
                ledger.untold_since = None
                return None
            self._telling = untold
        now_us = ledger.clock.time_ns() // 1000
        return _entry(
            untold,
            now_us,
            format_us(now_us - round((now - since) * 1e6)),
            format_us(now_us - round((now - until) * 1e6)),
        )

    def end(self, *, written: bool) -> None:
        """Take note of what became of the entry; one that failed tells nothing."""
        ledger = self._ledger
        with ledger.lock:
            telling, self._telling = self._telling, None
            if telling is None:  # a fork inside the write: the child has nothing to tell
                return
            now = ledger.clock.monotonic()
            self._next = now + (GAP_INTERVAL if written else _RETRY)
            if not written:
                return
            ledger.internal += 1
            for reason, count in telling.items():
                self._told[reason] = self._told.get(reason, 0) + count
            more = any(count > self._told.get(name, 0) for name, count in ledger.losses().items())
            ledger.untold_since = now if more else None


def _entry(reasons: Mapping[str, int], now_us: int, since: str, until: str) -> LogEntry:
    count = sum(reasons.values())
    by_number = sorted(reasons.items(), key=lambda item: (-item[1], item[0]))
    listed = ", ".join(f"{reason} {number}" for reason, number in by_number)
    records = "record" if count == 1 else "records"
    return LogEntry(
        timestamp=format_us(now_us),
        created_ns=now_us * 1000,
        level=logging.getLevelName(logging.WARNING),
        level_no=logging.WARNING,
        logger="zotify_logging",
        message=f"gap: {count} {records} not written ({listed}) from {since} to {until}",
        exception=None,
        stack=None,
        fields={
            "gap_count": count,
            "gap_reasons": dict(by_number),
            "gap_from": since,
            "gap_to": until,
        },
        context={},
        pid=os.getpid(),
        thread=threading.current_thread().name,
        source="",
    )
