"""The contract every handler of this library keeps, and the machinery that keeps it."""

from __future__ import annotations

import atexit
import errno
import logging
import os
import threading
import time
import weakref
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from threading import get_ident
from typing import TYPE_CHECKING, Unpack

from .. import registry
from ..forks import before_fork, on_fork
from ..ledger import HandlerHealth, HandlerStatistics, Ledger
from ..options import OptionReader
from ..records import LogEntry
from ..sanitizing import safe_str
from ..worker import Worker
from .error_ring import STDERR_INTERVAL, report
from .failover import Failover
from .handler_options import HandlerOptions, read_options
from .rendering_handler import RenderingHandler
from .snapshot import record_of, snapshot

if TYPE_CHECKING:
    from _thread import RLock

__all__ = ["BaseLogHandler", "HandlerOptions"]

_IDLE, _WRITING, _DISABLED, _CLOSED = range(4)

_JUST_NOW = 1.0  # seconds between the flush and the close of one logging.shutdown

_READING_TIMEOUT = 0.1
"""Seconds that statistics() waits for a direct write before it reads beside it, and that close()
waits even past its deadline: one write of a healthy sink must not leave it open."""


_RECENTLY = 300.0  # seconds for which a lost record shows in health()

_NEARLY_FULL = 0.8


