"""Counts what became of the events that were given to a trail itself, and tells who listens."""

from __future__ import annotations

import weakref
from collections.abc import Callable

from ..ledger import Ledger
from .failure import failure_reason

__all__ = ["Outcomes"]


class Outcomes:
    """The ledger of one trail in one process; shared by threads.

    Apart from the ledger of a handler, whose lock is held while it writes: a helper that counts
    must not wait for that.

    Attributes:
        ledger: its readings keep the law of every ledger.
    """

    def __init__(self) -> None:
        self.ledger = Ledger()
        self._listener: weakref.WeakMethod[Callable[[Exception], None]] | None = None

    def listen(self, listener: Callable[[Exception], None]) -> None:
        """Tell ``listener``, a bound method held weakly, of every error from now on."""
        self._listener = weakref.WeakMethod(listener)

    def count(self, error: Exception | None) -> None:
        """Settle one event: written, or failed by this error."""
        with self.ledger.lock:
            self.ledger.accept()
            if error is None:
                self.ledger.write()
                return
            self.ledger.fail(failure_reason(error))
        self.note(error)

    def note(self, error: Exception) -> None:
        """Remember an error that cost no event, and tell of it."""
        self.ledger.note_error(error)
        listener = None if self._listener is None else self._listener()
        if listener is not None:
            listener(error)

    def reset(self) -> None:
        """Begin at zero, in a forked child."""
        self.ledger.reset()
