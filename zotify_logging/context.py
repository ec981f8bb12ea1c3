"""Ambient fields that every record of a thread or task carries: request, user, job.

Held in one ``contextvars.ContextVar``, so asyncio tasks inherit them by themselves; a thread starts
empty unless its function goes through :func:`wrap`, or a :class:`ContextExecutor` runs it.

Any name may be bound. ``request_id``, ``user_id``, ``job_id`` and ``source_ip`` are the built-in
ones: audit events and job logs have a place of their own for them. structlog's own context
variables are read too, when structlog's contextvars are in use, and so is the current span of
OpenTelemetry, as ``trace_id`` and ``span_id`` (32 and 16 hexadecimal digits, as in W3C Trace
Context), when the application has imported it.
"""

from __future__ import annotations

import contextvars
import functools
import sys
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from types import MappingProxyType, ModuleType
from typing import ParamSpec, TypeVar

from .exceptions import JobIdError, ParameterError

__all__ = [
    "MAX_ATTEMPT",
    "MAX_JOB_ID",
    "ContextExecutor",
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

MAX_ATTEMPT = 2**31 - 1
"""The largest attempt of a job: what an integer column of every database holds."""

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
    frameworks do) restores nothing there: the fields were never bound in that one. Inside a
    generator they are bound for whoever runs through it as well, until its end; an asynchronous one
    that is left early has to be closed (``contextlib.aclosing``), or they stay. As a decorator it
    is of use for plain functions alone: the body of an ``async def`` runs after the block.
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
        ParameterError: ``attempt`` is no whole number from 1.
    """
    fields: dict[str, object] = {
        "job_id": check_job_id(job_id),
        "attempt": _check_attempt(attempt),
    }
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


def _check_attempt(attempt: object) -> int:
    if not isinstance(attempt, int) or not 1 <= attempt <= MAX_ATTEMPT:
        raise ParameterError(
            "attempt", f"{attempt!r:.80} is not a whole number from 1; the first attempt is 1"
        )
    return attempt


def wrap(function: Callable[P, R]) -> Callable[P, R]:
    """Return ``function`` bound to a copy of the current context, for threads and executors.

    Each call runs in a copy of its own, so the result may be called by many threads at once. Not
    for ``async def``: the body would run in the context of whoever awaits it.
    """
    captured = contextvars.copy_context()

    @functools.wraps(function)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        return captured.copy().run(function, *args, **kwargs)

    return run


class ContextExecutor(Executor):
    """An executor whose calls see the context of whoever submitted them.

    Each call, submitted or mapped, runs in a copy of its own: what it binds stays with it. Made for
    threads: contexts do not travel to other processes.

    Args:
        executor: does the work; shut down together with this one.

    Raises:
        TypeError: an executor of processes.
    """

    def __init__(self, executor: Executor) -> None:
        processes = sys.modules.get("concurrent.futures.process")
        if processes is not None and isinstance(executor, processes.ProcessPoolExecutor):
            raise TypeError(
                "ContextExecutor: a context does not travel to other processes; give it an executor"
                " of threads, or bind the fields again inside the call"
            )
        self._executor = executor

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Run ``fn(*args, **kwargs)`` in a copy of the context of this call.

        ``map`` goes through here as well, once for each of its calls.
        """
        context = contextvars.copy_context()
        return self._executor.submit(lambda: context.run(fn, *args, **kwargs))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Shut the executor down that does the work."""
        self._executor.shutdown(wait, cancel_futures=cancel_futures)


def current_context() -> Mapping[str, object]:
    """Return the fields bound here, structlog's and OpenTelemetry's included (ours win)."""
    fields = _fields.get()
    modules = sys.modules
    structlog_contextvars = modules.get("structlog.contextvars")
    if structlog_contextvars is not None:
        # Another thread may be in the middle of importing it: then nothing is bound there yet.
        read = getattr(structlog_contextvars, "get_contextvars", None)
        theirs: Mapping[str, object] = read() if read is not None else _EMPTY
        if theirs:
            fields = {**theirs, **fields}
    trace = modules.get("opentelemetry.trace")
    if trace is not None:
        span = _current_span(trace)
        if span:
            fields = {**span, **fields}
    return fields


def _current_span(trace: ModuleType) -> Mapping[str, object]:
    """Return the ids of the current span, or nothing if there is none that is valid."""
    try:
        span = trace.get_current_span().get_span_context()
        if not span.is_valid:
            return _EMPTY
        return {"trace_id": f"{span.trace_id:032x}", "span_id": f"{span.span_id:016x}"}
    except Exception:  # half imported, or a tracer with ideas of its own: no ids then
        return _EMPTY