class BaseLogHandler(RenderingHandler, ABC):
    """Base of the library's handlers, and of yours.

    A subclass implements :meth:`write` and, where it needs them, :meth:`selects`, :meth:`open`,
    :meth:`release_sink` and :meth:`ping`; it reads its own options with an ``OptionReader`` and
    hands that on: ``super().__init__(reader=reader, **options)``. Everything else is kept here:

    * **Who locks.** In direct delivery ``write`` runs in the caller's thread, one thread at a time,
      under the handler's lock. In queued delivery it runs in one writer thread without that lock.
      Either way a subclass needs no lock of its own for what only ``write`` touches.
    * **What may raise.** ``write`` may raise anything: the record is counted as failed, handed to
      the failover and to :meth:`handleError` exactly once; nothing reaches the caller but
      KeyboardInterrupt and SystemExit, which are counted and raised again. In queued delivery
      ``TransientError`` keeps the entries for another try.
    * **Re-entrancy.** A record logged inside ``write`` (by the sink's library, a signal handler,
      a ``__del__``) is counted as ``dropped{reentrant}`` and goes no further.
    * **The caller's record** is never mutated, unless the user's own formatter reaches into it.
    * **After close** the next record opens the handler again, as it does with stdlib's file
      handlers: ``dictConfig`` closes handlers that stay attached if it then fails. Where that is
      not possible the record is counted as ``dropped{closed}``. Closing twice is harmless.
    * **Losses** are told: in the error ring, on stderr at most every 30 s, and once more in a last
      line by :meth:`close`.
    * **Fork.** The child begins with an empty queue, zero counters and its own files and threads.
    * **kill -9.** In direct delivery every returned record is where ``write`` put it; in queued
      delivery what is still in memory is lost, unless the subclass spools it.
    * **The ledger.** ``accepted = written + queued + dropped + failed`` at any moment.

    Args:
        reader: the subclass's own options, read but not yet finished.
        options: see :class:`HandlerOptions`.

    Raises:
        OptionError: one or more options are wrong; all are named, with near matches.
    """

    default_delivery = "direct"
    default_batch_size = 500

    def __init__(
        self, *, reader: OptionReader | None = None, **options: Unpack[HandlerOptions]
    ) -> None:
        setup = read_options(
            reader or OptionReader(type(self).__name__),
            options,
            delivery=self.default_delivery,
            max_batch_size=self.default_batch_size,
        )
        self.close_timeout = setup.close_timeout
        self.lock_timeout = setup.lock_timeout
        self.file_mode = setup.file_mode
        self._multiline = setup.multiline
        self.redactor = setup.redactor
        self._failover = Failover(setup.failover, self) if setup.failover else None
        self._own_formatter = self.default_formatter()
        self._line_formatter = self._own_formatter
        super().__init__(setup.level)
        self._state = self._resting = _IDLE
        self._selective = type(self).selects is not BaseLogHandler.selects
        self._worker: Worker | None = None
        self._setup = setup
        self._forked_inside = False
        self._lost_told = 0
        self._tell_again = 0.0
        self._gave_up = float("-inf")
        if setup.queued:
            self.ledger = Ledger()
            self._worker = self._new_worker()
        else:
            self.ledger = Ledger(self.lock)
        self._entering: set[int] = set()
        for filter_ in setup.filters:
            self.addFilter(filter_)
        if setup.formatter is not None:
            self.setFormatter(setup.formatter)
        on_fork(self)
        before_fork(self)

    # What a subclass says

    @abstractmethod
    def write(self, entries: Sequence[LogEntry]) -> None:
        """Put the entries into the sink, in order; return once the promised durability holds.

        Raises:
            TransientError: the sink is away; in queued delivery the same entries come again.
            Exception: the entries are refused; in queued delivery they are then tried one by one.
        """

    def write_record(self, record: logging.LogRecord) -> None:
        """Write one record in direct delivery; override where an entry would cost too much."""
        # Only here is the caller's own record at hand, which a formatter of the user's may need.
        rendered = None if self._line_formatter is not None else self.render(record)
        self.write((snapshot(record, self.redactor, rendered),))

    def selects(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is for this handler at all; others count as ``ignored``."""
        return True

    def open(self) -> None:
        """Open the sink; called by the subclass when it is ready."""

    def release_sink(self) -> None:
        """Release the sink for good; called once, by :meth:`close`."""

    def ping(self) -> None:
        """Check that the sink can be reached.

        Raises:
            Exception: it cannot; the message names place and cure.
        """

    def reason_of(self, error: BaseException) -> str:
        """Name an error for the ledger; override where an error of yours hides the cause."""
        if isinstance(error, OSError) and error.errno is not None:
            return errno.errorcode.get(error.errno, os.strerror(error.errno))
        return type(error).__name__

    # What callers use

    @property
    def enabled(self) -> bool:
        """Whether records are taken; settable at any time.

        A disabled handler counts records as ``ignored`` and is nobody's failover; what is queued
        is written all the same. Holds until it is set again: across close and fork as well.
        """
        return self._resting == _IDLE

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._resting = _IDLE if value else _DISABLED
        # A write that hangs must not hang those who switch its handler off: it looks by itself.
        if self.ledger.lock.acquire(timeout=_READING_TIMEOUT):
            try:
                if self._state in (_IDLE, _DISABLED):
                    self._state = self._resting
            finally:
                self.ledger.lock.release()

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record that has passed the level: filter it, then write or queue it.

        What the filters refuse counts as ``ignored``; a filter that raises costs the record, which
        it might have wanted to hold back, and counts as failed.

        Returns:
            Whether the filters let it pass.
        """
        if self.filters and self._resting == _IDLE:
            try:
                passed: object = self.filter(record)
            except Exception as error:
                self._count_failure(error)
                self._tell(record)
                return False
            if not passed:
                self.ledger.ignore()
                return False
            if isinstance(passed, logging.LogRecord):  # Python 3.12: a filter may replace it
                record = passed
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Write or queue a record; never raises an ``Exception``, never recurses."""
        if self._worker is not None:
            self._enqueue(record, self._worker)
            return
        ledger = self.ledger
        with ledger.lock:
            if self._state and not self._is_ready():
                return
            try:
                self._state = _WRITING
                if self._selective and not self.selects(record):
                    ledger.ignored += 1
                    return
                ledger.accepted += 1
                self.write_record(record)
                ledger.written += 1
                return
            except Exception as error:
                lost = self._record_failed(record, error)
            except BaseException as error:
                self._interrupted(error)
                raise
            finally:
                if self._state == _WRITING:  # a fork or a close may have happened inside
                    self._state = self._resting
        # Without the lock: two that are each other's failover must not wait for each other.
        if lost is not None:
            self._hand_over(lost)

    def receive(self, entry: LogEntry) -> None:
        """Take an entry that another handler could not keep; counted like any record."""
        entry = replace(entry, rendered=None)
        if self._worker is not None:
            self._worker.put(entry)
            return
        with self.ledger.lock:
            if self._state and not self._is_ready():
                return
            try:
                self._state = _WRITING
                self.ledger.accepted += 1
                self.write((entry,))
                self.ledger.written += 1
                return
            except Exception as error:
                self.ledger.fail(self.reason_of(error), error=error)
                self.ledger.refuse()
                self._tell(record_of(entry))
            except BaseException as error:
                self._interrupted(error)
                raise
            finally:
                if self._state == _WRITING:
                    self._state = self._resting
        self._hand_over(entry)

    def statistics(self) -> HandlerStatistics:
        """Return one consistent reading of the ledger."""
        ledger = self.ledger
        if self._worker is None:
            # What is neither written nor lost is inside the write right now, under the same lock:
            # a write that hangs must not hang those who ask about it.
            locked = ledger.lock.acquire(timeout=_READING_TIMEOUT)
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
            if (fullness := self._worker.depth / self._setup.max_queue_size) > _NEARLY_FULL:
                degraded.append(f"the queue is {fullness:.0%} full")
        elif ledger.lock.acquire(timeout=_READING_TIMEOUT):
            ledger.lock.release()
        else:
            failing.append(f"a write has been under way for {_READING_TIMEOUT:g} s")
        if ledger.lost_at is not None and ledger.clock.monotonic() - ledger.lost_at < _RECENTLY:
            degraded.append("records were lost in the last 5 minutes")
        if failing:
            return HandlerHealth("failing", (*failing, *degraded))
        return HandlerHealth("degraded" if degraded else "ok", tuple(degraded))

    def flush(self, timeout: float | None = None) -> bool:  # type: ignore[override]  # tells more
        """Write what is queued.

        Args:
            timeout: seconds; ``close_timeout`` by default: a stuck sink cannot hang an exit.

        Returns:
            Whether everything accepted before the call was settled in time.
        """
        if self._worker is None:
            return True
        done = self._worker.flush(self.close_timeout if timeout is None else max(0.0, timeout))
        if not done and timeout is None:
            self._gave_up = time.monotonic()
        return done

    def close(self, timeout: float | None = None) -> None:
        """Write what is queued, then release the sink; idempotent.

        Args:
            timeout: seconds, ``close_timeout`` by default (none, if a flush has just used that up:
                ``logging.shutdown`` calls both); what is left then counts as
                ``dropped{shutdown}``. A direct write that hangs for longer keeps its sink open.
        """
        # dictConfig calls this on a handler whose constructor failed: there is nothing to do then.
        if getattr(self, "_state", _CLOSED) == _CLOSED:
            super().close()
            return
        seconds = self.close_timeout if timeout is None else max(0.0, timeout)
        if timeout is None and time.monotonic() - self._gave_up < _JUST_NOW:
            seconds = 0.0
        deadline = time.monotonic() + seconds
        if self._worker is not None:
            self._worker.close(seconds)
        patience = max(_READING_TIMEOUT, deadline - time.monotonic())
        locked = self.ledger.lock.acquire(timeout=patience)
        try:
            first, self._state = self._state != _CLOSED, _CLOSED
            if name := self.get_name():
                registry.unregister(name, self)
            if not locked:
                report(self._label(), f"still writing after {seconds:g} s; its sink stays open")
            elif first:
                self._release()
        finally:
            if locked:
                self.ledger.lock.release()
        self._tell_losses(last=True)
        super().close()

    def before_fork(self) -> None:
        """Note whether the forking thread holds the lock: a write that forks goes on in both."""
        self._forked_inside = _holds(self.ledger.lock)

    def after_fork_in_child(self) -> None:
        """Start afresh in a forked child; files and threads see to themselves."""
        inside = self._forked_inside
        self._entering.clear()
        self.ledger.reset()
        if inside and self._worker is None:
            self.ledger.lock.acquire()  # logging has renewed it, and this thread will release it
            if self._state == _WRITING:
                self.ledger.accepted = 1  # the record in the making is settled here as well
        elif self._state != _CLOSED:
            self._state = self._resting

    # Inside

    def _release(self) -> None:
        try:
            self.release_sink()
        except Exception as error:
            report(self._label(), self.redactor.text(f"while closing: {safe_str(error)}"))

    def _count_failure(self, error: BaseException) -> None:
        with self.ledger.lock:
            self.ledger.accept()
            reason = self.reason_of(error) if isinstance(error, Exception) else "interrupted"
            self.ledger.fail(reason, error=error)

    def _enqueue(self, record: logging.LogRecord, worker: Worker) -> None:
        me = get_ident()
        if me in self._entering or worker.is_writer_thread():
            self.ledger.reenter()
            return
        if self._state:
            with self.ledger.lock:
                if self._state and not self._is_ready():
                    return
            worker = self._worker or worker
        self._entering.add(me)
        try:
            if self._selective and not self.selects(record):
                self.ledger.ignore()
                return
            rendered = None if self._line_formatter is not None else self.render(record)
            entry = snapshot(record, self.redactor, rendered)
        except Exception as error:
            self._count_failure(error)
            self._tell(record)
            return
        except BaseException as error:
            self._count_failure(error)
            raise
        finally:
            self._entering.discard(me)
        if not worker.put(entry):
            self._tell_losses(last=False)

    def _new_worker(self) -> Worker:
        setup = self._setup
        return Worker(
            self.write,
            self.ledger,
            name=f"zotify-{type(self).__name__}",
            on_error=self._entry_failed,
            failover=None if self._failover is None else self._taken_over,
            max_queue_size=setup.max_queue_size,
            max_queue_bytes=setup.max_queue_bytes,
            max_batch_size=setup.max_batch_size,
            flush_interval=setup.flush_interval,
            overflow=setup.overflow,
        )

    def _is_ready(self) -> bool:
        """Deal with a record that finds the handler writing or closed, under the ledger's lock.

        Returns:
            Whether the handler was closed and is open again: the record can go on.
        """
        if self._state == _WRITING:
            self.ledger.reenter()
            return False
        if self._resting == _DISABLED:
            self.ledger.ignored += 1
            return False
        try:
            self._state = _WRITING  # what opening may log goes no further
            if self._worker is not None:
                if not threading.main_thread().is_alive():
                    raise RuntimeError("the interpreter is exiting: no writer thread can start")
                self._worker = self._new_worker()
            self.open()
        except Exception as error:
            self._state = _CLOSED
            self.ledger.accept()
            self.ledger.drop("closed")
            report(self._label(), self.redactor.text(f"closed: {safe_str(error)}"))
            return False
        except BaseException:
            self._state = _CLOSED
            raise
        self._state = self._resting
        self.set_name(self.get_name())
        # dictConfig has made logging.shutdown forget its old handlers, attached or not.
        atexit.register(_close_if_alive, weakref.ref(self))
        return True

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

    def _interrupted(self, error: BaseException) -> None:
        """Count a record that Ctrl-C met in a direct write, wherever in it that was."""
        ledger = self.ledger
        if ledger.accepted == ledger.settled():
            ledger.accepted += 1
        ledger.fail("interrupted", error=error)

    def _record_failed(self, record: logging.LogRecord, error: Exception) -> LogEntry | None:
        """Count and report; return what the failover is to receive."""
        self.ledger.fail(self.reason_of(error), error=error)
        self.ledger.refuse()
        self._tell(record)
        if self._failover is None:
            return None
        try:
            return snapshot(record, self.redactor)
        except Exception as second:
            report(self._label(), f"failover: {type(second).__name__}")
            return None

    def _entry_failed(self, entry: LogEntry | None, error: BaseException) -> None:
        """Hear from the writer thread: a poison entry, or (``None``) a sink that is away."""
        if entry is None:
            report(self._label(), self.redactor.text(f"{type(error).__name__}: {safe_str(error)}"))
            self.ledger.refuse()
            return
        if isinstance(error, OSError):  # else it may well be the entry's own fault
            self.ledger.refuse()
        try:
            raise error
        except BaseException:  # noqa: B036  # raised one line above, to be current
            self._tell(record_of(entry))
        self._hand_over(entry)

    def _hand_over(self, entry: LogEntry) -> None:
        """Offer a record that has been counted as failed to the failover."""
        if self._taken_over(entry):
            with self.ledger.lock:
                self.ledger.failed_over += 1

    def _taken_over(self, entry: LogEntry) -> bool:
        if self._failover is None:
            return False
        try:
            return self._failover.take(entry)
        except Exception as error:
            report(self._label(), self.redactor.text(f"failover: {safe_str(error)}"))
            return False


def _close_if_alive(reference: weakref.ref[BaseLogHandler]) -> None:
    handler = reference()
    if handler is not None:
        handler.close()


def _holds(lock: RLock) -> bool:
    try:
        threading.Condition(lock).notify()
    except RuntimeError:  # so says a lock that this thread does not hold
        return False
    return True
