"""A caller that waits until the queue has room for its entry."""

from __future__ import annotations

import queue

from ..records import LogEntry

__all__ = ["Waiter"]


class Waiter:
    """An entry that has no room yet, and the caller that stands by it.

    Args:
        entry: what waits.
        size: bytes of memory it takes.

    Attributes:
        token: told when the entry came in, or when the caller should look again.
        settled: the entry is in the queue or counted elsewhere; the caller owes nothing for it.
    """

    __slots__ = ("entry", "settled", "size", "token")

    def __init__(self, entry: LogEntry, size: int) -> None:
        self.entry = entry
        self.size = size
        self.token: queue.SimpleQueue[None] = queue.SimpleQueue()
        self.settled = False
