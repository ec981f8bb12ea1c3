"""A handler that accounts for every record: its counters, its health, and what it lost."""

from __future__ import annotations

import logging
import time
from dataclasses import replace

from .. import registry
from ..exceptions import TransientError
from ..ledger import HandlerHealth, HandlerStatistics, Ledger
from ..records import LogEntry
from ..sanitizing import safe_str
from ..worker import Worker
from .error_ring import STDERR_INTERVAL, report
from .failover import Failover
from .gap_notice import GapNotice
from .sink_handler import POISON, SinkHandler
from .snapshot import snapshot

__all__ = ["READING_TIMEOUT", "AccountableHandler"]

READING_TIMEOUT = 0.1
"""Seconds that statistics() waits for a direct write before it reads beside it, and that close()
waits even past its deadline: one write of a healthy sink must not leave it open."""

_RECENTLY = 300.0  # seconds for which a lost record shows in health()

_NEARLY_FULL = 0.8

_STUCK = 5.0  # seconds in one write of the writer thread


class AccountableHandler(SinkHandler):
    """Part of the base handler: the ledger, and what becomes of records that are not written.

    Attributes:
        ledger: counts every record; its lock is the handler's own in direct delivery.
    """

    ledger: Ledger
    _worker: Worker | None  # none in direct delivery
    _failover: Failover | None
    _gap: GapNotice
    _busy_since: float | None  # when the writer thread handed over what it is about to write
    _before: HandlerStatistics | None = None  # of the handler that this one took over from
    _unsettled: registry.Registered | None = None  # that handler, while it still writes
    _lost_told = 0
    _tell_again = 0.0

    def take_over(self, predecessor: registry.Registered) -> None:
        """Go on counting where a handler of the same sink ended; called once that is closed."""
        self._before = predecessor.statistics()
        # A direct write may still be under way there: its record is not settled yet.
        self._unsettled = predecessor if self._before.queued else None

    def statistics(self) -> HandlerStatistics:
        """Return one consistent reading of the ledger."""
        reading = self._reading()
        unsettled = self._unsettled
        if unsettled is not None:
            self._before = unsettled.statistics()
            if not self._before.queued:
                self._unsettled = None
        return reading if self._before is None else reading.after(self._before)

    def _reading(self) -> HandlerStatistics:
        ledger = self.ledger
        if self._worker is None:
            # What is neither written nor lost is inside the write right now, under the same lock:
            # a write that hangs must not hang those who ask about it.
            locked = ledger.lock.acquire(timeout=READING_TIMEOUT)
            try:
                reading = ledger.snapshot() if locked else ledger.peek()
            finally:
                if locked:
                    ledger.lock.release()
            settled = reading.written + sum(reading.dropped.values()) + sum(reading.failed.values())
            reading = replace(reading, queued=reading.accepted - settled)
        else:
            reading = ledger.snapshot()
        if reading.last_error is None:
            return reading
        return replace(reading, last_error=self.redactor.text(reading.last_error))

    def health(self) -> HandlerHealth:
        """Tell how the handler fares, from its own bookkeeping; waits 0.1 s at most."""
        ledger = self.ledger
        failing, degraded = [], []
        if ledger.is_refusing():
            error = self.redactor.text(ledger.last_error or "no reason given")
            failing.append(f"the sink refused the latest record: {error}")
        if self._worker is not None:
            if self._worker.is_stalled():
                failing.append("the queue is full, and the sink takes nothing")
            since = self._busy_since
            if since is not None and (busy := ledger.clock.monotonic() - since) > _STUCK:
                failing.append(f"a write has been under way for {busy:.0f} s")
            if (fullness := self._worker.fullness()) > _NEARLY_FULL:
                degraded.append(f"the queue is {fullness:.0%} full")
        elif self._is_stuck():
            failing.append(f"a write has been under way for {READING_TIMEOUT:g} s")
        if ledger.lost_at is not None and ledger.clock.monotonic() - ledger.lost_at < _RECENTLY:
            degraded.append("records were not written in the last 5 minutes")
        if failing:
            return HandlerHealth("failing", (*failing, *degraded))
        return HandlerHealth("degraded" if degraded else "ok", tuple(degraded))

    def _is_stuck(self) -> bool:
        """Tell whether a direct write holds the lock and gets nowhere."""
        before = self.ledger.settled()
        if self.ledger.lock.acquire(timeout=READING_TIMEOUT):
            self.ledger.lock.release()
            return False
        return self.ledger.settled() == before  # else there are many, and each has its turn

    def _reason(self, error: BaseException) -> str:
        if not isinstance(error, Exception):
            return "interrupted"
        try:
            return self.reason_of(error)
        except Exception:  # the subclass's own: the count is worth more than the word
            return type(error).__name__

    def _refused(self, error: BaseException, reason: str) -> None:
        """Note for :meth:`health` that the sink refused a record."""
        if isinstance(error, Exception) and reason != POISON:
            self.ledger.refuse(sure=isinstance(error, (OSError, TransientError)))

    def _count_failure(self, error: BaseException) -> None:
        """Count a record that failed before it came near the sink."""
        with self.ledger.lock:
            self.ledger.accept()
            self.ledger.fail(self._reason(error), error=error)

    def _interrupted(self, error: BaseException) -> None:
        """Count a record that Ctrl-C met in a direct write, wherever in it that was."""
        ledger = self.ledger
        if ledger.accepted == ledger.settled():
            ledger.accepted += 1
        ledger.fail("interrupted", error=error)

    def _record_failed(
        self, record: logging.LogRecord, error: Exception, reason: str
    ) -> LogEntry | None:
        """Count and report a record that the sink refused; return what the failover is to have."""
        self.ledger.fail(reason, error=error)
        self._refused(error, reason)
        self._tell(record)
        if self._failover is None:
            return None
        try:
            return snapshot(record, self.redactor)
        except Exception as second:
            report(self._label(), f"failover: {type(second).__name__}")
            return None

    def _hand_over(self, entry: LogEntry, reason: str) -> None:
        """Offer a record that has been counted as failed to the failover."""
        if self._taken_over(entry):
            self.ledger.hand_over(reason)

    def _taken_over(self, entry: LogEntry) -> bool:
        if self._failover is None:
            return False
        try:
            return self._failover.take(entry)
        except Exception as error:
            report(self._label(), self.redactor.text(f"failover: {safe_str(error)}"))
            return False

    def _tell_gap(self, *, last: bool = False) -> None:
        """Write one entry about what was lost, now that the sink takes records again.

        In direct delivery under the lock, in queued delivery in the thread that writes; what the
        entry's failure may raise here is no ``Exception``.
        """
        if not self.gap_entries:
            self.ledger.untold_since = None
            return
        entry = self._gap.begin(last=last)
        if entry is None:
            return
        written = False
        try:
            self.write((entry,))
            written = True
        except Exception as error:
            with self.ledger.lock:
                self.ledger.note_error(error)
            self._refused(error, self._reason(error))
            report(self._label(), self.redactor.text(f"gap entry: {safe_str(error)}"))
        finally:
            self._gap.end(written=written)

    def _tell_losses(self, *, last: bool) -> None:
        """Say how many records were lost since the last time, at most every 30 s or at the end."""
        now = time.monotonic()
        if not last and now < self._tell_again:
            return
        self._tell_again = now + STDERR_INTERVAL
        reading = self.ledger.snapshot() if self._worker is not None else self.ledger.peek()
        lost = {**reading.failed, **reading.dropped}
        total = sum(lost.values()) - reading.failed_over
        if total > self._lost_told:
            self._lost_told = total
            reasons = ", ".join(f"{reason} {count}" for reason, count in sorted(lost.items()))
            text = f"{total} of {reading.accepted} records not written: {reasons}"
            report(self._label(), text, always=last)
