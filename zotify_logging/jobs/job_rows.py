"""The rows of a job log as one transaction changes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain

from sqlalchemy import Connection, Engine, bindparam, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.sql.elements import ColumnElement

from ..clock import Clock
from .changes import LINE_COLUMNS, SEQ, JobChange, Line
from .marks import CLOSING_STATUSES
from .tables import JobTables

__all__ = ["JobRows"]

_UIDS_AT_ONCE = 500  # databases bound the parameters of one statement

# Lines of one INSERT into SQLite, which took 999 parameters at most before version 3.32.
_LINES_AT_ONCE = (60, 12, 3, 1)


class JobRows:
    """Jobs and their lines, in the tables of one job log.

    Holds no connection. Every engine it is given must be of the first one's dialect.

    Args:
        tables: of the job log.
        engine: whose dialect the statements are made for.
        clock: time at which a job is created.
    """

    def __init__(self, tables: JobTables, engine: Engine, clock: Clock) -> None:
        self._tables = tables
        self._clock = clock
        statement = insert(tables.lines).compile(
            dialect=engine.dialect, column_keys=list(LINE_COLUMNS)
        )
        # Run by the driver itself: Core's own executemany costs twice the insert on SQLite.
        self._insert = str(statement)
        self._named = not statement.positional
        self._several = engine.dialect.name == "sqlite"
        head, word, group = self._insert.partition(" VALUES ")
        self._inserts = [
            (count, head + word + ", ".join([group] * count)) for count in _LINES_AT_ONCE
        ]

    def stored(self, engine: Engine, uids: Iterable[str]) -> set[str]:
        """Return which of these lines are there."""
        column = self._tables.lines.c.uid
        wanted = list(uids)
        found: set[str] = set()
        if not wanted:
            return found
        with engine.begin() as connection:
            for start in range(0, len(wanted), _UIDS_AT_ONCE):
                some = wanted[start : start + _UIDS_AT_ONCE]
                found.update(connection.scalars(select(column).where(column.in_(some))))
        return found

    def commit(self, engine: Engine, changes: Mapping[str, JobChange]) -> None:
        """Store all changes in one transaction, and give their lines the next ``seq`` of each job.

        Raises:
            sqlalchemy.exc.SQLAlchemyError: nothing is stored, unless the commit itself broke off.
        """
        if not changes:
            return
        with engine.begin() as connection:
            lines: list[Line] = []
            for job_id in sorted(changes):  # one order for all writers: no deadlock
                change = changes[job_id]
                first = self._advance(connection, change)
                for seq, line in enumerate(change.lines, first):
                    line[SEQ] = seq
                lines += change.lines
            if lines:
                self._insert_lines(connection, lines)

    def _insert_lines(self, connection: Connection, lines: Sequence[Line]) -> None:
        if self._named:
            connection.exec_driver_sql(
                self._insert, [dict(zip(LINE_COLUMNS, line, strict=True)) for line in lines]
            )
            return
        if not self._several:
            connection.exec_driver_sql(self._insert, [tuple(line) for line in lines])
            return
        # The driver lets go of the interpreter for each statement, and a busy thread of the
        # application keeps it for 5 ms each time: with a statement per line, this transaction
        # would hold the file's write lock for seconds.
        start = 0
        for count, statement in self._inserts:
            while len(lines) - start >= count:
                part = lines[start : start + count]
                connection.exec_driver_sql(statement, tuple(chain.from_iterable(part)))
                start += count

    def _advance(self, connection: Connection, change: JobChange) -> int:
        """Update the job's row, which locks it, and return the ``seq`` of its first new line."""
        jobs = self._tables.jobs
        values: dict[str, object] = {
            "last_seq": jobs.c.last_seq + len(change.lines),
            "warn_count": jobs.c.warn_count + change.warnings,
            "error_count": jobs.c.error_count + change.errors,
            "dropped_count": jobs.c.dropped_count + change.dropped,
            "attempt": _greater(jobs.c.attempt, change.attempt),
        }
        if change.job_type is not None:
            values["job_type"] = change.job_type
        if change.progress is not None:
            values["progress"] = change.progress
        if change.status is not None:
            values["status"] = change.status
            closing = change.status in CLOSING_STATUSES
            values["closed_us"] = change.status_us if closing else None
        if change.first_us is not None and change.last_us is not None:
            values["first_us"] = func.coalesce(jobs.c.first_us, change.first_us)
            values["last_us"] = _greater(func.coalesce(jobs.c.last_us, 0), change.last_us)
        statement = update(jobs).where(jobs.c.job_id == bindparam("of_job")).values(values)
        if not connection.execute(statement, {"of_job": change.job_id}).rowcount:
            try:
                with connection.begin_nested():
                    connection.execute(insert(jobs).values(self._new_job(change.job_id)))
            except IntegrityError:
                pass  # another process was first
            connection.execute(statement, {"of_job": change.job_id})
        last = connection.scalar(select(jobs.c.last_seq).where(jobs.c.job_id == change.job_id))
        return int(last or 0) - len(change.lines) + 1

    def _new_job(self, job_id: str) -> dict[str, object]:
        return {
            "job_id": job_id,
            "status": "running",
            "last_seq": 0,
            "attempt": 1,
            "warn_count": 0,
            "error_count": 0,
            "dropped_count": 0,
            "created_us": self._clock.time_ns() // 1000,
        }


def _greater(column: ColumnElement[int], value: int) -> ColumnElement[int]:
    return case((column < value, value), else_=column)
