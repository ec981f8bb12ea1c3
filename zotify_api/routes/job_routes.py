"""``GET /api/jobs/{job_id}``: a job's state."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path

from zotify_api.dependencies.access import CurrentRuntime
from zotify_api.dependencies.strict_route import StrictRoute
from zotify_api.errors import ProblemError
from zotify_api.models.job import Job
from zotify_api.models.problem import problem_responses

__all__ = ["router"]

router = APIRouter(prefix="/api/jobs", tags=["jobs"], route_class=StrictRoute)


@router.get("/{job_id}", responses=problem_responses(401, 404, 503))
def read_job(
    job_id: Annotated[str, Path(min_length=1, max_length=255)], runtime: CurrentRuntime
) -> Job:
    """Return status, progress and counts of one of the API's own jobs; any key may."""
    job = runtime.jobs.get(job_id)
    if job is None:
        raise ProblemError(404, f"no job has the id {job_id!r}")
    return job
