"""Live streams of the system log: how many at once, and the pieces that each is sent in."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from zotify_api.models.stream_query import StreamQuery
from zotify_api.settings import Settings
from zotify_logging.clock import parse_instant
from zotify_logging.streaming import ENCODERS, Subscription, control_record, follow

__all__ = ["LogStream", "StreamLimitError", "StreamService", "StreamsClosedError"]

_PIECE = 256 * 1024


class StreamLimitError(Exception):
    """Too many streams are open; the message names the limit and its setting."""


class StreamsClosedError(Exception):
    """The server is shutting down."""


@dataclass(eq=False)
class LogStream:
    """One open stream; :meth:`release` must be called at its end, however it ends.

    Attributes:
        subscription: the reader.
        form: ``text``, ``ndjson`` or ``sse``.
        keepalive: seconds of silence after which a sign is sent.
        ends_at: monotonic time at which the stream ends because of its age.
        still_valid: asked about every ``keepalive`` seconds whether the reader may go on; runs in
            a worker thread.
    """

    subscription: Subscription
    form: str
    keepalive: float
    ends_at: float
    still_valid: Callable[[], bool]
    on_release: Callable[[LogStream], None] = field(repr=False)

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield what is to be sent: ``hello`` at once, batches as they come, signs in silence.

        Ends with an ``end`` record; a stream without one was cut.
        """
        encode = ENCODERS[self.form]
        yield encode(
            control_record("hello", self.subscription.cursor, keepalive=f"{self.keepalive:g}")
        )
        checked = time.monotonic()
        while True:
            now = time.monotonic()
            if now >= self.ends_at:
                yield self._end("max_age")
                return
            if now - checked >= self.keepalive:
                checked = now
                if not await asyncio.to_thread(self.still_valid):
                    yield self._end("auth_expired")
                    return
            try:
                async with asyncio.timeout(min(self.keepalive, self.ends_at - now)):
                    batch = await self.subscription.read_batch()
            except TimeoutError:
                if time.monotonic() < self.ends_at:
                    yield encode(control_record("checkpoint", self.subscription.cursor))
                continue
            if not batch:
                yield self._end("shutdown")
                return
            piece = bytearray()
            for record in batch:
                piece += encode(record)
                if len(piece) >= _PIECE:
                    yield bytes(piece)
                    piece.clear()
            if piece:
                yield bytes(piece)
            if batch[-1].type == "end":
                return

    def release(self) -> None:
        """Close the reader and free the slot; idempotent."""
        self.subscription.close()
        self.on_release(self)

    def _end(self, reason: str) -> bytes:
        cursor = self.subscription.cursor
        return ENCODERS[self.form](control_record("end", cursor, reason=reason))


class StreamService:
    """Opens streams within the limits and ends them all at shutdown; thread-safe.

    Args:
        settings: the log's path and the limits.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.RLock()
        self._open: dict[LogStream, str] = {}
        self._reserved: dict[str, int] = {}
        self._closed = False

    @property
    def open_count(self) -> int:
        """How many streams are open."""
        return len(self._open)

    def open(
        self,
        query: StreamQuery,
        form: str,
        *,
        after: str | None,
        key_name: str,
        still_valid: Callable[[], bool],
    ) -> LogStream:
        """Open a stream; reads files, so it belongs in a worker thread.

        Args:
            query: what to stream.
            form: ``text``, ``ndjson`` or ``sse``.
            after: cursor to resume after, in place of the query's.
            key_name: whose stream it is.
            still_valid: see :class:`LogStream`.

        Raises:
            StreamLimitError: too many are open, of this key or in all.
            StreamsClosedError: the server is shutting down.
            ParameterError, CursorError, StorageError, OSError: see
                :func:`zotify_logging.streaming.follow`.
        """
        self._reserve(key_name)
        stream: LogStream | None = None
        try:
            settings = self._settings
            subscription = follow(
                settings.system_log,
                after=after,
                since=None if query.since is None else parse_instant("since", query.since),
                until=None if query.until is None else parse_instant("until", query.until),
                tail=query.tail,
                level=query.level,
                logger=query.logger,
                q=query.q,
                invert=query.invert,
                case=query.case,
                follow=query.follow,
                limit=query.limit,
                strict=query.strict,
            )
            # Spread, so that streams that were opened together do not come back together.
            age = settings.stream_max_age * random.uniform(0.9, 1.1)  # nosec B311
            stream = LogStream(
                subscription,
                form,
                query.keepalive,
                time.monotonic() + age,
                still_valid,
                self._forget,
            )
        finally:
            with self._lock:
                if self._reserved[key_name] == 1:
                    del self._reserved[key_name]
                else:
                    self._reserved[key_name] -= 1
                if stream is not None:
                    self._open[stream] = key_name
        if self._closed:
            stream.release()
            raise StreamsClosedError("the server is shutting down")
        return stream

    def ping(self) -> None:
        """Open the log as a stream would; one that does not exist yet is no failure.

        Raises:
            OSError: it cannot be read, or is no regular file.
        """
        follow(self._settings.system_log, tail=0, follow=False).close()

    def close(self) -> None:
        """Have every stream send its ``end`` and open no more; returns at once, idempotent."""
        with self._lock:
            self._closed = True
            streams = list(self._open)
        for stream in streams:
            stream.subscription.close()

    def _reserve(self, key_name: str) -> None:
        settings = self._settings
        with self._lock:
            if self._closed:
                raise StreamsClosedError("the server is shutting down")
            if len(self._open) + sum(self._reserved.values()) >= settings.max_streams:
                raise StreamLimitError(
                    f"{settings.max_streams} streams are open, the most that ZOTIFY_MAX_STREAMS"
                    " allows; end one or try again later"
                )
            own = sum(1 for name in self._open.values() if name == key_name)
            if own + self._reserved.get(key_name, 0) >= settings.streams_per_key:
                raise StreamLimitError(
                    f"{settings.streams_per_key} streams are open with this key, the most that"
                    " ZOTIFY_STREAMS_PER_KEY allows; end one or try again later"
                )
            self._reserved[key_name] = self._reserved.get(key_name, 0) + 1

    def _forget(self, stream: LogStream) -> None:
        with self._lock:
            self._open.pop(stream, None)
