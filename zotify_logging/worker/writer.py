"""The one thread that hands batches to a sink, and outlives whatever the sink does."""

from __future__ import annotations

import _thread
import queue
import random
import threading
import time
from collections.abc import Callable, Sequence
from threading import get_ident
from typing import TypeAlias

from ..exceptions import TransientError
from ..ledger import Ledger
from ..records import LogEntry
from .bounded_queue import BoundedQueue, Item

__all__ = ["Writer"]

_Token: TypeAlias = "queue.SimpleQueue[None]"  # carries nothing: the telling is all

_IDLE, _LINGER, _PAUSED, _BUSY = range(4)


class Writer:
    """Takes batches out of a queue and settles every entry of them: written, or failed.

    A batch that raises ``TransientError`` is tried again with growing pauses, for ever; one that
    raises anything else is split until the poison entry stands alone. Methods without a note of
    their own are called under the ledger's lock.

    Args:
        write: takes a batch, in this thread only.
        ledger: counts; its lock guards queue and writer.
        queue: where the entries come from.
        name: of the thread.
        on_error: told of each poison entry, and with ``None`` of a stall's first error; its own
            errors are contained.
        reason_of: names the error of a poison entry for the ledger.
        max_batch: entries handed to one ``write``.
        flush_interval: seconds that an incomplete batch waits for more.
        first_backoff: seconds before the first retry; doubles with jitter.
        max_backoff: seconds between retries, at most.

    Attributes:
        hands: the batch under way; in halves while bisected.
        abandoned: nobody counts on this writer any more: its entries are counted as dropped, or
            it is a forked child's copy. The thread ends at its next step.
        started: the thread runs, or is about to.
        ident: of the thread that writes, 0 if none does.
        finished: told when the thread has ended.
    """

    def __init__(
        self,
        write: Callable[[Sequence[LogEntry]], None],
        ledger: Ledger,
        queue_: BoundedQueue,
        *,
        name: str,
        on_error: Callable[[LogEntry | None, BaseException], None],
        reason_of: Callable[[Exception], str] | None,
        max_batch: int,
        flush_interval: float,
        first_backoff: float,
        max_backoff: float,
    ) -> None:
        self._write = write
        self._ledger = ledger
        self._queue = queue_
        self._name = name
        self._on_error = on_error
        self._reason_of = reason_of
        self._max_batch = max(1, max_batch)
        self._flush_interval = flush_interval
        self._first_backoff = first_backoff
        self._max_backoff = max_backoff
        self._state = _BUSY
        self._wake: _Token = queue.SimpleQueue()
        self._turn = _thread.allocate_lock()  # whoever holds it writes: never two at a time
        self.hands: list[list[Item]] = []
        self.abandoned = False
        self.started = False
        self.ident = 0
        self.finished: _Token = queue.SimpleQueue()

    # -- called from other threads

    def notice(self) -> None:
        """Wake the writer for a new entry if it has nothing to do, or enough now."""
        state = self._state
        if state == _IDLE or (
            state == _LINGER and (self._queue.size >= self._max_batch or self._queue.is_filling())
        ):
            self.nudge()
        elif not self.started:
            self.start()

    def hurry(self) -> None:
        """Have an incomplete batch written now: somebody waits for room."""
        if self._state == _LINGER:
            self.nudge()

    def nudge(self) -> None:
        """Wake the writer if it sleeps; under the lock."""
        if self._state != _BUSY:
            self._state = _BUSY
            self._wake.put(None)

    def start(self) -> None:
        """Start the thread, if the interpreter still can."""
        # threading.Thread.start() takes plain locks of the threading module; a signal handler that
        # logs while its thread holds one of them would hang. The raw thread has no such lock to
        # wait for, and starts the proper one from a clean stack.
        self.started = True  # first: Ctrl-C right after the start must not lead to a second one
        try:
            _thread.start_new_thread(self._launch, ())
        except RuntimeError:  # interpreter shutdown: close() writes what is left by itself
            self.started = False

    def _launch(self) -> None:
        try:
            threading.Thread(target=self._run, name=self._name, daemon=True).start()
        except RuntimeError:  # the interpreter began to exit in between: this thread exists already
            self._run()

    def drain(self, deadline: float | None) -> None:
        """Write in the caller's thread: at interpreter shutdown no thread can be started.

        Without the lock. Does nothing where another thread is at it. Gives up at ``deadline``, in
        seconds of the monotonic clock; a ``write`` that hangs cannot be given up here.
        """
        if not self._turn.acquire(blocking=False):
            return
        try:
            self.ident = get_ident()
            while not self.abandoned and (deadline is None or time.monotonic() < deadline):
                if not self.hands and not self._take(wait=False):
                    break
                self._step(deadline)
        finally:
            self.ident = 0
            self._turn.release()

    # -- in the thread

    def _run(self) -> None:
        with self._turn:
            self.ident = get_ident()
            try:
                self._work()
            finally:
                self.ident = 0
                self._state = _BUSY
                # Should even that have failed, the next entry starts another thread.
                self.started = self.abandoned or self._queue.closed
        self.finished.put(None)

    def _work(self) -> None:
        delay = self._first_backoff
        while not self.abandoned:
            try:
                if self.hands or self._take(wait=True):
                    while self.hands and not self.abandoned:
                        self._step()
                elif self._queue.closed:
                    break
                delay = self._first_backoff
            except BaseException as error:  # noqa: B036 - the thread lives, whatever it was
                self._report(None, error)
                delay = self._pause(delay)

    def _take(self, *, wait: bool) -> bool:
        """Move a batch into the writer's hands; return ``False`` when closed (or empty) instead."""
        entries = self._queue
        linger_until: float | None = None
        while True:
            timeout: float | None = None
            with self._ledger.lock:
                entries.tell_marks()
                if entries:
                    now = time.monotonic()
                    if linger_until is None:
                        linger_until = now + self._flush_interval
                    if (
                        entries.size >= self._max_batch
                        or now >= linger_until
                        or entries.is_urgent()
                    ):
                        self._state = _BUSY
                        self.hands.append(entries.take(self._max_batch))
                        return True
                    self._state = _LINGER
                    timeout = linger_until - now
                else:
                    if entries.closed or not wait:
                        return False
                    linger_until = None
                    self._state = _IDLE
            self._sleep(timeout)

    def _step(self, deadline: float | None = None) -> None:
        """Write the first part in hand: settle it, retry it until the deadline, or split it."""
        with self._ledger.lock:
            if not self.hands:  # close() gave up a moment ago
                return
            part = self.hands[0]
        delay = self._first_backoff
        told = False
        while True:
            try:
                self._write([item[0] for item in part])
            except TransientError as error:
                if not told:
                    told = True
                    self._report(None, error)
                delay = self._pause(delay)
                if self.abandoned or (deadline is not None and time.monotonic() >= deadline):
                    return
            except BaseException as error:  # noqa: B036 - SystemExit in a sink is no exit
                self._split(part, error)
                return
            else:
                self._settle(part, None)
                return

    def _split(self, part: list[Item], error: BaseException) -> None:
        if len(part) == 1:
            if self._settle(part, self._reason(error)):
                self._report(part[0][0], error)
            return
        middle = len(part) // 2
        with self._ledger.lock:
            if not self.abandoned:
                self.hands[0:1] = [part[:middle], part[middle:]]

    def _reason(self, error: BaseException) -> str:
        if not isinstance(error, Exception):
            return "interrupted"
        if self._reason_of is None:
            return "poison"
        try:
            return self._reason_of(error)
        except Exception as second:  # it is a subclass's own
            with self._ledger.lock:
                self._ledger.note_error(second)
            return "poison"

    def _settle(self, part: list[Item], failure: str | None) -> bool:
        """Count the part; return ``False`` where close() has counted it as dropped before."""
        ledger = self._ledger
        with ledger.lock:
            if self.abandoned:
                return False
            self.hands.pop(0)
            ledger.queued -= len(part)
            if failure is None:
                ledger.written += len(part)
                self._queue.stalled = False
            else:
                ledger.fail(failure, len(part))
            self._queue.release(part)
        return True

    def _pause(self, delay: float) -> float:
        """Sleep up to ``delay``, less if somebody flushes or closes; return the next delay."""
        with self._ledger.lock:
            self._state = _PAUSED
            if self._queue.closed:  # its deadline is near: rather one try too many
                delay = min(delay, self._first_backoff)
        # Jitter spreads the retries of many processes; nothing here needs an unguessable number.
        self._sleep(delay * (0.5 + random.random() / 2))  # nosec B311
        self._state = _BUSY
        return min(delay * 2, self._max_backoff)

    def _sleep(self, timeout: float | None) -> None:
        try:
            self._wake.get(timeout=timeout)
        except queue.Empty:
            pass

    def _report(self, entry: LogEntry | None, error: BaseException) -> None:
        with self._ledger.lock:
            self._ledger.note_error(error)
        try:
            self._on_error(entry, error)
        except BaseException as second:  # noqa: B036 - there is no reporter below this one
            with self._ledger.lock:
                self._ledger.note_error(second)
