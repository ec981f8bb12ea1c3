"""``GET /api/logs/jobs/{job_id}``: every line of a job."""

from __future__ import annotations

from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response

from zotify_api.dependencies.access import CurrentRuntime, RequireScope
from zotify_api.dependencies.negotiation import choose_form
from zotify_api.dependencies.runtime import Runtime
from zotify_api.dependencies.stream_response import HeldStreamingResponse
from zotify_api.dependencies.strict_route import StrictRoute
from zotify_api.errors import FieldProblem, ProblemError
from zotify_api.models.job_log_query import JobLogQuery, JobLogReply
from zotify_api.models.problem import problem_responses
from zotify_api.services.job_log_service import OpenJobLog, form_of
from zotify_logging.exceptions import JobLogUnavailableError, UnknownJobError

__all__ = ["router"]

router = APIRouter(prefix="/api/logs/jobs", tags=["logs"], route_class=StrictRoute)

_OFFERS = {"application/json": "json", "application/x-ndjson": "ndjson", "text/plain": "text"}


@router.get(
    "/{job_id}",
    dependencies=[Depends(RequireScope("logs:read"))],
    response_model=JobLogReply,
    responses={
        **problem_responses(401, 403, 404, 406, 503),
        200: {
            "description": "The job and its lines, sent piece by piece. One that broke off has"
            " complete false and error.",
            "content": {
                "application/x-ndjson": {"schema": {"type": "string"}},
                "text/plain": {"schema": {"type": "string"}},
            },
        },
    },
)
async def read_job_log(
    job_id: Annotated[str, Path(min_length=1, max_length=255)],
    query: Annotated[JobLogQuery, Query()],
    request: Request,
    runtime: CurrentRuntime,
) -> Response:
    """Return a job's lines, oldest first and all of them unless asked otherwise."""
    for name, asked in (("format", query.format == "sse"), ("follow", query.follow)):
        if asked:
            message = "following a job is not served yet; poll with after=<next_after>"
            problem = FieldProblem(location="query", name=name, message=message)
            raise ProblemError(422, f"{name}: {message}", errors=[problem])
    if query.before is not None and query.before <= (query.after or 0):
        message = (
            f"{query.before} is not past after ({query.after or 0}): no line is between them;"
            " with order=desc go on by before=<next_before> alone"
        )
        problem = FieldProblem(location="query", name="before", message=message)
        raise ProblemError(422, f"before: {message}", errors=[problem])
    form = form_of(query.format or choose_form(request.headers.get("accept"), _OFFERS))
    try:
        log = await to_thread.run_sync(_open, runtime, job_id, query)
    except UnknownJobError:
        raise ProblemError(404, f"no job has the id {job_id!r}") from None
    except JobLogUnavailableError:
        raise ProblemError(
            503,
            "the job-log database does not answer; try again later",
            headers={"Retry-After": "5"},
        ) from None
    return HeldStreamingResponse(
        log.pieces(form),
        lambda: None,
        media_type=form.media_type,
        headers={"Vary": "Accept", "Cache-Control": "no-store"},
        send_timeout=runtime.settings.stream_send_timeout,
    )


def _open(runtime: Runtime, job_id: str, query: JobLogQuery) -> OpenJobLog:
    try:
        return runtime.job_logs.open(job_id, query)
    except UnknownJobError:
        # The API's own jobs are known before their first line has reached the job log.
        job = runtime.jobs.get(job_id)
        if job is None:
            raise
        return runtime.job_logs.without_lines(job, query)
