"""What the application does with its queue: put entries in, flush, close.

The emit path (:meth:`Worker.put`) takes one re-entrant lock for a few instructions and wakes the
writer through ``SimpleQueue.put``: nothing in it can hang when a signal handler or a ``__del__``
logs in the middle of it.
"""

from __future__ import annotations

import queue
import time
from collections.abc import Callable, Sequence
from functools import partial
from threading import get_ident

from ..event_loops import runs_event_loop
from ..forks import on_fork
from ..ledger import Ledger
from ..records import LogEntry
from .bounded_queue import BoundedQueue, Overflow
from .entry_size import entry_size
from .waiter import Waiter
from .writer import Writer

__all__ = ["Worker"]

_MOST_WAITS = 20
"""How often a wait is prolonged for life seen elsewhere while the sink takes nothing from us."""


class Worker:
    """Takes entries from any thread and hands them to ``write`` in batches, from one thread.

    Guarantees:
        * ``put`` never raises for a failing sink, never recurses, and waits for room while the sink
          takes entries, in the order of the calls: a wait fails once the sink has taken nothing for
          ``block_timeout``. In a thread that runs an asyncio loop it does not wait at all, and
          after a wait that failed nobody waits again until the sink has taken a batch.
        * The writer thread is a daemon, starts at the first ``put`` and survives anything that
          ``write`` raises.
        * Every entry is counted in the ledger at each step; entries keep their order.
        * Memory is bounded by ``max_queue_size`` entries and ``max_queue_bytes`` (a single entry
          above that is taken when the queue is empty), the batch in the writer's hands included.
        * A forked child starts with an empty queue, counters at zero and its own thread at the
          first ``put``; the parent's entries stay the parent's.
        * Nothing queued survives ``kill -9``.

    Args:
        write: takes a batch; raises :class:`TransientError` to get the very same entries again
            (back-off with jitter, for ever), anything else to have the batch bisected until the
            poison entry stands alone.
        ledger: counts; ``put`` counts ``accepted`` itself, ``write`` may add to ``bytes``.
        name: of the thread.
        max_queue_size: entries, at least 1.
        max_queue_bytes: bytes of memory, estimated by :func:`entry_size`.
        max_batch_size: entries handed to one ``write``.
        flush_interval: seconds that an incomplete batch waits for more.
        overflow: ``block`` waits, then spills or drops; ``spill`` does not wait; ``drop_new``
            refuses; ``drop_oldest`` evicts the oldest entry below WARNING, and the oldest of all
            only for a record of WARNING or above when no lesser one is left.
        block_timeout: seconds without a sign of life from the sink after which a wait fails.
        on_error: told of each poison entry, and with ``None`` of a stall's first error; called in
            the writer thread, its own errors are contained.
        spill: stores an entry elsewhere and says whether it did; called in the caller's thread.
        failover: takes an entry that has no room and says whether it did; called in the caller's
            thread, without a lock. What it took counts as failed and ``failed_over``, not dropped.
        first_backoff: seconds before the first retry; doubles with jitter.
        max_backoff: seconds between retries, at most.

    Raises:
        ValueError: ``overflow`` is ``spill``, and there is no ``spill``.

    Attributes:
        on_drop: told of each entry that a full queue gave up (refused or evicted), under the
            ledger's lock: must be quick and must not raise.
    """

    def __init__(
        self,
        write: Callable[[Sequence[LogEntry]], None],
        ledger: Ledger,
        *,
        name: str,
        on_error: Callable[[LogEntry | None, BaseException], None],
        max_queue_size: int = 10_000,
        max_queue_bytes: int = 16 * 2**20,
        max_batch_size: int = 500,
        flush_interval: float = 0.5,
        overflow: Overflow = "block",
        block_timeout: float = 0.25,
        spill: Callable[[LogEntry], bool] | None = None,
        failover: Callable[[LogEntry], bool] | None = None,
        first_backoff: float = 0.05,
        max_backoff: float = 5.0,
    ) -> None:
        if overflow == "spill" and spill is None:
            raise ValueError(
                "overflow='spill' needs spill=, a function that stores an entry; "
                "give one, or choose block, drop_oldest or drop_new"
            )
        self._ledger = ledger
        self._overflow = overflow
        self._block_timeout = block_timeout
        self._spill = spill
        self._failover = failover
        self.on_drop: Callable[[LogEntry], None] | None = None
        self.signs_of_life: Callable[[], object] | None = None
        self._inside = 0  # the thread inside put()'s or close()'s critical section
        self._make_queue = partial(BoundedQueue, max_queue_size, max_queue_bytes)
        self._make_writer = partial(
            Writer,
            write,
            ledger,
            name=name,
            on_error=on_error,
            max_batch=max_batch_size,
            flush_interval=flush_interval,
            first_backoff=first_backoff,
            max_backoff=max_backoff,
        )
        self._queue = self._make_queue()
        self._writer = self._make_writer(self._queue)
        on_fork(self)

    @property
    def depth(self) -> int:
        """Entries in the queue and in the writer's hands."""
        return self._queue.size

    def is_writer_thread(self) -> bool:
        """Return whether the caller is this worker's own thread, whose records must be refused."""
        return get_ident() == self._writer.ident

    def put(self, entry: LogEntry) -> bool:
        """Take an entry, or count why not and return ``False``.

        Counts ``accepted`` itself. The caller must not hold the ledger's lock, or a full queue
        could not drain while it waits. An entry refused for want of room goes to the failover
        first; one refused because the worker is closed, or inside itself, does not.
        """
        me = get_ident()
        if me == self._inside or me == self._writer.ident:
            self._ledger.reenter()
            return False
        size = entry_size(entry)
        ledger = self._ledger
        entered = settled = False
        waiter: Waiter | None = None
        try:
            with ledger.lock:
                self._inside = me
                try:
                    ledger.accepted += 1
                    ledger.queued += 1
                    entered = True
                    entries = self._queue
                    if entries.closed:
                        settled = True
                        return self._refuse("closed")
                    if entries.has_room(entry.level_no, size) or (
                        self._overflow == "drop_oldest" and self._evict(entry, size)
                    ):
                        settled = True
                        entries.append(entry, size)
                        self._writer.notice()
                        return True
                finally:
                    self._inside = 0
            waiter = Waiter(entry, size)
            return self._overflowed(waiter)
        except BaseException:
            # Ctrl-C in the middle: the record is in no queue, and must not be missing either.
            if entered and not settled:
                with ledger.lock:
                    if waiter is None or not waiter.settled:
                        ledger.queued -= 1
                        ledger.fail("interrupted")
                    if waiter is not None:
                        self._queue.give_up(waiter)
            raise

    def _refuse(self, reason: str, entry: LogEntry | None = None) -> bool:
        self._ledger.queued -= 1
        self._ledger.drop(reason)
        if entry is not None and self.on_drop is not None:
            self.on_drop(entry)
        return False

    def _evict(self, entry: LogEntry, size: int) -> bool:
        found, victims = self._queue.evict(entry.level_no, size)
        for victim in victims:
            self._refuse("overflow", victim)
        return found

    def _overflowed(self, waiter: Waiter) -> bool:
        """Wait, spill, hand over or drop, as the policy says; without the lock, but for steps."""
        entry, ledger = waiter.entry, self._ledger
        if self._overflow == "block" and not self._queue.stalled and not runs_event_loop():
            taken = self._wait_for_room(waiter)
            if taken is not None:
                return taken
        if self._overflow in ("block", "spill") and self._kept_by(self._spill, entry):
            with ledger.lock:
                waiter.settled = True
                ledger.spooled += 1  # still part of `queued`
            return True
        reason = self._queue.refusal(entry.level_no)
        taken_over = self._kept_by(self._failover, entry)
        with ledger.lock:
            waiter.settled = True
            if not taken_over:
                return self._refuse(reason, entry)
            ledger.queued -= 1
            ledger.fail(reason)
            ledger.failed_over += 1
            if self.on_drop is not None:
                self.on_drop(entry)
            return False

    def _wait_for_room(self, waiter: Waiter) -> bool | None:
        """Return what became of the entry, or ``None`` if the sink did nothing for too long."""
        me = get_ident()
        entries = self._queue
        waits = 0
        releases, life = entries.releases, self._signs_of_life()
        with self._ledger.lock:
            self._inside = me
            try:
                if not entries.closed:
                    if entries.has_room(waiter.entry.level_no, waiter.size):
                        waiter.settled = True
                        entries.append(waiter.entry, waiter.size)
                        self._writer.notice()
                        return True
                    entries.wait(waiter)
                    self._writer.hurry()
            finally:
                self._inside = 0
        while True:
            if not entries.closed:
                try:
                    waiter.token.get(timeout=self._block_timeout)
                except queue.Empty:
                    pass
            seen = self._signs_of_life()
            with self._ledger.lock:
                self._inside = me
                try:
                    if waiter.settled:
                        return True
                    if entries.closed:
                        waiter.settled = True
                        entries.give_up(waiter)
                        return self._refuse("closed")
                    waits = 0 if entries.releases != releases else waits + 1
                    if waits and (seen == life or waits >= _MOST_WAITS):
                        entries.give_up(waiter)
                        entries.stalled = True
                        return None
                    releases, life = entries.releases, seen
                finally:
                    self._inside = 0

    def _signs_of_life(self) -> object:
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

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything put before this call is written, dropped or failed.

        Args:
            timeout: seconds; ``None`` waits for as long as the sink needs.

        Returns:
            Whether that happened in time. At once ``False`` in the writer thread, which cannot wait
            for itself.
        """
        if self.is_writer_thread():
            return False
        entries, writer = self._queue, self._writer
        with self._ledger.lock:
            if entries.size == 0:
                return True
            mark = entries.mark()
            if not writer.started:
                writer.start()
            writer.nudge()
        if not writer.started:
            writer.drain(None if timeout is None else time.monotonic() + timeout)
        try:
            mark.get(timeout=None if timeout is None else max(0.0, timeout))
            return True
        except queue.Empty:
            with self._ledger.lock:
                return not entries.unmark(mark) and not writer.abandoned

    def close(self, timeout: float) -> bool:
        """Refuse new entries, write what is left, and end the thread; idempotent.

        Args:
            timeout: seconds for all of it. What is left then counts ``dropped{shutdown}``; entries
                inside a ``write`` that has not returned are among them, though the sink may yet
                take them.

        Returns:
            Whether nothing was left. In the writer thread itself: ``False``, without waiting.
        """
        deadline = time.monotonic() + timeout
        entries, writer = self._queue, self._writer
        with self._ledger.lock:
            entries.close()
            writer.nudge()
        if self.is_writer_thread():
            return False
        self.flush(max(0.0, deadline - time.monotonic()))
        ledger = self._ledger
        with ledger.lock:
            self._inside = get_ident()
            try:
                left = entries.clear()
                writer.hands.clear()
                if left:
                    writer.abandoned = True
                    ledger.queued -= left
                    ledger.drop("shutdown", left)
            finally:
                self._inside = 0
            writer.nudge()
        if writer.started:
            try:
                writer.finished.get(timeout=max(0.0, deadline - time.monotonic()))
                writer.finished.put(None)  # for the next close()
            except queue.Empty:
                pass
        return not writer.abandoned

    def after_fork_in_child(self) -> None:
        """Forget the parent's entries, thread and counts."""
        closed = self._queue.closed
        self._writer.abandoned = True  # its thread may be the one that forked, inside a write
        self._queue = self._make_queue()
        self._queue.closed = closed
        self._writer = self._make_writer(self._queue)
        self._inside = 0
        self._ledger.reset()
