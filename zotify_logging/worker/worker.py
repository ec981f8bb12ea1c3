"""What the application does with its queue: put entries in, flush, close.

The emit path (:meth:`Worker.put`) takes one re-entrant lock for a few instructions and wakes the
writer through ``SimpleQueue.put``: nothing in it can hang when a signal handler or a ``__del__``
logs in the middle of it.
"""

from __future__ import annotations

import queue
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from threading import get_ident

from ..forks import on_fork
from ..ledger import Ledger
from ..records import LogEntry
from .bounded_queue import BoundedQueue
from .entry_size import entry_size
from .overflow_route import Overflow, OverflowRoute
from .waiter import Waiter
from .writer import Writer

__all__ = ["Worker"]

_LOOK_AGAIN = 0.05  # seconds; where no thread can be started, another caller may be writing


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
        reason_of: names the error of a poison entry for the ledger; without it, ``poison``.
        spill: stores an entry elsewhere and says whether it did; called in the caller's thread.
        failover: takes an entry that has no room and says whether it did; called in the caller's
            thread, without a lock. What it took counts as failed and ``failed_over``, not dropped.
        first_backoff: seconds before the first retry; doubles with jitter.
        max_backoff: seconds between retries, at most.

    Raises:
        ValueError: ``overflow`` is ``spill``, and there is no ``spill``.
    """

    def __init__(
        self,
        write: Callable[[Sequence[LogEntry]], None],
        ledger: Ledger,
        *,
        name: str,
        on_error: Callable[[LogEntry | None, BaseException], None],
        reason_of: Callable[[Exception], str] | None = None,
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
        self._ledger = ledger
        self._route = OverflowRoute(
            ledger, overflow, block_timeout=block_timeout, spill=spill, failover=failover
        )
        self._make_queue = partial(BoundedQueue, max_queue_size, max_queue_bytes)
        self._make_writer = partial(
            Writer,
            write,
            ledger,
            name=name,
            on_error=on_error,
            reason_of=reason_of,
            max_batch=max_batch_size,
            flush_interval=flush_interval,
            first_backoff=first_backoff,
            max_backoff=max_backoff,
        )
        self._queue = self._make_queue()
        self._writer = self._make_writer(self._queue)
        on_fork(self)

    @property
    def on_drop(self) -> Callable[[LogEntry], None] | None:
        """Told of each entry that a full queue gives up, under the ledger's lock: must be quick."""
        return self._route.on_drop

    @on_drop.setter
    def on_drop(self, listener: Callable[[LogEntry], None] | None) -> None:
        self._route.on_drop = listener

    @property
    def signs_of_life(self) -> Callable[[], object] | None:
        """Returns another value once the sink has served anybody: then it is not stuck."""
        return self._route.signs_of_life

    @signs_of_life.setter
    def signs_of_life(self, look: Callable[[], object] | None) -> None:
        self._route.signs_of_life = look

    @property
    def depth(self) -> int:
        """Entries in the queue and in the writer's hands."""
        return self._queue.size

    def fullness(self) -> float:
        """Return the share of the queue's room that is taken, by number or by bytes."""
        return self._queue.fullness()

    def is_stalled(self) -> bool:
        """Tell whether a wait for room has failed, and the sink has taken nothing since."""
        return self._queue.stalled

    def is_writer_thread(self) -> bool:
        """Return whether the caller is this worker's own thread, whose records must be refused."""
        return get_ident() == self._writer.ident

    def put(self, entry: LogEntry) -> bool:
        """Take an entry, or count why not and return ``False``.

        Counts ``accepted`` itself. The caller must not hold the ledger's lock, or a full queue
        could not drain while it waits. An entry refused for want of room, or evicted, goes to the
        failover first; one refused because the worker is closed, or inside itself, does not.
        """
        me = get_ident()
        entries = self._queue
        if me == entries.inside or me == self._writer.ident:
            self._ledger.reenter()
            return False
        size = entry_size(entry)
        ledger = self._ledger
        entered = settled = False
        waiter: Waiter | None = None
        lost: deque[LogEntry] | None = None
        try:
            with ledger.lock:
                entries.inside = me
                arrivals = entries.arrivals
                try:
                    # Ctrl-C is raised at calls; what stands without one is done as a whole.
                    ledger.accepted += 1
                    ledger.queued += 1
                    entered = True
                    if entries.closed:
                        ledger.note_loss()
                        ledger.queued -= 1
                        ledger.dropped["closed"] += 1
                        settled = True
                        return False
                    if entries.has_room(entry.level_no, size):
                        entries.append(entry, size)
                        self._writer.notice()
                        return True
                    lost = deque()
                    if self._route.policy == "drop_oldest" and entries.evict(
                        entry.level_no, size, lost
                    ):
                        entries.append(entry, size)
                        self._writer.notice()
                finally:
                    settled = settled or entries.arrivals != arrivals
                    entries.inside = 0
            if settled:
                self._route.give_up(lost, "overflow", entries)
                return True
            waiter = Waiter(entry, size)
            return self._route.follow(waiter, lost, entries, self._writer)
        except BaseException:
            # Ctrl-C in the middle: the record is in no queue, and must not be missing either.
            with ledger.lock:
                ledger.note_loss()
                if waiter is not None:
                    entries.give_up(waiter)
                    settled = waiter.settled
                if entered and not settled and not entries.orphaned:
                    ledger.queued -= 1
                    ledger.failed["interrupted"] += 1
                while lost and not entries.orphaned:
                    ledger.queued -= 1
                    ledger.failed["interrupted"] += 1
                    lost.popleft()
            raise

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until everything put before this call is written, dropped or failed.

        Args:
            timeout: seconds; ``None`` waits for as long as the sink needs.

        Returns:
            Whether that happened in time; ``False`` in the writer thread, which cannot wait.
        """
        if self.is_writer_thread():
            return False
        deadline = None if timeout is None else time.monotonic() + timeout
        entries, writer = self._queue, self._writer
        with self._ledger.lock:
            if entries.size == 0:
                return True
            mark = entries.mark()
            if not writer.started:
                writer.start()
            writer.nudge()
        while True:
            left = None if deadline is None else max(0.0, deadline - time.monotonic())
            if not writer.started:  # the interpreter is exiting
                writer.drain(deadline)
                left = _LOOK_AGAIN if left is None else min(left, _LOOK_AGAIN)
            try:
                return mark.get(timeout=left)
            except queue.Empty:
                if deadline is not None and time.monotonic() >= deadline:
                    break
        with self._ledger.lock:
            entries.unmark(mark)
        return not mark.empty() and mark.get()

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
        entries, writer, ledger = self._queue, self._writer, self._ledger
        with ledger.lock:
            entries.close()
            writer.nudge()
        if self.is_writer_thread():
            return False
        self.flush(max(0.0, deadline - time.monotonic()))
        with ledger.lock:
            entries.inside = get_ident()
            try:
                left = entries.size
                if left:
                    ledger.note_loss()
                    # In one breath, as in put().
                    writer.abandoned = True
                    ledger.queued -= left
                    ledger.dropped["shutdown"] += left
                    entries.size = 0
                entries.clear(settled=not left)
                writer.hands.clear()
            finally:
                entries.inside = 0
            writer.nudge()
        if writer.started:
            with suppress(queue.Empty):
                writer.finished.get(timeout=max(0.0, deadline - time.monotonic()))
                writer.finished.put(None)  # for the next close()
        return not writer.abandoned

    def after_fork_in_child(self) -> None:
        """Forget the parent's entries, thread and counts."""
        parents, closed = self._queue, self._queue.closed
        self._writer.abandoned = True  # its thread may be the one that forked, inside a write
        parents.orphan()  # so may be one that waits for room, or that flushes
        self._queue = self._make_queue()
        self._queue.closed = closed
        self._writer = self._make_writer(self._queue)
        self._ledger.reset()
