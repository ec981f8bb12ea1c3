"""What the job log gives back: a job, its lines, and pages of either."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

from ..clock import format_us
from ..sanitizing import JsonValue
from .marks import CLOSING_STATUSES

__all__ = ["JobLine", "JobList", "JobPage", "JobRow"]


@dataclass(frozen=True, slots=True)
class JobRow:
    """One job as the database has it; all times are epoch microseconds in UTC.

    Attributes:
        job_id: its id.
        job_type: what kind of job it is, or ``None`` if no record said.
        status: queued, running, finished, failed, cancelled or lost.
        progress: the latest number that was logged, usually per cent, or ``None``.
        last_seq: number of its latest line, 0 without lines.
        attempt: the highest attempt that was logged, from 1.
        warn_count: lines from WARNING up to below ERROR.
        error_count: lines of ERROR and above.
        dropped_count: records that a full queue had to give up.
        first_us: time of the earliest line.
        last_us: time of the latest line.
        closed_us: when a closing status was logged; ``None`` while the job is open.
        purged_us: when retention removed its lines.
        created_us: when it was first heard of.
    """

    job_id: str
    job_type: str | None
    status: str
    progress: float | None
    last_seq: int
    attempt: int
    warn_count: int
    error_count: int
    dropped_count: int
    first_us: int | None
    last_us: int | None
    closed_us: int | None
    purged_us: int | None
    created_us: int

    @property
    def closed(self) -> bool:
        """Whether the job has ended (it may still get late lines)."""
        return self.status in CLOSING_STATUSES


@dataclass(frozen=True, slots=True)
class JobLine:
    """One stored line of a job.

    Attributes:
        seq: its number in the job, from 1 without holes.
        uid: unique over all jobs, sorts by time.
        created_us: time of the record, epoch microseconds.
        level_no: the level's number.
        level: the level's name.
        logger: the logger's name.
        message: the text, NUL and lone surrogates shown escaped.
        exc_text: traceback and stack, or ``None``.
        extra_json: the record's fields as strict JSON text, or ``None``.
        attempt: the job's attempt that logged it.
        source: ``path:line`` of the call.
        host: machine of the caller.
        pid: process of the caller.
        thread: thread name of the caller.
        orig_bytes: bytes of the message before it was cut, 0 if it is whole.
    """

    seq: int
    uid: str
    created_us: int
    level_no: int
    level: str
    logger: str
    message: str
    exc_text: str | None
    extra_json: str | None
    attempt: int
    source: str | None
    host: str | None
    pid: int | None
    thread: str | None
    orig_bytes: int

    @property
    def timestamp(self) -> str:
        """Time of the record in RFC 3339, UTC."""
        return format_us(self.created_us)

    @property
    def extra(self) -> dict[str, JsonValue]:
        """The record's fields, decoded anew at each call; empty if there were none."""
        if self.extra_json is None:
            return {}
        return cast("dict[str, JsonValue]", json.loads(self.extra_json))


@dataclass(frozen=True, slots=True)
class JobPage:
    """Some lines of a job, read in one short transaction.

    Attributes:
        job: the job as it was in that same transaction.
        items: the lines, in the order asked for.
        next_after: where to go on: the last item's ``seq`` (with ``order="desc"``: for ``before``);
            without items, the position asked for.
        has_more: whether lines were left behind by ``limit``.
    """

    job: JobRow
    items: Sequence[JobLine]
    next_after: int
    has_more: bool

    @property
    def complete(self) -> bool:
        """Whether the job is closed and nothing comes after this page."""
        return self.job.closed and not self.has_more


@dataclass(frozen=True, slots=True)
class JobList:
    """Some jobs, newest first.

    Attributes:
        items: the jobs.
        next_after: position to go on from, ``None`` at the end.
    """

    items: Sequence[JobRow]
    next_after: tuple[int, str] | None
