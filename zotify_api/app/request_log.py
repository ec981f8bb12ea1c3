"""Outermost middleware: request id, access log, and the last answer when something broke."""

from __future__ import annotations

import logging
import re
import time
import uuid

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from zotify_api.concealment import conceal, presenting
from zotify_api.errors import problem_response
from zotify_api.security.client_address import address_of
from zotify_logging import bound

__all__ = ["RequestLogMiddleware"]

_logger = logging.getLogger("zotify_api.access")
_errors = logging.getLogger("zotify_api.errors")

_REQUEST_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)


class RequestLogMiddleware:
    """Binds ``request_id`` and ``source_ip`` to all that happens in a request, and logs its end.

    The id is the client's ``X-Request-ID`` if that is 1 to 64 letters, digits, ``.``, ``_`` or
    ``-`` and holds no key, else a new one; the answer carries it. One line is written per request
    when its response is over, which for a stream is when it ends. The query string is never logged.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass one request on."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with presenting(scope):
            await self._answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).get("x-request-id", "")
        usable = _REQUEST_ID.fullmatch(given) and conceal(given) == given
        request_id = given if usable else uuid.uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started = time.monotonic()
        status: int | None = None
        size = 0
        finished = False

        async def counting_send(message: Message) -> None:
            nonlocal status, size, finished
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "no-store")
            elif message["type"] == "http.response.body":
                size += len(message.get("body", b""))
                finished = not message.get("more_body", False)
            await send(message)

        with bound(request_id=request_id, source_ip=address_of(scope)):
            try:
                await self._app(scope, receive, counting_send)
            except Exception:
                _errors.exception("%s %s broke", scope["method"], conceal(scope["path"]))
                if status is not None:
                    raise  # the server cuts the connection, so that the client sees it
                response = problem_response(
                    500,
                    "an error of ours; the system log has it under this request id",
                    request_id=request_id,
                )
                await response(scope, receive, counting_send)
            finally:
                path = conceal(scope["path"])
                duration = time.monotonic() - started
                _logger.info(
                    "%s %s %s",
                    scope["method"],
                    path,
                    "-" if status is None else status,
                    extra={
                        "method": scope["method"],
                        "path": path,
                        "status": status,
                        "bytes": size,
                        "complete": finished,
                        "duration_ms": round(duration * 1000, 3),
                    },
                )
