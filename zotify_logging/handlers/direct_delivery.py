"""Direct delivery: the record is in the sink when the log call returns."""

from __future__ import annotations

import logging
from dataclasses import replace

from ..records import LogEntry
from .arguments import without_secret_arguments
from .openable_handler import WRITING
from .queued_delivery import QueuedDelivery
from .snapshot import record_of

__all__ = ["DirectDelivery"]


class DirectDelivery(QueuedDelivery):
    """Part of the base handler: takes records and entries, straight into the sink or to the queue.

    One frame from ``emit`` to the sink, and one lock: this path is what the product is for.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write or queue a record; never raises an ``Exception``, never recurses."""
        if record.args.__class__ is not tuple:  # nearly always it is, with something in it or not
            record = without_secret_arguments(record, self.redactor)
        if self._worker is not None:
            self._enqueue(record, self._worker)
            return
        ledger = self.ledger
        with ledger.lock:
            if self._state and not self._is_ready():
                return
            try:
                self._state = WRITING
                if self._selective and not self.selects(record):
                    ledger.ignored += 1
                    return
                ledger.accepted += 1
                self.write_record(record)
                ledger.written += 1
            except Exception as error:
                reason = self._reason(error)
                lost = self._record_failed(record, error, reason)
            except BaseException as error:
                self._interrupted(error)
                raise
            else:
                if ledger.untold_since is not None:
                    self._tell_gap()
                return
            finally:
                if self._state == WRITING:  # a fork or a close may have happened inside
                    self._state = self._resting
        # Without the lock: two that are each other's failover must not wait for each other.
        if lost is not None:
            self._hand_over(lost, reason)

    def receive(self, entry: LogEntry) -> None:
        """Take an entry that another handler could not keep; counted like any record."""
        entry = replace(entry, rendered=None)
        worker = self._worker
        if worker is not None:
            if self._state:
                with self.ledger.lock:
                    if self._state and not self._is_ready():
                        return
                worker = self._worker or worker
            worker.put(entry)
            return
        with self.ledger.lock:
            if self._state and not self._is_ready():
                return
            try:
                self._state = WRITING
                self.ledger.accepted += 1
                self.write((entry,))
                self.ledger.written += 1
            except Exception as error:
                reason = self._reason(error)
                self.ledger.fail(reason, error=error)
                self._refused(error, reason)
                self._tell(record_of(entry))
            except BaseException as error:
                self._interrupted(error)
                raise
            else:
                if self.ledger.untold_since is not None:
                    self._tell_gap()
                return
            finally:
                if self._state == WRITING:
                    self._state = self._resting
        self._hand_over(entry, reason)
