"""Rows of the API's own jobs: what runs, how far it is, how it ended."""

from __future__ import annotations

import time
from collections.abc import Sequence

from sqlalchemy import Row, insert, select, update
from sqlalchemy.exc import IntegrityError

from zotify_api.db.database import Database
from zotify_api.db.tables import jobs
from zotify_api.models.job import Job
from zotify_logging.clock import format_us

__all__ = ["JobTable"]


class JobTable:
    """Reads and writes rows of ``jobs``; at most one job of a type is active at a time."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self, job_id: str, job_type: str) -> bool:
        """Insert a queued job; ``False`` when one of its type is active."""
        try:
            with self._database.begin() as connection:
                connection.execute(
                    insert(jobs).values(
                        id=job_id,
                        type=job_type,
                        status="queued",
                        slot=job_type,
                        progress=0.0,
                        found=0,
                        stored=0,
                        failed=0,
                        created_us=_now(),
                    )
                )
        except IntegrityError:
            return False
        return True

    def start(self, job_id: str) -> None:
        """Mark a job as running."""
        self._update(job_id, status="running", started_us=_now())

    def advance(self, job_id: str, progress: float, found: int, stored: int, failed: int) -> None:
        """Record how far a job is."""
        self._update(job_id, progress=progress, found=found, stored=stored, failed=failed)

    def end(self, job_id: str, status: str, error: str | None = None) -> bool:
        """Close a job and free its slot; ``False`` when it was closed already."""
        with self._database.begin() as connection:
            changed = connection.execute(
                update(jobs)
                .where(jobs.c.id == job_id, jobs.c.slot.is_not(None))
                .values(status=status, error=error, slot=None, ended_us=_now())
            ).rowcount
        return changed > 0

    def get(self, job_id: str) -> Job | None:
        """Return one job."""
        with self._database.begin() as connection:
            row = connection.execute(select(jobs).where(jobs.c.id == job_id)).one_or_none()
        return None if row is None else _job(row)

    def active(self) -> Sequence[Job]:
        """Return jobs that are queued or running, of any process."""
        with self._database.begin() as connection:
            rows = connection.execute(select(jobs).where(jobs.c.slot.is_not(None))).all()
        return [_job(row) for row in rows]

    def _update(self, job_id: str, **values: object) -> None:
        with self._database.begin() as connection:
            connection.execute(
                update(jobs).where(jobs.c.id == job_id, jobs.c.slot.is_not(None)).values(values)
            )


def _now() -> int:
    return time.time_ns() // 1000


def _job(row: Row[tuple[object, ...]]) -> Job:
    fields = row._mapping
    started, ended = fields["started_us"], fields["ended_us"]
    return Job(
        job_id=fields["id"],
        type=fields["type"],
        status=fields["status"],
        progress=fields["progress"],
        created=format_us(fields["created_us"]),
        started=None if started is None else format_us(started),
        ended=None if ended is None else format_us(ended),
        error=fields["error"],
        found=fields["found"],
        stored=fields["stored"],
        failed=fields["failed"],
    )
