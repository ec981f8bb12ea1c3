"""Counts what became of every record of one handler, so that a loss can never be silent.

The law: ``accepted = written + queued + dropped + failed``, per handler and process, at any moment.
"""

from __future__ import annotations

import itertools
import threading
from collections import defaultdict
from typing import TYPE_CHECKING

from ..clock import SYSTEM_CLOCK, Clock
from .handler_statistics import HandlerStatistics

if TYPE_CHECKING:
    from _thread import RLock

__all__ = ["Ledger"]

_DOUBTS = 3  # records refused in a row, each perhaps for a fault of its own


class Ledger:
    """Counters of one handler in one process.

    The integer attributes are public, because the emit path adds to them in place; whoever does
    must hold :attr:`lock`. The methods take the lock themselves. :meth:`reenter` alone needs no
    lock: it is for records logged *inside* a critical section (by a signal handler or a
    ``__del__``), where ``+=`` between another's load and store would lose a count.

    Args:
        lock: the handler's own lock, where one lock shall guard both; otherwise one is made.
        clock: tells when a record was lost.

    Attributes:
        lock: guards every counter; re-entrant.
        queued: raised by whoever takes a record in, lowered by whoever settles it; a direct
            handler may leave it alone, as nobody can read while it holds the lock.
        lost_at: when the latest record was lost, in seconds of the clock's ``monotonic``, or
            ``None``. A refused nested record is no loss in this sense: nothing was wrong.
        untold_since: when the first record was lost of which the sink has not been told, likewise.
        handed_over: the part of ``failed`` that another handler received, by reason.
    """

    __slots__ = (
        "__weakref__",
        "_nested",
        "_doubts",
        "_doubts_after",
        "_own_lock",
        "_refused_after",
        "accepted",
        "bytes",
        "clock",
        "dropped",
        "failed",
        "failed_over",
        "handed_over",
        "ignored",
        "internal",
        "last_error",
        "lock",
        "lost_at",
        "queued",
        "replayed",
        "spooled",
        "untold_since",
        "written",
    )

    def __init__(self, lock: RLock | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.clock = clock
        self._own_lock = lock is None
        self.lock: RLock = threading.RLock() if lock is None else lock
        self._clear()

    def _clear(self) -> None:
        self.accepted = 0
        self.ignored = 0
        self.written = 0
        self.queued = 0
        self.spooled = 0
        self.failed_over = 0
        self.internal = 0
        self.replayed = 0
        self.bytes = 0
        # So that one more is one step, which no Ctrl-C and no signal handler can fall into;
        # a Counter's first one is a call.
        self.dropped: defaultdict[str, int] = defaultdict(int)  # noqa: B910 - see above
        self.failed: defaultdict[str, int] = defaultdict(int)  # noqa: B910 - see above
        self.last_error: str | None = None
        self.lost_at: float | None = None
        self.untold_since: float | None = None
        self.handed_over: defaultdict[str, int] = defaultdict(int)  # noqa: B910 - see above
        self._refused_after = self._doubts_after = -1
        self._doubts = 0
        self._nested = itertools.count()

    def accept(self, n: int = 1) -> None:
        """Count ``n`` records at entry, before anything is decided about them."""
        with self.lock:
            self.accepted += n

    def write(self, n: int = 1, nbytes: int = 0) -> None:
        """Count ``n`` records, ``nbytes`` bytes in all, that the sink has taken."""
        with self.lock:
            self.written += n
            self.bytes += nbytes

    def drop(self, reason: str, n: int = 1) -> None:
        """Count ``n`` accepted records that were given up on purpose."""
        with self.lock:
            self.dropped[reason] += n
            self.note_loss()

    def fail(self, reason: str, n: int = 1, error: BaseException | None = None) -> None:
        """Count ``n`` accepted records that the sink refused, and remember the error."""
        with self.lock:
            self.failed[reason] += n
            self.note_loss()
            if error is not None:
                self.note_error(error)

    def note_loss(self) -> None:
        """Note the time of a loss; whoever adds to ``dropped`` or ``failed`` in place does so."""
        self.lost_at = self.clock.monotonic()
        if self.untold_since is None:
            self.untold_since = self.lost_at

    def hand_over(self, reason: str) -> None:
        """Count one record, counted as failed for that reason, that another handler received."""
        with self.lock:
            self.failed_over += 1
            self.handed_over[reason] += 1

    def losses(self) -> dict[str, int]:
        """Return how many records nobody has, by reason; refused nested ones are not among them."""
        with self.lock:
            lost = {
                reason: count - self.handed_over.get(reason, 0)
                for reason, count in self.failed.items()
            }
            for reason, count in self.dropped.items():
                lost[reason] = lost.get(reason, 0) + count
        return lost

    def ignore(self, n: int = 1) -> None:
        """Count ``n`` records that the handler's own selection refused."""
        with self.lock:
            self.ignored += n

    def unspool(self, n: int = 1) -> None:
        """Count ``n`` records as written that this process had spooled."""
        with self.lock:
            self.spooled -= n
            self.queued -= n
            self.written += n

    def refuse(self, *, sure: bool = True) -> None:
        """Note that the sink has just refused what it was given.

        Args:
            sure: the sink's state is the reason. Otherwise it may have been the record's own
                fault, and only the third in a row counts.
        """
        with self.lock:
            if not sure:
                if self._doubts_after != self.written:
                    self._doubts_after, self._doubts = self.written, 0
                self._doubts += 1
            if sure or self._doubts >= _DOUBTS:
                self._refused_after = self.written

    def is_refusing(self) -> bool:
        """Tell whether the sink has taken nothing since it last refused."""
        return self._refused_after == self.written

    def settled(self) -> int:
        """Return how many of the accepted records are written, dropped or failed."""
        return self.written + sum(self.dropped.values()) + sum(self.failed.values())

    def reenter(self) -> None:
        """Count one record logged from inside the handler: accepted and ``dropped{reentrant}``.

        One atomic step, without the lock: safe in a signal handler and under the garbage collector.
        """
        next(self._nested)

    def note_error(self, error: BaseException) -> None:
        """Remember the latest error, cut to 500 characters; an error without a text by its type."""
        try:
            text = str(error)
        except Exception:  # a hostile __str__ must not break the report of itself
            text = ""
        name = type(error).__name__
        self.last_error = f"{name}: {text}"[:500] if text else name

    def snapshot(self) -> HandlerStatistics:
        """Return one consistent reading."""
        with self.lock:
            return self.peek()

    def peek(self) -> HandlerStatistics:
        """Return a reading without the lock, for when its holder hangs inside the sink."""
        while True:
            accepted, written, queued = self.accepted, self.written, self.queued
            nested = self._reentered()
            dropped = dict(self.dropped)
            if nested:
                dropped["reentrant"] = dropped.get("reentrant", 0) + nested
            reading = HandlerStatistics(
                accepted=accepted + nested,
                ignored=self.ignored,
                written=written,
                queued=queued,
                spooled=self.spooled,
                failed_over=self.failed_over,
                internal=self.internal,
                replayed=self.replayed,
                dropped=dropped,
                failed=dict(self.failed),
                bytes=self.bytes,
                last_error=self.last_error,
            )
            # A signal handler that logs, or closes, in this very thread passes the re-entrant lock.
            if (accepted, written, queued) == (self.accepted, self.written, self.queued):
                return reading

    def _reentered(self) -> int:
        # repr() is the one way to read itertools.count without advancing it.
        return int(repr(self._nested)[6:-1])

    def reset(self, lock: RLock | None = None) -> None:
        """Start from zero in a forked child, whose copy of the lock may be held by nobody alive.

        Args:
            lock: the owner's renewed lock. Without it, a lock of the ledger's own is made anew and
                one that was passed in stays, for its owner to renew.
        """
        if lock is not None:
            self.lock = lock
            self._own_lock = False
        elif self._own_lock:
            self.lock = threading.RLock()
        self._clear()
