"""The contract every handler of this library keeps."""

from __future__ import annotations

import logging
from typing import Unpack

from ..forks import before_fork, on_fork
from ..ledger import Ledger
from ..options import OptionReader
from .direct_delivery import DirectDelivery
from .failover import Failover
from .gap_notice import GapNotice
from .handler_options import HandlerOptions, read_options
from .openable_handler import IDLE
from .sink_handler import SinkHandler

__all__ = ["BaseLogHandler", "HandlerOptions"]


class BaseLogHandler(DirectDelivery):
    """Base of the library's handlers, and of yours.

    A subclass implements :meth:`write` and, where it needs them, :meth:`selects`, :meth:`open`,
    :meth:`release_sink`, :meth:`ping`, :meth:`spill` and :meth:`reason_of`; it reads its own
    options with an ``OptionReader`` and hands that on:
    ``super().__init__(reader=reader, **options)``. Everything else is kept here:

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
    * **Gaps.** Once the sink takes a record again it gets an entry of the handler's own about what
      it missed, at most every 30 s, the last one by :meth:`close`: logger ``zotify_logging``, level
      WARNING, fields ``gap_count``, ``gap_reasons``, ``gap_from``, ``gap_to``; through ``write``
      and the formatter as any other, counted as ``internal``. ``gap_entries = False`` opts out.
    * **Switched off** (:attr:`enabled`), it ignores records, and is nobody's failover; what is
      queued is written. :meth:`health` tells how it fares, from what it knows already.
    * **Fork.** The child begins with an empty queue, zero counters and its own files and threads.
      Pickling and copying are refused.
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
            can_spill=self._can_spill(),
        )
        # What the emit path does not read stays in here: up to 30 attributes Python keeps an
        # instance's in an array, which is faster than a dictionary.
        self._setup = setup
        self.close_timeout = setup.close_timeout
        self.lock_timeout = setup.lock_timeout
        self.file_mode = setup.file_mode
        self.redactor = setup.redactor
        self._failover = Failover(setup.failover, self) if setup.failover else None
        self._own_formatter = self.default_formatter()
        self._line_formatter = self._own_formatter
        super().__init__(setup.level)
        self._selective = type(self).selects is not SinkHandler.selects
        self._entering = set()
        self.ledger = Ledger() if setup.queued else Ledger(self.lock)
        self._gap = GapNotice(self.ledger)
        self._worker = self._new_worker() if setup.queued else None
        self._state = self._resting = IDLE
        for filter_ in setup.filters:
            self.addFilter(filter_)
        if setup.formatter is not None:
            self.setFormatter(setup.formatter)
        on_fork(self)
        before_fork(self)

    def handle(self, record: logging.LogRecord) -> bool:
        """Take a record that has passed the level: filter it, then write or queue it.

        What the filters refuse counts as ``ignored``; a filter that raises costs the record, which
        it might have wanted to hold back, and counts as failed.

        Returns:
            Whether the filters let it pass.
        """
        if self.filters and self._resting == IDLE:
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
