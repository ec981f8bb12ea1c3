"""What a handler says about its sink: the methods that a subclass implements."""

from __future__ import annotations

import errno
import logging
import os
from abc import ABC, abstractmethod
from collections.abc import Sequence

from ..records import LogEntry
from .rendering_handler import RenderingHandler
from .snapshot import snapshot

__all__ = ["POISON", "SinkHandler"]

POISON = "poison"
"""Reason for a record that the sink will never take, though it takes others: no failing sink."""


class SinkHandler(RenderingHandler, ABC):
    """Part of the base handler: the sink, as far as the base has to know of it.

    Attributes:
        gap_entries: the base writes an entry of its own into the sink once that has recovered from
            a loss. ``False`` where the sink is told of losses in another way, or is none for
            entries that the application did not make.
        selection: which records the handler takes at all, where that is not all of them; for
            explanations.
    """

    gap_entries = True
    selection = ""

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

    def spill(self, entry: LogEntry) -> bool:
        """Keep an entry for which the queue has no room, in a place that outlasts a stuck sink.

        Implement it, and ``overflow="spill"`` is allowed; with ``block`` it is asked once waiting
        was in vain. Called in the caller's thread, without a lock. What is kept counts as
        ``spooled`` and ``queued`` until the subclass has written it and says so by
        ``self.ledger.unspool(n)``.

        Returns:
            Whether it is kept; if not, or if this raises, the failover is asked next.
        """
        return False

    def _can_spill(self) -> bool:
        return type(self).spill is not SinkHandler.spill

    def selects(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is for this handler at all; others count as ``ignored``."""
        return True

    def open(self) -> None:
        """Open the sink; called by the subclass when it is ready."""

    def release_sink(self) -> None:
        """Release the sink for good; called once, by ``close``."""

    def ping(self) -> None:
        """Check that the sink can be reached.

        Raises:
            Exception: it cannot; the message names place and cure.
        """

    def reason_of(self, error: BaseException) -> str:
        """Name an error for the ledger, in one word; the same in both deliveries.

        Override where an error of yours hides the cause, or means :data:`POISON`.
        """
        if isinstance(error, OSError) and error.errno is not None:
            return errno.errorcode.get(error.errno, os.strerror(error.errno))
        return type(error).__name__
