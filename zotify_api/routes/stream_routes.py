"""``GET`` and ``HEAD /api/logs/system/stream``: the system log, live."""

from __future__ import annotations

from functools import partial
from typing import Annotated

from anyio import to_thread
from fastapi import APIRouter, Depends, Header, Query, Request, Response

from zotify_api.dependencies.access import CurrentPrincipal, CurrentRuntime, RequireScope
from zotify_api.dependencies.negotiation import choose_form
from zotify_api.dependencies.stream_response import HeldStreamingResponse
from zotify_api.dependencies.strict_route import StrictRoute
from zotify_api.errors import ProblemError
from zotify_api.models.problem import problem_responses
from zotify_api.models.stream_query import StreamQuery
from zotify_api.services.stream_service import LogStream, StreamLimitError, StreamsClosedError
from zotify_logging.exceptions import MalformedCursorError, StaleCursorError

__all__ = ["router"]

router = APIRouter(prefix="/api/logs/system", tags=["logs"], route_class=StrictRoute)

_OFFERS = {
    "text/plain": "text",
    "application/x-ndjson": "ndjson",
    "application/json": "ndjson",
    "text/event-stream": "sse",
}
_MEDIA_TYPES = {
    "text": "text/plain; charset=utf-8",
    "ndjson": "application/x-ndjson",
    "sse": "text/event-stream; charset=utf-8",
}

_RESPONSES = {
    **problem_responses(400, 401, 403, 406, 410, 503),
    200: {
        "description": "Records as they happen, after a hello record. A body without an end record"
        " was cut: resume with after. X-Log-Cursor is where the stream begins.",
        "content": {
            "text/plain": {"schema": {"type": "string"}},
            "application/x-ndjson": {"schema": {"type": "string"}},
            "text/event-stream": {"schema": {"type": "string"}},
        },
    },
}


@router.get(
    "/stream",
    dependencies=[Depends(RequireScope("logs:read"))],
    response_class=Response,
    responses=_RESPONSES,
)
async def stream_log(
    query: Annotated[StreamQuery, Query()],
    request: Request,
    runtime: CurrentRuntime,
    principal: CurrentPrincipal,
    last_event_id: Annotated[
        str | None, Header(max_length=512, description="Cursor; wins over after.")
    ] = None,
) -> Response:
    """Stream the system log as text, NDJSON or server-sent events."""
    form = query.format or choose_form(request.headers.get("accept"), _OFFERS)
    try:
        stream = await to_thread.run_sync(
            partial(
                runtime.streams.open,
                query,
                form,
                after=last_event_id or query.after,
                key_name=principal.name,
                still_valid=partial(runtime.key_ring.holds, principal),
            )
        )
    except StreamLimitError as error:
        raise ProblemError(429, str(error), headers={"Retry-After": "5"}) from None
    except StreamsClosedError as error:
        raise ProblemError(503, str(error), headers={"Retry-After": "2"}) from None
    except MalformedCursorError as error:
        raise ProblemError(400, str(error)) from None
    except StaleCursorError as error:
        raise ProblemError(410, str(error)) from None
    except OSError:
        raise ProblemError(
            503, "the system log cannot be read; try again later", headers={"Retry-After": "5"}
        ) from None
    return _response(stream, request.method == "HEAD", runtime.settings.stream_send_timeout)


router.head(
    "/stream",
    dependencies=[Depends(RequireScope("logs:read"))],
    response_class=Response,
    include_in_schema=False,
)(stream_log)


def _response(stream: LogStream, head_only: bool, send_timeout: float) -> Response:
    media_type = _MEDIA_TYPES[stream.form]
    headers = {
        "Cache-Control": "no-store, no-transform",
        "X-Accel-Buffering": "no",
        "X-Content-Type-Options": "nosniff",
        "Vary": "Accept",
        "X-Log-Cursor": stream.subscription.cursor,
    }
    if head_only:
        stream.release()
        response = Response(headers=headers, media_type=media_type)
        del response.headers["content-length"]  # of the stream it is not known
        return response
    return HeldStreamingResponse(
        stream.pieces(),
        stream.release,
        media_type=media_type,
        headers=headers,
        send_timeout=send_timeout,
    )
