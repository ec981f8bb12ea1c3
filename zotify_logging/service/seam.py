"""The moment between two sets of handlers: each record goes to the one or to the other.

A record walks up the tree and reads each logger's handlers when it gets there, so that lists
replaced one after another would give it some of both sets, or of neither. Therefore, for as long as
it takes, a :class:`Ferry` stands in each list for what is there before and after:

1. Ferries go into all lists. They still give every record to the old set, and remember it.
2. Records that were on their way before, and so may have passed a list without a ferry, are found
   on the stacks of their threads and remembered as well.
3. One assignment turns the seam: records that nobody remembers go to the new set from now on, on
   all loggers alike. This is the one moment at which the configuration changes.
4. Once all that were on their way at that moment have arrived, the new lists take the place of the
   ferries, and the old handlers can be closed.

Before and after, a log call runs through stdlib's code and nothing of this.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Sequence

from .records_in_flight import InFlight, records_in_flight

__all__ = ["Ferry", "Seam"]

_FIRST_PAUSE, _LONGEST_PAUSE = 0.0002, 0.01  # seconds between two looks at the stacks
_MANY = 10_000


class Ferry(logging.Handler):
    """Stands in the list of one logger for its old handlers and its new ones.

    Args:
        seam: knows to which of them a record goes.
        before: the old handlers, in order.
        after: the new ones.
        goes_up: the logger's ``propagate`` before and after.
    """

    def __init__(
        self,
        seam: Seam,
        before: Sequence[logging.Handler],
        after: Sequence[logging.Handler],
        goes_up: tuple[bool, bool],
    ) -> None:
        super().__init__()
        self._seam = seam
        self.before = tuple(before)
        self.after = tuple(after)
        self.goes_up = goes_up

    def handlers(self, *, old: bool) -> tuple[logging.Handler, ...]:
        """Return the handlers that a record of the old set, or of the new one, meets here."""
        return self.before if old else self.after

    def handle(self, record: logging.LogRecord) -> bool:
        """Give the record to the old handlers or to the new ones; what they raise goes up."""
        old = self._seam.is_old(record)
        if self._seam.is_stopped(record):
            return False
        if not self.goes_up[0 if old else 1] and any(self.goes_up):
            self._seam.stop(record)  # the logger lets all go up while the other set needs it
        for handler in self.handlers(old=old):
            if record.levelno >= handler.level:
                handler.handle(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        """Do nothing: :meth:`handle` does it all, without a lock."""


class Seam:
    """One change from an old set of handlers to a new one.

    Not for several threads, but for :meth:`is_old` and what the ferries ask: the caller holds the
    lock of ``logging`` from the first :meth:`place` to :meth:`turn` or :meth:`take_back`.
    """

    def __init__(self) -> None:
        self._turned = False
        self._old: dict[int, logging.LogRecord] = {}
        self._stopped: dict[int, logging.LogRecord] = {}
        self._underway: dict[int, InFlight] = {}
        self._ferries: list[tuple[logging.Logger, Ferry]] = []

    @property
    def is_turned(self) -> bool:
        """Whether new records go to the new set."""
        return self._turned

    def is_old(self, record: logging.LogRecord) -> bool:
        """Tell whether the record goes to the old set; from now on it does if it does now."""
        # Read first: what is remembered after the turn is found on the stacks all the same.
        if self._turned:
            return id(record) in self._old
        self._old[id(record)] = record
        return True

    def stop(self, record: logging.LogRecord) -> None:
        """Have the ferries further up pass the record over."""
        if len(self._stopped) > _MANY:
            _forget_arrived(self._stopped)
        self._stopped[id(record)] = record

    def is_stopped(self, record: logging.LogRecord) -> bool:
        """Tell whether a logger further down has kept the record from going up."""
        return bool(self._stopped) and id(record) in self._stopped

    def place(
        self,
        logger: logging.Logger,
        old: Sequence[logging.Handler],
        new: Sequence[logging.Handler],
        goes_up: tuple[bool, bool],
    ) -> None:
        """Put a ferry in the place of a logger's old handlers; its other handlers stay.

        Args:
            logger: whose list it is.
            old: those of its handlers that go.
            new: those that come.
            goes_up: its ``propagate`` before and after.
        """
        ferry = Ferry(self, old, new, goes_up)
        self._ferries.append((logger, ferry))  # first: Ctrl-C in between, and it is taken back
        logger.handlers = _replaced(logger.handlers, old, [ferry])

    def turn(self) -> None:
        """Give records that start from now on to the new set. Nothing can fail after this."""
        opening = [logger for logger, ferry in self._ferries if ferry.goes_up == (False, True)]
        for key, (record, at) in records_in_flight().items():
            self._old[key] = record
            # It may be past the list without having met the ferry, and is about to look whether it
            # goes up from here.
            if any(at is logger for logger in opening):
                self._stopped[key] = record
        for logger in opening:
            logger.propagate = True
        self._turned = True
        self._underway = records_in_flight()

    def take_back(self) -> None:
        """Put everything back as it was, instead of the turn."""
        for logger, ferry in self._ferries:
            if ferry in logger.handlers:
                logger.handlers = _replaced(logger.handlers, [ferry], ferry.before)
            logger.propagate = ferry.goes_up[0]

    def settle(self, timeout: float) -> bool:
        """Wait until no record is on its way to the old set; then put the new lists in place.

        Without the lock of ``logging``, which threads on their way may need. Not at all for a
        record of this very thread: then a handler has asked for the change.

        Args:
            timeout: seconds; the ferries stay where they are if some record needs longer.

        Returns:
            Whether the change is complete.
        """
        if any(key in self._underway for key in records_in_flight(threading.get_ident())):
            timeout = 0.0
        deadline = time.monotonic() + timeout
        if not _arrived(self._underway, deadline):
            return False
        closing = [logger for logger, ferry in self._ferries if ferry.goes_up == (True, False)]
        for logger in closing:
            logger.propagate = False
        # Records of the new set that are past such a logger must still meet the ferries above.
        self._underway = records_in_flight() if closing else {}
        if not _arrived(self._underway, deadline):
            return False
        self.complete()
        return True

    def complete(self) -> None:
        """Put the new lists in place now, whoever is on the way."""
        with logging._lock:  # type: ignore[attr-defined]  # stdlib guards its lists with this one
            for logger, ferry in self._ferries:
                if ferry in logger.handlers:  # else somebody else has configured it meanwhile
                    logger.handlers = _replaced(logger.handlers, [ferry], ferry.after)
                if ferry.goes_up[0] != ferry.goes_up[1]:
                    logger.propagate = ferry.goes_up[1]
        self._ferries = []
        self._old.clear()
        self._stopped.clear()


def _forget_arrived(records: dict[int, InFlight] | dict[int, logging.LogRecord]) -> None:
    underway = records_in_flight()
    for key in list(records):
        if key not in underway:
            records.pop(key, None)


def _arrived(records: dict[int, InFlight], deadline: float) -> bool:
    """Wait until all of them have arrived; tell whether they have, in time."""
    pause = _FIRST_PAUSE
    while records:
        _forget_arrived(records)
        if records and time.monotonic() >= deadline:
            return False
        if records:
            time.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
    return True


def _replaced(
    handlers: Sequence[logging.Handler],
    old: Sequence[logging.Handler],
    new: Sequence[logging.Handler],
) -> list[logging.Handler]:
    """Return a list with the new handlers in the place of the first old one, or at its end."""
    going = {id(one) for one in old}
    places = [index for index, one in enumerate(handlers) if id(one) in going]
    place = places[0] if places else len(handlers)
    return [
        *(one for one in handlers[:place] if id(one) not in going),
        *new,
        *(one for one in handlers[place:] if id(one) not in going),
    ]
