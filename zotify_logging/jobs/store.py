"""Writes batches of entries into the job log: one transaction each, every line once."""

from __future__ import annotations

import os
import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import Engine, MetaData
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ..clock import SYSTEM_CLOCK, Clock
from ..exceptions import JobLogError, TransientError
from ..forks import on_fork
from ..records import LogEntry
from .changes import UID, JobChange, LineMaker, is_tick
from .dropped_records import DroppedRecords
from .engine import forget_connections, open_engine, shown_url, sqlite_path
from .fork_guard import ForkGuard
from .job_rows import JobRows
from .marks import read_marks
from .schema import check_schema, ensure_schema
from .tables import build_tables
from .turns import Turns
from .uids import UidMaker

__all__ = ["JobLogStore"]

_KNOWN_JOBS = 1_000
"""Jobs whose status is remembered, to tell a tick from a change of status."""


class JobLogStore:
    """The writing end of one job log.

    Guarantees: :meth:`write` is one transaction, so a batch is there whole or not at all; ``seq``
    of a job comes from its row, locked by the same transaction, so that it has no holes and a
    reader never passes over a line that commits late; a batch written again after an ambiguous
    commit leaves every line once. What ``write`` returned for survives the process (SQLite: not
    necessarily a power loss, as WAL with ``synchronous=NORMAL`` has it). One thread writes at a
    time; before a fork the connection is closed (see ``fork_guard``), parent and child open their
    own.

    Args:
        url: SQLAlchemy URL.
        schema: schema of the tables.
        table_prefix: put before each table's name.
        auto_create: make missing tables; otherwise their shape is only checked.
        max_message_bytes: UTF-8 bytes of a message, a traceback or the fields; more is cut.
        default_job_id: job of entries that name none; without it they are passed over.
        file_mode: of a SQLite file made here.
        owner: whose option the URL is, for messages.
        clock: time of notices.

    Raises:
        ConfigurationError: the URL cannot be used.
    """

    def __init__(
        self,
        url: str,
        *,
        schema: str | None = None,
        table_prefix: str = "",
        auto_create: bool = True,
        max_message_bytes: int = 65_536,
        default_job_id: str | None = None,
        file_mode: int = 0o640,
        owner: str = "JobLogStore",
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._url = url
        self._owner = owner
        self._schema = schema
        self._prefix = table_prefix
        self._auto_create = auto_create
        self._file_mode = file_mode
        self._default = default_job_id
        self._clock = clock
        self._engine = self._make_engine()
        self._guard = ForkGuard(_closer(self))
        self._turns = Turns(sqlite_path(self._engine), file_mode)
        self._file: tuple[int, int] | None = None
        self._ready = False
        self._make = LineMaker(max_message_bytes)
        self._uids = UidMaker()
        # The ids given to a batch whose commit may or may not have happened.
        self._unsure: dict[int, tuple[LogEntry, str]] = {}
        self._status: OrderedDict[str, str] = OrderedDict()
        self._dropped = DroppedRecords()
        self._tables = build_tables(MetaData(), schema, table_prefix)
        self._rows = JobRows(self._tables, self._engine, clock)
        on_fork(self)

    @property
    def engine(self) -> Engine:
        """The store's own engine."""
        return self._engine

    def open(self) -> None:
        """Connect, and make or check the tables; done by the first :meth:`write` otherwise.

        Raises:
            JobLogUnavailableError: the database does not answer.
            SchemaMismatchError: a table of our name is missing or has another shape.
        """
        with self._guard:
            if self._auto_create:
                ensure_schema(self._engine, schema=self._schema, table_prefix=self._prefix)
            else:
                check_schema(self._engine, self._tables)
            self._file = self._identity()
            self._ready = True

    def ping(self) -> None:
        """Check that the database answers and has our tables.

        Raises:
            JobLogError: it does not; the message names place and cure.
        """
        self.open()

    def write(self, entries: Sequence[LogEntry]) -> int:
        """Store the entries in one transaction.

        Returns:
            How many lines of the store's own (notices of dropped records) were added.

        Raises:
            TransientError: the database is away or busy; call again with the same entries.
            JobIdError: an entry has no valid job id.
            sqlalchemy.exc.SQLAlchemyError: the database cannot take one of these entries.
        """
        dropped = self._dropped.take()
        try:
            unsure = bool(self._unsure)
            changes = self._gather(entries)
            # The lines are made before the file is locked: others wait for our turn to end.
            with self._turns.taken(), self._guard:
                self._connect()
                if unsure:
                    self._leave_out_stored(changes)
                notices = self._note_dropped(changes, dropped)
                self._rows.commit(self._engine, changes)
        except BaseException as error:
            self._dropped.give_back(dropped)
            if isinstance(error, (DataError, IntegrityError)):
                self._unsure.clear()  # rolled back for certain
                if len(entries) == 1:
                    self._place_holder(entries[0], error)
                raise
            if isinstance(error, (DBAPIError, PoolTimeoutError)):
                self._ready = False  # the table may be what is missing
                raise TransientError(
                    f"job log at {shown_url(self._engine.url)}: {getattr(error, 'orig', error)}"
                ) from error
            raise
        self._unsure.clear()
        for job_id, change in changes.items():
            if change.status is not None:
                self._remember(job_id, change.status)
        return notices

    def signs_of_life(self) -> int:
        """Return a number that changes while anybody's lines are stored; safe from any thread."""
        return self._turns.latest()

    def note_dropped(self, entry: LogEntry) -> None:
        """Remember that a record of a job was given up; the next batch says so in the job.

        Cheap, and safe from any thread.
        """
        try:
            marks = read_marks(entry, self._default)
        except JobLogError:
            return
        if marks is None:
            return
        self._dropped.note(marks.job_id)

    def close(self, *, notices: bool = True) -> None:
        """Close the connections; writing on opens new ones.

        Args:
            notices: first write what is still to be said about dropped records. ``False`` where
                another thread may be stuck in :meth:`write`, which this would wait for.
        """
        try:
            if notices and self._ready and self._dropped:
                self.write(())
        except (TransientError, SQLAlchemyError):
            pass  # the ledger has counted them; the database is away
        finally:
            self._engine.dispose()
            if notices:
                self._turns.close()

    def after_fork_in_child(self) -> None:
        """Leave the parent's connection alone, and never repeat its ids."""
        forget_connections(self._engine)
        self._uids.reseed()
        self._unsure = {}
        self._dropped = DroppedRecords()

    # Inside

    def _make_engine(self) -> Engine:
        return open_engine(self._url, owner=self._owner, file_mode=self._file_mode)

    def _identity(self) -> tuple[int, int] | None:
        path = sqlite_path(self._engine)
        if path is None:
            return None
        try:
            found = os.stat(path)
        except OSError:
            return None
        return found.st_dev, found.st_ino

    def _connect(self) -> None:
        try:
            self._reconnect_if_replaced()
            if not self._ready:
                self.open()
        except JobLogError as error:
            raise TransientError(str(error)) from error

    def _reconnect_if_replaced(self) -> None:
        """A SQLite file removed or replaced would take lines that nobody can read again."""
        if self._ready and self._file is not None and self._identity() != self._file:
            self._ready = False
            self._engine.dispose()
            self._engine = self._make_engine()

    def _gather(self, entries: Sequence[LogEntry]) -> dict[str, JobChange]:
        changes: dict[str, JobChange] = {}
        uids = {}
        for entry in entries:
            marks = read_marks(entry, self._default)
            if marks is None:
                continue
            change = changes.get(marks.job_id)
            if change is None:
                change = changes[marks.job_id] = JobChange(marks.job_id)
            created_us = entry.created_ns // 1000
            tick = is_tick(entry, marks, change.status or self._status.get(marks.job_id))
            change.mark(marks, created_us)
            if tick:
                continue
            known = self._unsure.get(id(entry))
            uid = known[1] if known else self._uids.make(entry.created_ns)
            uids[id(entry)] = (entry, uid)
            line = self._make.line(entry, marks, uid, created_us)
            change.add(line, entry.level_no, created_us)
        self._unsure.update(uids)
        return changes

    def _leave_out_stored(self, changes: dict[str, JobChange]) -> None:
        """A commit that broke off may have happened: keep only the lines that did not arrive."""
        uids = [str(line[UID]) for change in changes.values() for line in change.lines]
        stored = self._rows.stored(self._engine, uids)
        if not stored:
            return
        # One transaction holds a whole batch: what one of its lines says holds for the others.
        for change in changes.values():
            change.lines = [line for line in change.lines if line[UID] not in stored]
            if not change.lines:
                change.warnings = change.errors = 0

    def _note_dropped(self, changes: dict[str, JobChange], dropped: Mapping[str, int]) -> int:
        now_us = self._clock.time_ns() // 1000
        for job_id, count in dropped.items():
            change = changes.setdefault(job_id, JobChange(job_id))
            change.dropped += count
            text = (
                f"{count} record{'s' if count != 1 else ''} of this job dropped: the queue was full"
            )
            uid = self._uids.make(now_us * 1000)
            change.add(self._make.notice(job_id, change.attempt, uid, now_us, text), 0, now_us)
        return len(dropped)

    def _place_holder(self, entry: LogEntry, error: Exception) -> None:
        """Say in the job that a line is missing here, as the database would not have it."""
        marks = read_marks(entry, self._default)
        if marks is None:
            return
        created_us = entry.created_ns // 1000
        text = f"a record of {entry.logger!a:.100} could not be stored: {type(error).__name__}"
        uid = self._uids.make(entry.created_ns)
        change = JobChange(marks.job_id)
        line = self._make.notice(marks.job_id, marks.attempt, uid, created_us, text)
        change.add(line, 0, created_us)
        try:
            with self._guard:
                self._rows.commit(self._engine, {marks.job_id: change})
        except DBAPIError:
            pass  # the entry's own error is raised and counted

    def _remember(self, job_id: str, status: str) -> None:
        self._status[job_id] = status
        self._status.move_to_end(job_id)
        if len(self._status) > _KNOWN_JOBS:
            self._status.popitem(last=False)


def _closer(store: JobLogStore) -> Callable[[], None]:
    """Return what closes the store's connections, without keeping the store alive."""
    weak = weakref.ref(store)

    def close() -> None:
        alive = weak()
        if alive is not None:
            alive._engine.dispose()

    return close
