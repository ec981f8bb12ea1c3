"""Middleware that refuses request bodies larger than any route of this API needs."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zotify_api.errors import problem_response

__all__ = ["MAX_BODY", "BodyLimitMiddleware"]

MAX_BODY = 64 * 1024
"""Bytes of a request body, at most."""


class BodyLimitMiddleware:
    """Answers 413 by the announced length, or once a body without one has grown too large."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        detail = f"the body is larger than {MAX_BODY} bytes"
        announced = Headers(scope=scope).get("content-length", "")
        if announced.isdigit() and int(announced) > MAX_BODY:
            response = problem_response(413, detail, request_id=scope["state"].get("request_id"))
            await response(scope, receive, send)
            return
        received = 0

        async def counting_receive() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > MAX_BODY:
                raise HTTPException(413, detail)
            return message

        await self._app(scope, counting_receive, send)
