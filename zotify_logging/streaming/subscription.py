"""The handle of one live reader: iterate it, in a thread or on an event loop, and close it."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import AsyncIterator, Iterator
from types import TracebackType
from typing import TYPE_CHECKING, Self

from ..forks import on_fork
from .follower import Follower
from .hub import Hub, default_hub
from .stream_record import StreamRecord

if TYPE_CHECKING:
    import asyncio

__all__ = ["Subscription"]


class Subscription(Iterator[StreamRecord], AsyncIterator[StreamRecord]):
    """An endless iterator over a log's records, for ``for`` and ``async for``.

    Both wait for new lines. They stop after an ``end`` record (which carries the reason), or
    without one after :meth:`close`. Reading on an event loop happens in a worker thread and never
    blocks the loop; a cancelled read loses nothing, its records come with the next one.

    One consumer at a time; :meth:`close` and :attr:`cursor` may be used by any thread. Forgetting
    to close leaks nothing once the object is collected. In a forked child a subscription of the
    parent is closed; the parent's is untouched.
    """

    def __init__(self, follower: Follower, hub: Hub = default_hub) -> None:
        self._follower = follower
        self._hub = hub
        self._ready: deque[StreamRecord] = deque()
        self._last: StreamRecord | None = None  # behind it stands the consumer, else at:
        self._position = follower.cursor
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_wake: asyncio.Event | None = None
        self._due: float | None = None
        self._closed = False
        on_fork(self)
        hub.add(self)

    @property
    def path(self) -> str:
        """The live file that is followed."""
        return self._follower.path

    @property
    def cursor(self) -> str:
        """Where to resume: behind the last record taken, and filtered lines that follow it."""
        last = self._last
        return self._position if last is None else last.cursor

    @property
    def due(self) -> float | None:
        """Monotonic time at which it wants to be notified although no file has changed."""
        return self._due

    @property
    def closed(self) -> bool:
        """Whether nothing more will be read."""
        return self._closed

    @property
    def drained(self) -> bool:
        """Whether all that has been read was handed out: the next step may wait, so flush now."""
        return not self._ready

    def close(self) -> None:
        """Stop, wake whoever waits, release the descriptors. Idempotent, from any thread.

        A read that is under way in another thread releases them when it ends.
        """
        if not self._closed:
            self._closed = True
            self._hub.discard(self)
        self._release()
        self.notify()

    def _release(self) -> None:
        """Close the files, unless a read is under way: it calls this when it ends."""
        if self._lock.acquire(blocking=False):
            try:
                self._follower.close()
            finally:
                self._lock.release()

    def notify(self) -> None:
        """Look again: called by the hub. Returns at once."""
        self._due = None  # told once; the next read sets it anew
        self._wake.set()
        loop, wake = self._loop, self._loop_wake
        if loop is not None and wake is not None:
            try:
                loop.call_soon_threadsafe(wake.set)
            except RuntimeError:  # the loop is closed, and nobody waits on it
                self._loop = None

    def after_fork_in_child(self) -> None:
        """Close the child's copy."""
        self._lock = threading.RLock()
        self._wake = threading.Event()
        self._wake.set()
        self._loop = self._loop_wake = None
        self._closed = True
        self._ready.clear()
        self._follower.close()

    # -- reading -------------------------------------------------------------------------------

    def _fill(self) -> None:
        """Read until there is something to hand out, or nothing more to read now."""
        with self._lock:
            while not self._closed and not self._ready and not self._follower.finished:
                self._ready.extend(self._follower.read())
                if self._follower.idle and not self._ready:
                    self._position, self._last = self._follower.cursor, None
                    break
            self._due = None if self._closed else self._follower.due
        if self._closed:  # by another thread, which may have found the lock taken
            self._release()

    def _take(self) -> StreamRecord:
        record = self._ready.popleft()
        self._last = record  # its cursor is made into text only if somebody asks
        return record

    def _is_over(self) -> bool:
        """Whether nothing will come any more; leaves the hub at the natural end."""
        if not self._closed and self._follower.finished and not self._ready:
            self.close()
        return self._closed

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> StreamRecord:
        while True:
            if self._closed:
                raise StopIteration
            if self._ready:
                return self._take()
            self._wake.clear()
            self._fill()
            if not self._ready:
                if self._is_over():
                    raise StopIteration
                self._wake.wait()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> StreamRecord:
        while not self._ready or self._closed:
            if not await self._wait_ready():
                raise StopAsyncIteration
        return self._take()

    async def read_batch(self) -> list[StreamRecord]:
        """Wait for records and return all lines of one wake-up; an empty list means the end.

        Meant for servers, which send a batch in one piece.
        """
        if not await self._wait_ready():
            return []
        batch: list[StreamRecord] = []
        while self._ready:  # a cancelled read may still be adding to it in its thread
            batch.append(self._take())
        return batch

    async def _wait_ready(self) -> bool:
        import asyncio

        loop = asyncio.get_running_loop()
        if self._loop is not loop or self._loop_wake is None:
            self._loop_wake = asyncio.Event()
            self._loop = loop
        wake = self._loop_wake
        while True:
            if self._closed:
                return False
            if self._ready:
                return True
            wake.clear()
            await asyncio.to_thread(self._fill)
            if not self._ready:
                if self._is_over():
                    return False
                await wake.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
