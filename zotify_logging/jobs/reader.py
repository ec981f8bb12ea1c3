"""Reads the job log by keyset, in short transactions: any depth costs the same."""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from sqlalchemy import Connection, Engine, MetaData, Select, func, select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from ..exceptions import JobLogUnavailableError, ParameterError, UnknownJobError
from ..forks import on_fork
from ..sanitizing import storable
from .engine import forget_connections, open_engine, shown_url, sqlite_path
from .lines import JobLine, JobList, JobPage, JobRow
from .tables import build_tables

__all__ = ["MAX_PAGE", "JobLogReader"]

MAX_PAGE = 10_000
"""Lines in one page, at most."""


class JobLogReader:
    """The reading end of one job log; usable from any number of threads.

    Every call opens a transaction of its own and has closed it when it returns or yields. A forked
    child connects anew. Nothing is ever created: a SQLite file that is missing is an error. A
    reader that nobody holds any more closes its connections, in whichever thread that happens.

    Args:
        source: SQLAlchemy URL, or an engine that stays its owner's to dispose.
        schema: schema of the tables.
        table_prefix: put before each table's name.

    Raises:
        ConfigurationError: the URL cannot be used.
    """

    def __init__(
        self, source: str | Engine, *, schema: str | None = None, table_prefix: str = ""
    ) -> None:
        self._own = isinstance(source, str)
        self._engine = (
            open_engine(source, owner="JobLogReader", writing=False)
            if isinstance(source, str)
            else source
        )
        self._tables = build_tables(MetaData(), schema, table_prefix)
        self._file: tuple[int, int] | None = None
        jobs, lines = self._tables
        self._jobs = select(*(jobs.c[name] for name in JobRow.__slots__))
        self._lines = select(
            *(lines.c["extra" if name == "extra_json" else name] for name in JobLine.__slots__)
        )
        if self._own:
            self._end = weakref.finalize(self, _close_pool, self._engine, os.getpid())
        on_fork(self)

    def close(self) -> None:
        """Close the connections, if the reader opened them; reading on opens new ones."""
        if self._own:
            self._engine.dispose()

    def after_fork_in_child(self) -> None:
        """Leave the parent's connections alone."""
        if self._own:
            forget_connections(self._engine)
            self._end.detach()
            self._end = weakref.finalize(self, _close_pool, self._engine, os.getpid())

    def job(self, job_id: str) -> JobRow | None:
        """Return the job, or ``None`` if nothing was ever logged under that id.

        Raises:
            JobLogUnavailableError: the database does not answer.
        """
        with self._connection() as connection:
            return self._job(connection, job_id)

    def jobs(
        self,
        *,
        limit: int = 100,
        after: tuple[int, str] | None = None,
        status: str | None = None,
        job_type: str | None = None,
    ) -> JobList:
        """Return jobs, newest first.

        Args:
            limit: jobs at most, 1 to 10,000.
            after: ``next_after`` of the page before.
            status: only jobs of that status.
            job_type: only jobs of that type.

        Raises:
            JobLogUnavailableError: the database does not answer.
            ParameterError: ``limit`` is out of range.
        """
        _check_limit(limit)
        jobs = self._tables.jobs.c
        query = self._jobs.order_by(jobs.created_us.desc(), jobs.job_id.desc()).limit(limit + 1)
        if after is not None:
            created_us, job_id = after
            query = query.where(
                (jobs.created_us < created_us)
                | ((jobs.created_us == created_us) & (jobs.job_id < job_id))
            )
        if status is not None:
            query = query.where(jobs.status == status)
        if job_type is not None:
            query = query.where(jobs.job_type == storable(job_type))
        with self._connection() as connection:
            found = [JobRow(*row) for row in connection.execute(query)]
        items = found[:limit]
        more = len(found) > limit
        return JobList(items, (items[-1].created_us, items[-1].job_id) if more else None)

    def page(
        self,
        job_id: str,
        *,
        after: int = 0,
        before: int | None = None,
        limit: int = 1_000,
        level_no: int = 0,
        since_us: int | None = None,
        until_us: int | None = None,
        logger: str | None = None,
        q: str | None = None,
        attempt: int | None = None,
        order: Literal["asc", "desc"] = "asc",
    ) -> JobPage:
        """Return one page of a job's lines, and the job as it was at that moment.

        Args:
            job_id: the job.
            after: only lines past this ``seq``.
            before: only lines ahead of this ``seq``.
            limit: lines at most, 1 to 10,000.
            level_no: least level, as a number.
            since_us: only from this time on, epoch microseconds.
            until_us: only before this time, epoch microseconds.
            logger: this logger and those below it.
            q: literal text in the message, whatever its case (SQLite: of ASCII letters only).
            attempt: only lines of this attempt.
            order: by ``seq``, ``asc`` or ``desc``.

        Raises:
            UnknownJobError: nothing was ever logged under that id.
            JobLogUnavailableError: the database does not answer.
            ParameterError: ``limit`` is out of range.
        """
        _check_limit(limit)
        lines = self._tables.lines.c
        query = self._lines.where(lines.job_id == storable(job_id), lines.seq > after)
        query = query.order_by(lines.seq.desc() if order == "desc" else lines.seq)
        if before is not None:
            query = query.where(lines.seq < before)
        if level_no > 0:
            query = query.where(lines.level_no >= level_no)
        if since_us is not None:
            query = query.where(lines.created_us >= since_us)
        if until_us is not None:
            query = query.where(lines.created_us < until_us)
        if attempt is not None:
            query = query.where(lines.attempt == attempt)
        if logger:
            name = storable(logger)
            # Not LIKE, which ignores the case of ASCII in SQLite.
            below = func.substr(lines.logger, 1, len(name) + 1) == f"{name}."
            query = query.where((lines.logger == name) | below)
        if q:
            query = query.where(lines.message.icontains(storable(q), autoescape=True))
        return self._read(job_id, query.limit(limit + 1), limit, after, before, order)

    def lines(
        self,
        job_id: str,
        *,
        after: int = 0,
        limit: int | None = None,
        level_no: int = 0,
        since_us: int | None = None,
        until_us: int | None = None,
        logger: str | None = None,
        q: str | None = None,
        attempt: int | None = None,
        batch: int = 1_000,
    ) -> Iterator[JobLine]:
        """Yield a job's lines, oldest first, however many: one page in memory at a time.

        Lines that are logged meanwhile are part of it. Arguments as in :meth:`page`; ``limit``
        ``None`` is all, ``batch`` is the lines read at once.

        Raises:
            UnknownJobError: nothing was ever logged under that id.
            JobLogUnavailableError: the database does not answer, be it half-way.
        """
        left = limit
        while left is None or left > 0:
            page = self.page(
                job_id,
                after=after,
                limit=batch if left is None else min(batch, left),
                level_no=level_no,
                since_us=since_us,
                until_us=until_us,
                logger=logger,
                q=q,
                attempt=attempt,
            )
            yield from page.items
            if not page.has_more:
                return
            after = page.next_after
            if left is not None:
                left -= len(page.items)

    # Inside

    def _read(
        self,
        job_id: str,
        query: Select[Any],
        limit: int,
        after: int,
        before: int | None,
        order: str,
    ) -> JobPage:
        with self._connection() as connection:
            job = self._job(connection, job_id)
            if job is None:
                raise UnknownJobError(f"no job {job_id!r:.300}")
            found = [JobLine(*row) for row in connection.execute(query)]
        items = found[:limit]
        if items:
            position = items[-1].seq
        else:
            position = after if order == "asc" or before is None else before
        return JobPage(job, items, position, len(found) > limit)

    def _job(self, connection: Connection, job_id: str) -> JobRow | None:
        query = self._jobs.where(self._tables.jobs.c.job_id == storable(job_id))
        row = connection.execute(query).one_or_none()
        return None if row is None else JobRow(*row)

    @contextmanager
    def _connection(self) -> Iterator[Connection]:
        try:
            self._check_file()
            with self._engine.begin() as connection:
                yield connection
        except (DBAPIError, PoolTimeoutError, OSError) as error:
            raise JobLogUnavailableError(
                f"job log at {shown_url(self._engine.url)}: {getattr(error, 'orig', error)}; check"
                " that the database answers and holds the tables (ensure_schema makes them)"
            ) from error

    def _check_file(self) -> None:
        """SQLite would make a missing file, and go on reading one that was replaced."""
        path = sqlite_path(self._engine) if self._own else None
        if path is None:
            return
        found = os.stat(path)
        identity = (found.st_dev, found.st_ino)
        if self._file is not None and identity != self._file:
            self._engine.dispose()
        self._file = identity


def _close_pool(engine: Engine, opened_by: int) -> None:
    if os.getpid() == opened_by:
        engine.pool.dispose()
    else:  # a child collects what it inherited, before the reader was told of the fork
        forget_connections(engine)


def _check_limit(limit: int) -> None:
    if not 1 <= limit <= MAX_PAGE:
        raise ParameterError("limit", f"{limit} is not between 1 and {MAX_PAGE}")
