"""``POST /api/sync``: start a library scan."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Response

from zotify_api.dependencies.access import CurrentRuntime, RequireScope
from zotify_api.dependencies.strict_route import StrictRoute
from zotify_api.errors import ProblemError
from zotify_api.models.job import JobAccepted, SyncRequest
from zotify_api.models.problem import problem_responses
from zotify_api.services.job_service import JobRunningError
from zotify_api.services.sync_service import NoLibraryError

__all__ = ["router"]

router = APIRouter(prefix="/api/sync", tags=["jobs"], route_class=StrictRoute)


@router.post(
    "",
    status_code=202,
    dependencies=[Depends(RequireScope("library:write"))],
    responses=problem_responses(400, 401, 403, 409, 413, 503),
)
def start_sync(
    runtime: CurrentRuntime, response: Response, body: SyncRequest | None = None
) -> JobAccepted:
    """Start a scan of ``library_path``; the job exists when the reply arrives."""
    try:
        job_id = runtime.sync.start()
    except (JobRunningError, NoLibraryError) as error:
        raise ProblemError(409, str(error)) from None
    response.headers["Location"] = f"/api/jobs/{job_id}"
    return JobAccepted(job_id=job_id)
