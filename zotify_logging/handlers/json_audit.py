"""Records that carry ``event_type`` become events of an audit trail."""

from __future__ import annotations

import logging
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Unpack, cast

from ..audit.event import event_from_entry, event_from_parts
from ..audit.failure import failure_reason
from ..audit.trail import AuditTrail, Durability, OnError, Unknown
from ..audit.trails import drop_trail, set_trail
from ..context import current_context
from ..exceptions import AuditSyncError, AuditWriteError, OptionError, StorageError
from ..ledger import HandlerStatistics
from ..options import OptionReader, is_aside
from ..records import LogEntry, carried_field, read_record
from ..registry import Registered
from ..sanitizing import safe_str
from .base import BaseLogHandler, HandlerOptions
from .error_ring import report
from .snapshot import record_of

__all__ = ["JsonAuditHandler"]


class JsonAuditHandler(BaseLogHandler):
    """Writes one JSON line per audit event into a file that proves nothing was changed.

    A record is an event when it carries ``event_type`` (by ``extra``, or as a structlog event);
    others count as ``ignored``. The handler's trail is also where ``audit_event`` and
    ``audit_action`` write, under the handler's name (its file's path while it has none).

    Any number of processes may write one file on a local file system; they form one chain.

    Guarantees: once a log call returns, its event is in the chain, or in ``<filename>.fallback``
    (else on stderr) and counted as failed. It survives ``kill -9``; a power loss only with
    ``durability="fsync"``.

    Args:
        filename: the live file; its folder is made if missing.
        max_bytes: size at which it is closed and renamed to ``audit.<first>-<last>.jsonl``,
            ``"64 MB"``; 0 never.
        keep: closed files to keep; only ``None`` (all of them) so far.
        durability: ``interval`` syncs after 100 events or 1 s, ``fsync`` before a call returns,
            ``write`` leaves it to the system.
        on_error: what ``audit_event`` does about an event that cannot be written: ``fallback``
            keeps it in the fallback file, ``raise`` raises ``AuditWriteError``, ``count`` counts.
        unknown: ``flag``, ``accept`` or ``reject`` events of types that nobody registered.
        service: name of the application on every line; the program's name by default.
        options: see :class:`~zotify_logging.handlers.base.HandlerOptions`.

    Raises:
        OptionError: wrong options, all at once, or a file that cannot be opened.
    """

    default_batch_size = 1  # a batch that fails half-way must not be written twice
    selection = "audit events: records with event_type"
    gap_entries = False  # the trail writes an audit.gap, which is an event of the chain

    def __init__(
        self,
        filename: str | os.PathLike[str] = "logs/audit.jsonl",
        *,
        max_bytes: int | str = "64 MB",
        keep: int | None = None,
        durability: str = "interval",
        on_error: str = "fallback",
        unknown: str = "flag",
        service: str | None = None,
        **options: Unpack[HandlerOptions],
    ) -> None:
        reader = OptionReader(type(self).__name__)
        path = reader.text(
            "filename", os.fspath(filename) if isinstance(filename, os.PathLike) else filename
        )
        limit = reader.size("max_bytes", max_bytes)
        reader.known("keep")
        if keep is not None:
            reader.problem(
                "keep", f"{keep!r}: deleting closed segments is not available yet; leave it out"
            )
        durability = reader.choice("durability", durability, ("interval", "write", "fsync"))
        on_error = reader.choice("on_error", on_error, ("fallback", "raise", "count"))
        unknown = reader.choice("unknown", unknown, ("flag", "accept", "reject"))
        service = reader.text("service", service, optional=True)
        if options.get("delivery") == "queued":
            options.setdefault("max_batch_size", 1)
        super().__init__(reader=reader, **options)
        self.baseFilename = os.path.abspath(path or "")
        self._trail = AuditTrail(
            self.baseFilename,
            max_bytes=limit,
            durability=cast(Durability, durability),
            lock_timeout=self.lock_timeout,
            mode=self.file_mode,
            redactor=self.redactor,
            service=service,
            unknown=cast(Unknown, unknown),
            on_error=cast(OnError, on_error),
        )
        self._trail.tell(self._hear)
        self.open()

    @property
    def trail(self) -> AuditTrail:
        """The engine, for use without ``logging``."""
        return self._trail

    def open(self) -> None:
        """Open the trail, begin its chain if it is new, and make it known to ``audit_event``.

        Raises:
            OptionError: it cannot be opened; names the file, the reason and the cure.
        """
        try:
            self._trail.open()
        except StorageError as error:
            reason = error.strerror or str(error)
            raise OptionError([f"{self._label()}.filename: {reason}"]) from error
        if not is_aside():  # else it becomes known with its name
            set_trail(self._trail_name(), self._trail)

    def selects(self, record: logging.LogRecord) -> bool:
        """Tell whether the record is an audit event."""
        return carried_field(record, "event_type") is not None

    def write_record(self, record: logging.LogRecord) -> None:
        """Write the record's event straight from the record; the trail redacts it."""
        content = read_record(record)
        event = event_from_parts(content.message, content.fields, content.exception, content.stack)
        context = current_context()
        try:
            self._trail.append_or_keep(event.within(context) if context else event)
        except AuditSyncError as error:
            self.ledger.note_error(error)
            self._tell(record)  # the event is in the chain, so it counts as written

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Write each entry's event; one that fails is in the fallback when this raises."""
        for entry in entries:
            try:
                self._trail.append_or_keep(event_from_entry(entry))
            except AuditSyncError as error:
                self.ledger.note_error(error)
                self._tell(record_of(entry))

    def reason_of(self, error: BaseException) -> str:
        """Name what keeps the trail from being written (``ENOSPC``, ``lock_timeout``, …)."""
        return failure_reason(error)

    def statistics(self) -> HandlerStatistics:
        """Return one reading of all that went to the trail: by ``logging`` and by the helpers."""
        own, direct = super().statistics(), self._trail.statistics()
        failed = Counter(own.failed)
        failed.update(direct.failed)
        return replace(
            own,
            accepted=own.accepted + direct.accepted,
            written=own.written + direct.written,
            failed=dict(failed),
            bytes=own.bytes + self._trail.bytes_written,
        )

    def take_over(self, predecessor: Registered) -> None:
        """Go on counting, and tell in the next ``audit.gap`` what the other one had still to tell.

        The chain goes on by itself: it is in the file.
        """
        super().take_over(predecessor)
        if isinstance(predecessor, JsonAuditHandler):
            self._trail.take_losses(predecessor.trail)

    def set_name(self, name: str | None) -> None:
        """Set the name (dictConfig does); the trail goes by it from now on."""
        trail: AuditTrail | None = getattr(self, "_trail", None)
        if trail is not None:
            drop_trail(self._trail_name(), trail)
        super().set_name(name)
        if trail is not None:
            set_trail(self._trail_name(), trail)

    name = property(BaseLogHandler.get_name, set_name)

    def flush(self, timeout: float | None = None) -> bool:  # type: ignore[override]  # as in base
        """Write what is queued and push it to the disk; tell whether both are done."""
        done = super().flush(timeout)
        try:
            self._trail.sync()
        except OSError:
            return False
        return done

    def release_sink(self) -> None:
        """Sync and close the trail; ``audit_event`` no longer finds it."""
        drop_trail(self._trail_name(), self._trail)
        self._trail.close()

    def ping(self) -> None:
        """Check that an event could be written now; see :meth:`.AuditTrail.check`.

        Raises:
            StorageError: it could not, or the handler is closed; names the file and the reason.
        """
        self._trail.check()

    def _hear(self, error: Exception) -> None:
        """Report what no log call is told: a helper's event that failed, a sync that failed."""
        self.ledger.note_error(error)
        if isinstance(error, AuditWriteError) and not isinstance(error, AuditSyncError):
            # For health(). Without the lock, which a write that hangs may hold.
            self.ledger.lost_at = self.ledger.clock.monotonic()
        text = f"{type(error).__name__}: {safe_str(error)}"
        report(self._label(), self.redactor.text(text))

    def _trail_name(self) -> str:
        return self.get_name() or self.baseFilename
