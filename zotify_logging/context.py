"""Ambient fields that every record of a thread or task carries: request, user, job.

Held in one ``contextvars.ContextVar``, so asyncio tasks inherit them by themselves; a thread starts
empty unless its function goes through :func:`wrap`. structlog's own context variables are read too,
when structlog's contextvars are in use.
"""

from __future__ import annotations

import contextvars
import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType
from typing import ParamSpec, TypeVar

from .exceptions import JobIdError

__all__ = [
    "MAX_JOB_ID",
    "bind",
    "bound",
    "check_job_id",
    "current_context",
    "job_context",
    "unbind",
    "wrap",
]

P = ParamSpec("P")
R = TypeVar("R")

MAX_JOB_ID = 255
"""Characters in a job id, at most."""

_EMPTY: Mapping[str, object] = MappingProxyType({})
_fields: contextvars.ContextVar[Mapping[str, object]] = contextvars.ContextVar(
    "zotify_logging_context", default=_EMPTY
)


def bind(**fields: object) -> None:
    """Add fields to the current context until :func:`unbind` (names as in ``extra``)."""
    _fields.set({**_fields.get(), **fields})


def unbind(*names: str) -> None:
    """Remove fields from the current context; names that are not bound are ignored."""
    _fields.set({name: value for name, value in _fields.get().items() if name not in names})


@contextmanager
def bound(**fields: object) -> Iterator[None]:
    """Add fields for the length of a ``with`` block, then restore what was there before.

    A block that ends in another context than it began in (a generator run by a thread pool, as web
    frameworks do) restores nothing there: the fields were never bound in that one.
    """
    token = _fields.set({**_fields.get(), **fields})
    try:
        yield
    finally:
        try:
            _fields.reset(token)
        except ValueError:  # made in another context
            pass


@contextmanager
def job_context(job_id: str, *, job_type: str | None = None, attempt: int = 1) -> Iterator[None]:
    """Put every record of the block under one job.

    Leaving the block never closes the job: its end is said by a record with a closing ``status``.

    Args:
        job_id: 1 to 255 characters without ``/``.
        job_type: what kind of job this is, kept on the job's row.
        attempt: counts retries of the same job, from 1.

    Raises:
        JobIdError: the id breaks the rule.
    """
    fields: dict[str, object] = {"job_id": check_job_id(job_id), "attempt": attempt}
    if job_type is not None:
        fields["job_type"] = job_type
    with bound(**fields):
        if job_type is None:
            unbind("job_type")  # of an outer job; bound() brings it back
        yield


def check_job_id(job_id: object) -> str:
    """Return a valid job id unchanged.

    Raises:
        JobIdError: it is no text, empty, too long, or has a ``/``.
    """
    if not isinstance(job_id, str) or not 1 <= len(job_id) <= MAX_JOB_ID or "/" in job_id:
        raise JobIdError(
            f"job_id {job_id!r:.80}: must be a text of 1 to {MAX_JOB_ID} characters without '/'"
        )
    return job_id


def wrap(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` bound to a copy of the current context, for threads and executors.

    Each call runs in a copy of its own, so the result may be called by many threads at once.
    """
    captured = contextvars.copy_context()

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return captured.copy().run(function, *args, **kwargs)

    return run


def current_context() -> Mapping[str, object]:
    """Return the fields bound here, structlog's included (ours win)."""
    own = _fields.get()
    structlog_contextvars = sys.modules.get("structlog.contextvars")
    if structlog_contextvars is None:
        return own
    # Another thread may be in the middle of importing it: then nothing is bound there yet.
    read = getattr(structlog_contextvars, "get_contextvars", None)
    theirs: Mapping[str, object] = read() if read is not None else _EMPTY
    return {**theirs, **own} if theirs else own
