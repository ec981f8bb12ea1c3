"""A streaming response that always lets go of what it streams, and never waits on a dead reader."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping

from starlette.responses import StreamingResponse
from starlette.types import Message, Receive, Scope, Send

__all__ = ["HeldStreamingResponse"]

_logger = logging.getLogger("zotify_api.streams")


class HeldStreamingResponse(StreamingResponse):
    """Streams ``pieces`` and calls ``release`` once, also when the client goes away midway.

    Args:
        pieces: the body.
        release: frees what is held; called on the event loop, must not block.
        media_type: as in Starlette.
        headers: as in Starlette.
        send_timeout: seconds that the socket may refuse bytes before the response is cut.
    """

    def __init__(
        self,
        pieces: AsyncIterator[bytes],
        release: Callable[[], None],
        *,
        media_type: str,
        headers: Mapping[str, str],
        send_timeout: float,
    ) -> None:
        super().__init__(pieces, headers=headers, media_type=media_type)
        self._release = release
        self._send_timeout = send_timeout

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the response."""
        stuck = False

        async def bounded_send(message: Message) -> None:
            nonlocal stuck
            try:
                async with asyncio.timeout(self._send_timeout):
                    await send(message)
            except TimeoutError:
                stuck = True
                raise

        try:
            await super().__call__(scope, receive, bounded_send)
        except TimeoutError:
            if not stuck:
                raise
            # Returning an unfinished response makes the server cut the connection.
            _logger.warning("a reader took no bytes for %g s and was cut", self._send_timeout)
        finally:
            self._release()
