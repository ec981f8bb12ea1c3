"""Queued delivery: the record is taken by value, and a writer thread puts it into the sink."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from threading import get_ident

from ..records import LogEntry
from ..sanitizing import safe_str
from ..worker import Worker
from .error_ring import report
from .openable_handler import OpenableHandler
from .snapshot import record_of, snapshot

__all__ = ["QueuedDelivery"]


class QueuedDelivery(OpenableHandler):
    """Part of the base handler: what happens to a record when there is a queue."""

    _selective: bool
    _busy_since: float | None = None

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
            self._write_batch,
            self.ledger,
            name=f"zotify-{type(self).__name__}",
            on_error=self._entry_failed,
            reason_of=self._reason,
            spill=self.spill if self._can_spill() else None,
            failover=None if self._failover is None else self._taken_over,
            max_queue_size=setup.max_queue_size,
            max_queue_bytes=setup.max_queue_bytes,
            max_batch_size=setup.max_batch_size,
            flush_interval=setup.flush_interval,
            overflow=setup.overflow,
        )

    def _write_batch(self, entries: Sequence[LogEntry]) -> None:
        self._busy_since = self.ledger.clock.monotonic()
        try:
            self.write(entries)
        finally:
            self._busy_since = None
        if self.ledger.untold_since is not None:
            try:
                self._tell_gap()
            except BaseException as error:  # noqa: B036 - the batch is written, whatever it was
                report(self._label(), f"gap entry: {type(error).__name__}")

    def _entry_failed(self, entry: LogEntry | None, error: BaseException) -> None:
        """Hear from the writer thread: an entry that failed, or (``None``) a sink that is away."""
        if entry is None:
            report(self._label(), self.redactor.text(f"{type(error).__name__}: {safe_str(error)}"))
            self.ledger.refuse()
            return
        reason = self._reason(error)
        self._refused(error, reason)
        try:
            raise error
        except BaseException:  # noqa: B036  # raised one line above, to be current
            self._tell(record_of(entry))
        self._hand_over(entry, reason)
