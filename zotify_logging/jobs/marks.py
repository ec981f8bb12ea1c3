"""What a record says about its job: the id, the attempt, a status, a progress.

Needs no database: the handler asks here, in the caller's thread, whose record it is.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, NamedTuple

from ..context import MAX_ATTEMPT, check_job_id
from ..records import LogEntry
from ..sanitizing import storable

__all__ = ["CLOSING_STATUSES", "STATUSES", "JobMarks", "job_id_of", "read_marks"]

CLOSING_STATUSES: Final = frozenset({"finished", "failed", "cancelled", "lost"})
"""Statuses that set the job's ``closed_us``."""

STATUSES: Final = frozenset({"queued", "running"}) | CLOSING_STATUSES
"""Every status of a job; any other value of ``status`` is a field like any other."""


class JobMarks(NamedTuple):
    """One record's word on its job; ``None`` where it says nothing."""

    job_id: str
    job_type: str | None
    attempt: int
    status: str | None
    progress: float | None


def job_id_of(value: object, context: Mapping[str, object], default: str | None) -> str | None:
    """Return the id of a record's job, or ``None`` if it belongs to none.

    Args:
        value: what the record itself carries (wins), or ``None``.
        context: the ambient fields (come next).
        default: the handler's own.

    Raises:
        JobIdError: the id that wins is no valid one; a lesser one is not tried instead, or the
            line would land under a job it does not belong to.
    """
    if value is None:
        value = context.get("job_id")
        if value is None:
            return default
    return check_job_id(value)


def read_marks(entry: LogEntry, default: str | None) -> JobMarks | None:
    """Return what an entry says about its job, or ``None`` if it belongs to none.

    Values that cannot be meant (an unknown status, a progress that is no finite number) are left
    alone; they stay visible in the line's ``extra``.

    Raises:
        JobIdError: the job's id is no valid one.
    """
    fields, context = entry.fields, entry.context
    job_id = job_id_of(fields.get("job_id"), context, default)
    if job_id is None:
        return None
    job_type = fields.get("job_type", context.get("job_type"))
    attempt = fields.get("attempt", context.get("attempt", 1))
    if not isinstance(attempt, int) or not 1 <= attempt <= MAX_ATTEMPT:
        attempt = 1
    status = fields.get("status")
    progress = fields.get("progress")
    return JobMarks(
        storable(job_id),
        storable(job_type)[:64] if isinstance(job_type, str) else None,
        int(attempt),
        status if isinstance(status, str) and status in STATUSES else None,
        _finite(progress),
    )


def _finite(value: object) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None
