"""Appends events to one chain in one file, whoever else appends to it.

The trail is the file; a process holds no state that it could not read back. Every write takes the
lock file, looks whether the live file is as the last writer left it (one ``stat``), writes all its
lines by one ``write(2)``, and leaves the new head in the lock file.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Literal

from ..clock import SYSTEM_CLOCK, Clock
from ..event_loops import lock_patience
from ..exceptions import (
    AuditEventError,
    AuditSyncError,
    AuditWriteError,
    LockTimeoutError,
    StorageError,
)
from ..forks import on_fork
from ..ledger import HandlerStatistics
from ..redaction import Redactor
from ..storage.appender import make_parent, open_append
from ..storage.lock_file import LockFile
from .chain_writer import ChainWriter
from .durability import IntervalSync, sync_data
from .encoding import EncodedEvent, EventEncoder
from .event import AuditEvent
from .event_id import new_event_id
from .failure import failure_reason
from .fallback import keep_aside
from .line_batch import unchained_line
from .losses import Losses
from .outcomes import Outcomes
from .receipt import Receipt

__all__ = ["AuditTrail", "Durability", "OnError", "Unknown"]

Durability = Literal["interval", "write", "fsync"]
OnError = Literal["fallback", "raise", "count"]
Unknown = Literal["flag", "reject", "accept"]


class AuditTrail:
    """One chain of events in ``path`` and the closed segments beside it.

    Safe for threads and for any number of processes on one local file system; works on in a forked
    child. A receipt means that the line is in the file (it survives ``kill -9``); power loss is
    what ``durability`` says. A write inside a write (a signal handler in the same thread) is
    refused, as it would take the same place in the chain.

    Args:
        path: the live file; its folder is made.
        max_bytes: size at which the live file is closed and renamed; 0 = never. A line may pass it
            when it is the first one of its file.
        keep: closed segments to keep; only ``None`` (all of them) so far.
        durability: ``interval`` syncs after 100 events or 1 s, ``fsync`` before each receipt,
            ``write`` leaves it to the system.
        lock_timeout: seconds to wait for other processes; 20 ms at most in a thread that runs an
            event loop.
        mode: permissions of files made here (the fallback file always has 0600).
        redactor: hides secrets; the built-in rules if ``None``.
        service: name of the application on every line; the program's name if ``None``.
        unknown: ``flag`` | ``accept`` | ``reject`` events whose type nobody registered.
        on_error: what :meth:`deliver` does about an event that cannot be written.
        clock: for tests.

    Raises:
        ValueError: ``keep`` is given.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        max_bytes: int = 64 * 2**20,
        keep: int | None = None,
        durability: Durability = "interval",
        lock_timeout: float = 1.0,
        mode: int = 0o640,
        redactor: Redactor | None = None,
        service: str | None = None,
        unknown: Unknown = "flag",
        on_error: OnError = "fallback",
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        if keep is not None:
            raise ValueError(
                f"keep: {keep!r}: deleting closed segments is not available yet; leave keep=None"
            )
        self.path = os.path.abspath(os.fspath(path))
        self.fallback_path = f"{self.path}.fallback"
        self._durability = durability
        self._lock_timeout = lock_timeout
        self._mode = mode
        self._on_error = on_error
        self._clock = clock
        self._encoder = EventEncoder(
            redactor or Redactor(),
            service or os.path.basename(sys.argv[0] if sys.argv else "") or "python",
            os.uname().nodename,
            unknown,
        )
        self._losses = Losses()
        self._outcomes = Outcomes()
        self._interval = (
            IntervalSync(self.sync, self._not_synced) if durability == "interval" else None
        )
        self._lock = LockFile(f"{self.path}.lock", mode)
        self._threads = threading.RLock()
        self._writing = False
        self._closed = False
        self._chain = ChainWriter(
            self.path,
            self._lock,
            self._encoder,
            clock,
            max_bytes=max_bytes,
            mode=mode,
            interval=self._interval,
            sync_renames=durability == "fsync",
        )
        on_fork(self)

    def open(self) -> None:
        """Make folder and file, and begin the chain if it is new; opens again after :meth:`close`.

        If another process keeps the lock, the first event begins the chain.

        Raises:
            StorageError: folder or file cannot be used; the message names it and the cure.
        """
        self._closed = False
        try:
            make_parent(self.path)
            os.close(open_append(self.path, self._mode))
            self.check()
            if self._durability == "fsync":
                self.sync()
        except StorageError:
            raise
        except OSError as error:
            raise StorageError(
                error.errno,
                f"{self.path}: cannot be opened for appending: {error.strerror}; name a file in a "
                f"folder that user {os.geteuid()} may write",
            ) from error

    def check(self) -> None:
        """Look whether an event could be written now; what has to be told first is written.

        So a trail that lost events is found well only once its ``audit.gap`` is in the file. That
        another process keeps the lock is no failure.

        Raises:
            StorageError: it could not; the message names the file and the reason.
        """
        try:
            self._write(None)
        except AuditWriteError as error:
            if not isinstance(error.__cause__, LockTimeoutError):
                raise StorageError(str(error)) from error

    def tell(self, listener: Callable[[Exception], None]) -> None:
        """Have ``listener``, a bound method held weakly, hear of errors of the disk from now on.

        It hears of every event that :meth:`append` or :meth:`deliver` could not write, and with
        ``durability="interval"`` of failed syncs; in whatever thread they happen. It must not
        raise, and not write to the trail.
        """
        self._outcomes.listen(listener)

    def append(self, event: AuditEvent) -> Receipt:
        """Write one event, or say why not; nothing goes to the fallback.

        Raises:
            AuditEventError: its type is unknown and unknown types are refused.
            AuditSyncError: it is in the trail, but ``durability="fsync"`` was not reached.
            AuditWriteError: it is not in the trail; the next ``audit.gap`` counts it.
        """
        encoded = self._encode_counted(event)
        try:
            receipt = self._write(encoded)
        except AuditWriteError as error:
            self._lose(error, None)
            self._outcomes.count(error)
            raise
        self._outcomes.count(None)
        self._sync_written(receipt)
        return receipt

    def append_or_keep(self, event: AuditEvent) -> Receipt:
        """Write one event; one that fails goes to the fallback, and the error is raised as well.

        Raises:
            AuditEventError: its type is unknown and unknown types are refused.
            AuditSyncError: it is in the trail, but ``durability="fsync"`` was not reached.
            AuditWriteError: it is not in the trail; the message says where it is.
        """
        encoded = self._encode(event)
        try:
            receipt = self._write(encoded)
        except AuditWriteError as error:
            kept = self._keep(encoded, error)
            raise AuditWriteError(f"{error}; the event is in {kept or 'no file'}") from error
        self._sync_written(receipt)
        return receipt

    def deliver(self, event: AuditEvent) -> Receipt:
        """Write one event by the rule of ``on_error``: a sink has it, or the caller learns it.

        ``fallback``: one that fails goes to the fallback file, else stderr, and the receipt has no
        ``seq``. ``raise``: it raises. ``count``: it is counted, and the receipt has no ``seq``.

        Raises:
            AuditEventError: its type is unknown and unknown types are refused.
            AuditSyncError: it is in the trail, but ``durability="fsync"`` was not reached (with
                ``count`` only the ledger's ``last_error`` says so).
            AuditWriteError: it is in no sink.
        """
        encoded = self._encode_counted(event)
        try:
            receipt = self._write(encoded)
        except AuditWriteError as error:
            kept = None
            if self._on_error == "fallback":
                kept = self._keep(encoded, error)
            else:
                self._lose(error, None)
            self._outcomes.count(error)
            if self._on_error == "raise" or (self._on_error == "fallback" and kept is None):
                raise
            return Receipt(None, encoded.event_id, None)
        self._outcomes.count(None)
        try:
            self._sync_written(receipt)
        except AuditSyncError as error:
            self._outcomes.note(error)
            if self._on_error != "count":
                raise
        return receipt

    def statistics(self) -> HandlerStatistics:
        """Return what became of the events that :meth:`append` and :meth:`deliver` were given.

        In this process; :meth:`append_or_keep` leaves the counting to its caller.
        """
        return self._outcomes.ledger.snapshot()

    @property
    def bytes_written(self) -> int:
        """Bytes that this process has written to the trail."""
        return self._chain.bytes_written

    @property
    def losses(self) -> int:
        """Events of this process that are not in the chain and that no ``audit.gap`` has told."""
        return self._losses.total

    def take_losses(self, other: AuditTrail) -> None:
        """Have the next ``audit.gap`` tell what ``other``, of the same path and closed, has not."""
        self._losses.take(other._losses)

    def sync(self) -> None:
        """Push what is written to the disk.

        Raises:
            OSError: the disk could not take it.
        """
        if self._interval is not None:
            self._interval.take()
        with self._threads:
            if self._chain.descriptor < 0:
                return
            descriptor = os.dup(self._chain.descriptor)  # so that nobody waits for the disk
        try:
            sync_data(descriptor)
        except OSError:
            if self._interval is not None:
                self._interval.failed()
            raise
        finally:
            os.close(descriptor)

    def close(self) -> None:
        """Sync and release the files; events after that are refused. Idempotent.

        Raises:
            OSError: the last sync failed.
        """
        self._closed = True
        try:
            if self._durability != "write":
                self.sync()
        finally:
            if self._interval is not None:
                self._interval.stop()
            with self._threads:
                self._chain.forget()
                self._lock.close()

    def __enter__(self) -> AuditTrail:
        self.open()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        if not getattr(self, "_closed", True):  # the constructor may have failed
            try:
                self.close()
            except OSError:
                pass  # nobody is left to tell; the next writer of the file finds what is missing

    def after_fork_in_child(self) -> None:
        """Drop what belongs to the parent: its locks, its descriptor, its losses and counters."""
        self._threads = threading.RLock()
        self._writing = False
        self._losses = Losses()
        self._outcomes.reset()
        self._chain.bytes_written = 0
        if self._interval is not None:
            self._interval.after_fork_in_child()
        self._chain.forget()

    def _write(self, event: EncodedEvent | None) -> Receipt:
        timeout = lock_patience(self._lock_timeout)
        if not self._threads.acquire(timeout=timeout):
            raise AuditWriteError(
                f"{self.path}: another thread was writing for {timeout} s"
            ) from LockTimeoutError(self.path)
        try:
            if self._writing:
                raise AuditWriteError(f"{self.path}: written to from inside a write (re-entrant)")
            if self._closed:
                raise AuditWriteError(f"{self.path}: the trail is closed; open() it first")
            self._writing = True
            try:
                self._lock.acquire(timeout)
                try:
                    receipt = self._chain.append(event, self._losses)
                finally:
                    self._lock.release()
            except OSError as error:
                self._chain.forget()
                raise AuditWriteError(f"{self.path}: event not written: {error}") from error
            finally:
                self._writing = False
        finally:
            self._threads.release()
        return receipt

    def _sync_written(self, receipt: Receipt) -> None:
        if self._interval is not None:
            if self._interval.wrote():
                self._interval.sync_if_needed()
        elif self._durability == "fsync":
            try:
                self.sync()
            except OSError as error:
                raise AuditSyncError(
                    f"{self.path}: event {receipt.event_id} is in the chain as seq {receipt.seq}, "
                    f"but the disk did not confirm it: {error}; do not write it again"
                ) from error

    def _encode(self, event: AuditEvent) -> EncodedEvent:
        return self._encoder.encode(event, new_event_id(self._clock.time_ns()))

    def _encode_counted(self, event: AuditEvent) -> EncodedEvent:
        try:
            return self._encode(event)
        except AuditEventError as error:
            self._outcomes.count(error)
            raise

    def _not_synced(self, error: OSError) -> None:
        """Hear that what is written could not be pushed to the disk in its turn."""
        self._outcomes.note(AuditSyncError(f"{self.path}: written, but not synced: {error}"))

    def _lose(self, error: AuditWriteError, place: str | None) -> None:
        self._losses.add(failure_reason(error).lower(), place, self._clock.time_ns())

    def _keep(self, event: EncodedEvent, error: AuditWriteError) -> str | None:
        problem = f"not_in_chain: {failure_reason(error).lower()}"
        line = unchained_line(event, self._clock.time_ns() // 1000, problem)
        kept = keep_aside(self.fallback_path, line)
        self._lose(error, "fallback" if kept == self.fallback_path else kept)
        return kept
