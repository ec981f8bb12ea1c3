"""Every log line of a long-running job, in a database, under the job's id."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Unpack

from ..context import check_job_id, current_context
from ..exceptions import (
    ConfigurationError,
    JobIdError,
    JobLogUnavailableError,
    MissingDependencyError,
    OptionError,
)
from ..jobs.marks import job_id_of
from ..options import OptionReader
from ..records import LogEntry, carried_field
from .base import BaseLogHandler, HandlerOptions
from .error_ring import report
from .sink_handler import POISON

if TYPE_CHECKING:
    from ..jobs.store import JobLogStore

__all__ = ["DatabaseJobLogHandler"]

_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,39}", re.ASCII)


class DatabaseJobLogHandler(BaseLogHandler):
    """Stores records that belong to a job as rows of ``job_logs``; one handler serves all jobs.

    A record's job is named by ``extra={"job_id": …}``, else by ``job_context(…)``, else by the
    handler's ``job_id``; records of no job are counted as ``ignored``. An id outside 1 to 255
    characters, or with ``/``, is counted as ``failed{job_id}`` and reported.

    ``extra={"status": "finished"}`` sets the job's status (queued, running, finished, failed,
    cancelled, lost; the last four close it) and is a line like any other.
    ``extra={"progress": 42.0}`` on a record below WARNING, without an exception or a change of
    status, moves the job's progress and is *not* a line.

    Guarantees: the caller never waits for the database, but for room in a full queue, and gives up
    once the database has taken nothing for 0.25 s (from several processes that share a SQLite
    file: nothing from any of them, or nothing from this one for 5 s). Rows are committed in
    batches in the order of logging, each once, with a ``seq`` per job that has no holes. A database
    that is away is tried again for ever. Lost to ``kill -9``: what was logged since the latest
    commit, ``flush_interval`` seconds or a full queue at most; :meth:`flush` bounds it. A full
    queue drops records, counts them in the job's ``dropped_count`` and says so in a line of the
    job.

    Args:
        url: SQLAlchemy URL of the database; a SQLite file and its folder are made if missing.
        table_prefix: put before each table's name.
        schema: schema of the tables, where the database has schemas.
        auto_create: make missing tables at start.
        durability: ``async``, as described above. ``spool`` is not available yet.
        on_missing_job: for records without a job id: ``ignore`` them, ``warn`` on stderr (at most
            once in 30 s), or ``raise`` JobIdError into the caller, which also holds for wrong ids.
        max_message_bytes: UTF-8 bytes of a message; a longer one is cut in its middle and says so.
        job_id: job of records that name none.
        options: see :class:`~zotify_logging.handlers.base.HandlerOptions`.

    Raises:
        OptionError: wrong options, all at once, or a database that cannot be used as asked.
        MissingDependencyError: SQLAlchemy or the driver is not installed.
        SchemaMismatchError: a table of our name has another shape.
    """

    default_delivery = "queued"
    selection = "records of a job"
    gap_entries = False  # each job that lost lines has a notice of its own

    def __init__(
        self,
        url: str = "sqlite:///logs/job_logs.db",
        *,
        table_prefix: str = "",
        schema: str | None = None,
        auto_create: bool = True,
        durability: str = "async",
        on_missing_job: str = "ignore",
        max_message_bytes: int | str = 65_536,
        job_id: str | None = None,
        **options: Unpack[HandlerOptions],
    ) -> None:
        reader = OptionReader(type(self).__name__)
        address = reader.text("url", url) or ""
        prefix = _read_identifier(reader, "table_prefix", table_prefix or None) or ""
        in_schema = _read_identifier(reader, "schema", schema)
        create = reader.boolean("auto_create", auto_create)
        if durability == "spool":
            reader.known("durability")
            reader.problem("durability", "'spool' is not available yet; use 'async'")
        else:
            reader.choice("durability", durability, ("async",))
        self._on_missing = reader.choice(
            "on_missing_job", on_missing_job, ("ignore", "warn", "raise")
        )
        max_bytes = reader.size("max_message_bytes", max_message_bytes, minimum=256)
        self._job_id = reader.text("job_id", job_id, optional=True)
        if self._job_id is not None:
            try:
                check_job_id(self._job_id)
            except JobIdError as error:
                reader.problem("job_id", str(error))
        super().__init__(reader=reader, **options)
        self._store = self._make_store(address, in_schema, prefix, create, max_bytes)
        self.open()

    def open(self) -> None:
        """Connect, and make or check the tables.

        A database server that does not answer is no reason to keep an application from starting:
        its handler keeps what is logged and goes on trying.

        Raises:
            OptionError: the SQLite file cannot be used.
            SchemaMismatchError: a table of our name has another shape.
        """
        if self._worker is not None:
            self._worker.on_drop = self._store.note_dropped
            self._worker.signs_of_life = self._store.signs_of_life
        try:
            self._store.open()
        except JobLogUnavailableError as error:
            if self._store.engine.dialect.name == "sqlite":
                raise OptionError([f"{self._label()}.url: {error}"]) from error
            report(self._label(), str(error))
        except BaseException:
            self._store.close(notices=False)  # the constructor fails: leave no connection behind
            raise

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record of a job.

        Raises:
            JobIdError: the record has no job id, or a wrong one, and ``on_missing_job="raise"``.
        """
        if not self.enabled:
            super().emit(record)
            return
        try:
            job_id = job_id_of(carried_field(record, "job_id"), current_context(), self._job_id)
        except JobIdError as error:
            with self.ledger.lock:
                self.ledger.accept()
                self.ledger.fail("job_id", error=error)
            if self._on_missing == "raise":
                raise
            self.handleError(record)
            return
        if job_id is None:
            self.ledger.ignore()
            self._missing(record)
            return
        super().emit(record)

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Store the entries in one transaction.

        Raises:
            TransientError: the database is away or busy.
            Exception: the database cannot take one of these entries.
        """
        notices = self._store.write(entries)
        with self.ledger.lock:
            self.ledger.internal += notices
            self.ledger.bytes += sum(len(entry.message) for entry in entries)

    def reason_of(self, error: BaseException) -> str:
        """Name an error for the ledger: ``poison`` where the database refuses this one row."""
        return super().reason_of(error) if isinstance(error, OSError) else POISON

    def release_sink(self) -> None:
        """Say what was dropped, then close the database connection."""
        if hasattr(self, "_store"):  # else the constructor failed, and logging closes what it made
            self._store.close(notices="shutdown" not in self.ledger.dropped)

    def ping(self) -> None:
        """Check that the database answers and has our tables.

        Raises:
            JobLogError: it does not; names place and cure.
        """
        self._store.ping()

    def _make_store(
        self, url: str, schema: str | None, prefix: str, auto_create: bool, max_bytes: int
    ) -> JobLogStore:
        try:
            from ..jobs.store import JobLogStore  # the one place that needs SQLAlchemy
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != "sqlalchemy":
                raise
            raise MissingDependencyError(type(self).__name__, "SQLAlchemy", "jobs") from error
        try:
            return JobLogStore(
                url,
                schema=schema,
                table_prefix=prefix,
                auto_create=auto_create,
                max_message_bytes=max_bytes,
                default_job_id=self._job_id,
                file_mode=self.file_mode,
                owner=type(self).__name__,
            )
        except ConfigurationError as error:
            raise OptionError(error.problems) from error

    def _missing(self, record: logging.LogRecord) -> None:
        if self._on_missing == "ignore":
            return
        text = (
            f"a record of logger {record.name!a:.100} names no job; log it inside job_context(…) or"
            " with extra={'job_id': …}, or attach the handler to the jobs' loggers only"
        )
        if self._on_missing == "raise":
            raise JobIdError(text)
        report(self._label(), text)


def _read_identifier(reader: OptionReader, name: str, value: object) -> str | None:
    text = reader.text(name, value, optional=True)
    if text is not None and not _IDENTIFIER.fullmatch(text):
        reader.problem(
            name, f"{text!r} is not a name of letters, digits and _, up to 40 characters"
        )
    return text
