"""``GET /api/health`` and ``/api/health/ready``: open, so without paths or error texts."""

from __future__ import annotations

import time

from fastapi import APIRouter, Response

from zotify_api.dependencies.access import CurrentRuntime
from zotify_api.dependencies.runtime import installed_version
from zotify_api.dependencies.strict_route import StrictRoute
from zotify_api.models.health_reply import HandlerHealth, HealthReply, ReadyReply
from zotify_api.models.problem import problem_responses

__all__ = ["router"]

router = APIRouter(prefix="/api/health", tags=["health"], route_class=StrictRoute)


@router.get("", responses=problem_responses(), openapi_extra={"security": []})
async def health(runtime: CurrentRuntime) -> HealthReply:
    """Tell that the process answers, and how many records its handlers took, kept and lost."""
    return HealthReply(
        version=installed_version(),
        uptime=round(time.monotonic() - runtime.started, 3),
        streams=runtime.streams.open_count,
        handlers={
            name: HandlerHealth(
                accepted=statistics.accepted,
                written=statistics.written,
                queued=statistics.queued,
                dropped=sum(statistics.dropped.values()),
                failed=sum(statistics.failed.values()),
            )
            for name, statistics in runtime.logs.statistics().items()
        },
    )


@router.get(
    "/ready",
    responses={
        **problem_responses(),
        503: {"model": ReadyReply, "description": "Requests cannot be served."},
    },
    openapi_extra={"security": []},
)
def ready(runtime: CurrentRuntime, response: Response) -> ReadyReply:
    """Tell whether requests can be served: what cannot be used fails, what was lost degrades.

    Failing: the database, the audit trail, the system log or the job logs cannot be used now.
    Degraded: records were lost in the last five minutes, or a queue is more than 80 % full.
    """
    found = runtime.health.look()
    reasons = [*found.failing, *found.degraded]
    if found.failing:
        response.status_code = 503
        return ReadyReply(status="failing", reasons=reasons)
    return ReadyReply(status="degraded" if reasons else "ok", reasons=reasons)
