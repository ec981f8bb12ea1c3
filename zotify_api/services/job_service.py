"""Runs jobs in threads: one of a type at a time, each line under its job id, each end recorded."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from zotify_api.db.job_table import JobTable
from zotify_api.models.job import Job
from zotify_api.services.job_lock_service import JobLock
from zotify_logging import audit_event, job_context, wrap
from zotify_logging.exceptions import AuditError

__all__ = ["JobCancelledError", "JobHandle", "JobRunningError", "JobService"]

_logger = logging.getLogger("zotify_api.jobs")


class JobCancelledError(Exception):
    """Raised inside a job's work when it should end."""


class JobRunningError(Exception):
    """A job of that type is active already."""


class LogFlusher(Protocol):
    """Pushes queued log lines into their sinks."""

    def flush(self, timeout: float | None = None) -> bool:
        """Return whether all was written within ``timeout`` seconds."""


class JobHandle:
    """What a job's work sees of its own job; used by the job's thread alone."""

    def __init__(self, job_id: str, table: JobTable) -> None:
        self.job_id = job_id
        self.cancel = threading.Event()
        self.found = self.stored = self.failed = 0
        self._table = table
        self._saved_at = 0.0

    def check(self) -> None:
        """Raise :class:`JobCancelledError` when the job should end."""
        if self.cancel.is_set():
            raise JobCancelledError

    def advance(self, progress: float, *, save: bool = False) -> None:
        """Record progress in per cent and the counts; saved at most once a second."""
        now = time.monotonic()
        if save or now - self._saved_at >= 1.0:
            self._saved_at = now
            self._table.advance(self.job_id, progress, self.found, self.stored, self.failed)
            # Moves the job's progress in the job log, where it is no line of its own.
            _logger.info("%.0f %%", progress, extra={"progress": progress})


Work = Callable[[JobHandle], str]
"""Does a job and returns one sentence about its result."""


class JobService:
    """Starts jobs, knows the running ones, and ends them at shutdown; thread-safe.

    Args:
        table: the jobs' rows.
        run_dir: folder for lock files of running jobs.
        logs: used to have a job's first line stored before its id is given out.
    """

    def __init__(self, table: JobTable, run_dir: Path, logs: LogFlusher) -> None:
        self._table = table
        self._run_dir = run_dir
        self._logs = logs
        self._lock = threading.Lock()
        self._running: dict[str, tuple[JobHandle, threading.Thread]] = {}
        self._closed = False

    def start(self, job_type: str, work: Work) -> str:
        """Create the job's row, start its thread and return its id.

        The row and the first line are stored before this returns (the line within 2 seconds, or
        later if the job-log database is away).

        Raises:
            JobRunningError: one of this type is active, here or in another process.
        """
        begun = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        job_id = f"{job_type}-{begun}-{secrets.token_hex(4)}"
        lock = JobLock(self._run_dir, job_id)
        lock.take()
        created = False
        try:
            created = not self._closed and self._table.create(job_id, job_type)
        finally:
            if not created:
                lock.release()
        if not created:
            raise JobRunningError(f"a {job_type} job is running already")
        with job_context(job_id, job_type=job_type):
            _logger.info("%s queued", job_type, extra={"status": "queued", "progress": 0.0})
            self._logs.flush(2.0)
            self._audit("job.start", job_id, job_type, "success")
            handle = JobHandle(job_id, self._table)
            thread = threading.Thread(
                target=wrap(self._run),
                args=(handle, job_type, work, lock),
                name=job_id,
                daemon=True,
            )
            with self._lock:
                self._running[job_id] = (handle, thread)
            thread.start()
        return job_id

    def get(self, job_id: str) -> Job | None:
        """Return a job's state."""
        return self._table.get(job_id)

    def mark_lost(self) -> None:
        """Close jobs whose process is gone without having closed them."""
        for job in self._table.active():
            lock = JobLock(self._run_dir, job.job_id)
            if not lock.take():
                continue
            reason = "the process that ran this job is gone"
            if self._table.end(job.job_id, "lost", reason):
                with job_context(job.job_id, job_type=job.type):
                    _logger.error("%s lost: %s", job.type, reason, extra={"status": "lost"})
                self._audit("job.fail", job.job_id, job.type, "failure", reason)
            lock.release()

    def shutdown(self, timeout: float) -> None:
        """Cancel all jobs; one that does not stop in ``timeout`` seconds is closed from here."""
        self._closed = True
        deadline = time.monotonic() + timeout
        with self._lock:
            running = list(self._running.values())
        for handle, _ in running:
            handle.cancel.set()
        for handle, thread in running:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                job_type = handle.job_id.partition("-")[0]
                with job_context(handle.job_id, job_type=job_type):
                    self._end(handle, job_type, "cancelled", "cancelled at shutdown")

    def _run(self, handle: JobHandle, job_type: str, work: Work, lock: JobLock) -> None:
        try:
            self._table.start(handle.job_id)
            _logger.info("%s started", job_type, extra={"status": "running", "progress": 0.0})
            status, said = "finished", work(handle)
            handle.advance(100.0, save=True)
        except JobCancelledError:
            status, said = "cancelled", "cancelled"
        except Exception as error:
            _logger.exception("%s broke off", job_type)
            status, said = "failed", f"{type(error).__name__}: {error}"
        try:
            self._end(handle, job_type, status, said)
        finally:
            with self._lock:
                self._running.pop(handle.job_id, None)
            lock.release()

    def _end(self, handle: JobHandle, job_type: str, status: str, said: str) -> None:
        try:
            closed = self._table.end(handle.job_id, status, said if status == "failed" else None)
        except SQLAlchemyError:
            # The lines below still tell the end; the row becomes `lost` at the next start.
            _logger.exception("the end of %s could not be stored", handle.job_id)
            closed = True
        if not closed:
            return
        level = logging.ERROR if status == "failed" else logging.INFO
        extra: dict[str, object] = {"status": status}
        if status == "finished":
            extra["progress"] = 100.0
        _logger.log(level, "%s %s: %s", job_type, status, said, extra=extra)
        event, outcome = {
            "finished": ("job.finish", "success"),
            "cancelled": ("job.cancel", "success"),
        }.get(status, ("job.fail", "failure"))
        reason = said if status == "failed" else None
        counts = {"found": handle.found, "stored": handle.stored, "failed": handle.failed}
        self._audit(event, handle.job_id, job_type, outcome, reason, counts)

    @staticmethod
    def _audit(
        event: str,
        job_id: str,
        job_type: str,
        outcome: str,
        reason: str | None = None,
        counts: dict[str, int] | None = None,
    ) -> None:
        details: dict[str, object] = {"job_id": job_id, "job_type": job_type, **(counts or {})}
        try:
            audit_event(
                event,
                target=("job", job_id),
                outcome=outcome,
                reason=reason,
                details=details,
            )
        except AuditError:
            _logger.exception("%s could not be written to the audit trail", event)
