"""The way of an entry that finds no room: it waits, is spilled, is handed over, or is dropped."""

from __future__ import annotations

import queue
from collections import deque
from collections.abc import Callable
from threading import get_ident
from typing import Literal

from ..event_loops import runs_event_loop
from ..ledger import Ledger
from ..records import LogEntry
from .bounded_queue import BoundedQueue
from .waiter import Waiter
from .writer import Writer

__all__ = ["OVERFLOW_POLICIES", "Overflow", "OverflowRoute"]

Overflow = Literal["block", "spill", "drop_oldest", "drop_new"]
OVERFLOW_POLICIES: tuple[Overflow, ...] = ("block", "spill", "drop_oldest", "drop_new")

_MOST_WAITS = 20
"""How often a wait is prolonged for life seen elsewhere while the sink takes nothing from us."""


class OverflowRoute:
    """Decides what becomes of entries that are counted as queued and have no place in the queue.

    Methods run in the thread of whoever logs, without the ledger's lock.

    Args:
        ledger: counts.
        policy: see :class:`.Worker`.
        block_timeout: seconds without a sign of life from the sink after which a wait fails.
        spill: stores an entry elsewhere and says whether it did.
        failover: takes an entry and says whether it did.

    Attributes:
        policy: as given.
        on_drop: told of each entry that is given up, under the ledger's lock.
        signs_of_life: returns something else whenever the sink has done anything for anybody.
    """

    def __init__(
        self,
        ledger: Ledger,
        policy: Overflow,
        *,
        block_timeout: float,
        spill: Callable[[LogEntry], bool] | None,
        failover: Callable[[LogEntry], bool] | None,
    ) -> None:
        if policy == "spill" and spill is None:
            raise ValueError(
                "overflow='spill' needs spill=, a function that stores an entry; "
                "give one, or choose block, drop_oldest or drop_new"
            )
        self.policy = policy
        self._ledger = ledger
        self._block_timeout = block_timeout
        self._spill = spill
        self._failover = failover
        self.on_drop: Callable[[LogEntry], None] | None = None
        self.signs_of_life: Callable[[], object] | None = None

    def follow(
        self, waiter: Waiter, lost: deque[LogEntry], entries: BoundedQueue, writer: Writer
    ) -> bool:
        """Find the entry another place, or give it up; tell whether it was kept.

        Args:
            waiter: the entry; ``settled`` from the moment its caller owes nothing for it.
            lost: holds the entry while it is given up, and is empty when it is counted.
            entries: the queue that has no room.
            writer: empties it.
        """
        entry, ledger = waiter.entry, self._ledger
        if self.policy == "block" and not entries.stalled and not runs_event_loop():
            taken = self._wait(waiter, entries, writer)
            if taken is not None:
                return taken
        if self.policy in ("block", "spill") and self._kept_by(self._spill, entry):
            with ledger.lock:
                if not entries.orphaned:
                    ledger.spooled += 1  # still part of `queued`
                waiter.settled = True
            return True
        reason = entries.refusal(entry.level_no, waiter.size)
        waiter.settled = True
        lost.append(entry)
        self.give_up(lost, reason, entries)
        return False

    def give_up(self, lost: deque[LogEntry], reason: str, entries: BoundedQueue) -> None:
        """Offer entries to the failover, and count each as failed or dropped as it leaves."""
        ledger = self._ledger
        while lost:
            taken_over = self._kept_by(self._failover, lost[0])
            with ledger.lock:
                if entries.orphaned:  # the failover has forked: the parent counts it
                    lost.clear()
                    return
                entries.inside = get_ident()
                try:
                    if self.on_drop is not None:
                        self._tell(self.on_drop, lost[0])
                    ledger.note_loss()
                    # No call between these: Ctrl-C must not find it half counted.
                    ledger.queued -= 1
                    if taken_over:
                        ledger.failed[reason] += 1
                        ledger.failed_over += 1
                        ledger.handed_over[reason] += 1
                    else:
                        ledger.dropped[reason] += 1
                    lost.popleft()
                finally:
                    entries.inside = 0

    def _wait(self, waiter: Waiter, entries: BoundedQueue, writer: Writer) -> bool | None:
        """Return what became of the entry, or ``None`` if the sink did nothing for too long."""
        me = get_ident()
        waits = 0
        releases, life = entries.releases, self._life()
        with self._ledger.lock:
            entries.inside = me
            try:
                if not entries.closed:
                    entries.wait(waiter)
                    entries.let_in()
                    if waiter.settled:
                        writer.notice()
                        return True
                    writer.hurry()
            finally:
                entries.inside = 0
        while True:
            if not entries.closed:
                try:
                    waiter.token.get(timeout=self._block_timeout)
                except queue.Empty:
                    pass
            seen = self._life()
            with self._ledger.lock:
                entries.inside = me
                try:
                    if waiter.settled:  # by the writer, or by a fork that left us an orphan
                        return not entries.orphaned
                    if entries.closed:
                        entries.give_up(waiter)
                        self._ledger.note_loss()
                        self._ledger.queued -= 1
                        self._ledger.dropped["closed"] += 1
                        waiter.settled = True
                        return False
                    waits = 0 if entries.releases != releases else waits + 1
                    if waits and (seen == life or waits >= _MOST_WAITS):
                        entries.give_up(waiter)
                        entries.stalled = True
                        return None
                    releases, life = entries.releases, seen
                finally:
                    entries.inside = 0

    def _life(self) -> object:
        return None if self.signs_of_life is None else self.signs_of_life()

    def _kept_by(self, place: Callable[[LogEntry], bool] | None, entry: LogEntry) -> bool:
        if place is None:
            return False
        try:
            return place(entry)
        except Exception as error:
            with self._ledger.lock:
                self._ledger.note_error(error)
            return False

    def _tell(self, listener: Callable[[LogEntry], None], entry: LogEntry) -> None:
        try:
            listener(entry)
        except Exception as error:  # a broken listener must not cost the count
            self._ledger.note_error(error)
