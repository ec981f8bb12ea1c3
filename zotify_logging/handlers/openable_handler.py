"""A handler that opens and closes, is switched off and on, and wakes up in a forked child."""

from __future__ import annotations

import atexit
import threading
import time
import weakref
from abc import abstractmethod
from threading import get_ident
from typing import TYPE_CHECKING

from ..sanitizing import safe_str
from ..worker import Worker
from .accountable_handler import READING_TIMEOUT, AccountableHandler
from .error_ring import report

if TYPE_CHECKING:
    from _thread import RLock

__all__ = ["CLOSED", "IDLE", "WRITING", "OpenableHandler"]

IDLE, WRITING, DISABLED, CLOSED = range(4)

_JUST_NOW = 1.0  # seconds between the flush and the close of one logging.shutdown


class OpenableHandler(AccountableHandler):
    """Part of the base handler: the state it is in, which a record looks at first.

    A record finds an idle handler, or asks :meth:`_is_ready`: one comparison for all that may be
    out of the ordinary. The ledger's lock guards the state.
    """

    _state = CLOSED  # also that of a handler whose constructor failed
    _resting = IDLE  # the state between two records of an open handler: idle, or disabled
    _forked_inside = False
    _gave_up = float("-inf")
    _entering: set[int]
    close_timeout: float

    @property
    def enabled(self) -> bool:
        """Whether records are taken; settable at any time.

        A disabled handler counts records as ``ignored`` and is nobody's failover; what is queued
        is written all the same. Holds until it is set again: across close and fork as well.
        """
        return self._resting == IDLE

    @enabled.setter
    def enabled(self, value: bool) -> None:
        self._resting = IDLE if value else DISABLED
        # A write that hangs must not hang those who switch its handler off: it looks by itself.
        if self.ledger.lock.acquire(timeout=READING_TIMEOUT):
            try:
                if self._state in (IDLE, DISABLED):
                    self._state = self._resting
            finally:
                self.ledger.lock.release()

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
                ``dropped{shutdown}``. A direct write that hangs for longer keeps its sink open; a
                direct handler that lost records first writes a gap entry, in the caller's thread.
        """
        # dictConfig calls this on a handler whose constructor failed: there is nothing to do then.
        if self._state == CLOSED:
            super().close()
            return
        seconds = self.close_timeout if timeout is None else max(0.0, timeout)
        if timeout is None and time.monotonic() - self._gave_up < _JUST_NOW:
            seconds = 0.0
        deadline = time.monotonic() + seconds
        if self._worker is not None and self._worker.close(seconds):
            self._tell_last_gap()
        patience = max(READING_TIMEOUT, deadline - time.monotonic())
        locked = self.ledger.lock.acquire(timeout=patience)
        try:
            if locked and self._state in (IDLE, DISABLED) and self._worker is None:
                self._tell_last_gap()
            first, self._state = self._state != CLOSED, CLOSED
            self._unregister()
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
        self._before = self._unsettled = None
        self._busy_since = None
        self._gap.reset()
        if inside and self._worker is None:
            self.ledger.lock.acquire()  # logging has renewed it, and this thread will release it
            if self._state == WRITING:
                self.ledger.accepted = 1  # the record in the making is settled here as well
        elif self._state != CLOSED:
            self._state = self._resting

    @abstractmethod
    def _new_worker(self) -> Worker:
        """Return a worker for queued delivery; it starts its thread at the first entry."""

    def _is_ready(self) -> bool:
        """Deal with a record that finds the handler not idle, under the ledger's lock.

        Returns:
            Whether the handler was closed and is open again: the record can go on.
        """
        if self._state == WRITING:
            self.ledger.reenter()
            return False
        if self._resting == DISABLED:
            self.ledger.ignored += 1
            return False
        try:
            self._state = WRITING  # what opening may log goes no further
            if self._worker is not None:
                if not threading.main_thread().is_alive():
                    raise RuntimeError("the interpreter is exiting: no writer thread can start")
                self._worker = self._new_worker()
            self.open()
        except Exception as error:
            self._state = CLOSED
            self.ledger.accept()
            self.ledger.drop("closed")
            report(self._label(), self.redactor.text(f"closed: {safe_str(error)}"))
            return False
        except BaseException:
            self._state = CLOSED
            raise
        self._state = self._resting
        self.set_name(self.get_name())
        # dictConfig has made logging.shutdown forget its old handlers, attached or not.
        atexit.register(_close_if_alive, weakref.ref(self))
        return True

    def _tell_last_gap(self) -> None:
        """Tell what is untold before the sink goes; a sink that still refuses cannot be told."""
        if self.ledger.untold_since is None:
            return
        if self._worker is None:
            state, self._state = self._state, WRITING
            try:
                self._tell_gap(last=True)
            finally:
                self._state = state
            return
        if self.ledger.is_refusing():
            return  # it may take its time to refuse once more, and the deadline is near
        me, lock = get_ident(), self.lock
        # Two may close at once: neither releases the sink while the other writes into it.
        if lock is not None and lock.acquire(timeout=self.close_timeout):
            self._entering.add(me)  # what the write logs goes no further
            try:
                self._tell_gap(last=True)
            finally:
                self._entering.discard(me)
                lock.release()

    def _release(self) -> None:
        try:
            self.release_sink()
        except Exception as error:
            report(self._label(), self.redactor.text(f"while closing: {safe_str(error)}"))


def _close_if_alive(reference: weakref.ref[OpenableHandler]) -> None:
    handler = reference()
    if handler is not None:
        handler.close()


def _holds(lock: RLock) -> bool:
    try:
        threading.Condition(lock).notify()
    except RuntimeError:  # so says a lock that this thread does not hold
        return False
    return True
