"""``GET /api/logs/audit``: find audit events."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Query, Request, Response

from zotify_api.dependencies.access import CurrentPrincipal, CurrentRuntime, RequireScope
from zotify_api.dependencies.negotiation import choose_form
from zotify_api.dependencies.strict_route import StrictRoute
from zotify_api.errors import ProblemError
from zotify_api.models.audit_query_params import AuditQueryParams, AuditReply
from zotify_api.models.problem import problem_responses
from zotify_logging.exceptions import AuditUnreadableError, MalformedCursorError, StaleCursorError

__all__ = ["router"]

router = APIRouter(prefix="/api/logs/audit", tags=["logs"], route_class=StrictRoute)

_OFFERS = {"application/json": "json", "application/x-ndjson": "ndjson"}


@router.get(
    "",
    dependencies=[Depends(RequireScope("audit:read"))],
    response_model=AuditReply,
    responses={
        **problem_responses(400, 401, 403, 406, 410, 503),
        200: {
            "description": "One page. As NDJSON: the original lines, which verify offline, and an"
            " end line. `Link: rel=next` leads to the next page.",
            "content": {"application/x-ndjson": {"schema": {"type": "string"}}},
        },
    },
)
def find_events(
    parameters: Annotated[AuditQueryParams, Query()],
    request: Request,
    runtime: CurrentRuntime,
    principal: CurrentPrincipal,
) -> Response:
    """Return a page of audit events that match all filters, newest first unless asked otherwise."""
    form = parameters.format or choose_form(request.headers.get("accept"), _OFFERS)
    try:
        answer = runtime.audit.find(parameters, principal)
    except MalformedCursorError as error:
        raise ProblemError(400, str(error)) from None
    except StaleCursorError as error:
        raise ProblemError(410, str(error)) from None
    except AuditUnreadableError:
        raise ProblemError(
            503, "the audit trail cannot be read; try again later", headers={"Retry-After": "5"}
        ) from None
    headers = {"Vary": "Accept"}
    if answer.info.next_after is not None:
        query = [pair for pair in request.query_params.multi_items() if pair[0] != "after"]
        following = urlencode([*query, ("after", answer.info.next_after)])
        headers["Link"] = f'<{request.url.path}?{following}>; rel="next"'
    if form == "ndjson":
        body = b"".join([*answer.page.lines, answer.trailer()])
        return Response(body, headers=headers, media_type="application/x-ndjson")
    reply = AuditReply(events=answer.page.events, page=answer.info, integrity=answer.integrity)
    return Response(reply.model_dump_json(), headers=headers, media_type="application/json")
