"""The room for entries between the emit path and the writer thread, and who must leave it first."""

from __future__ import annotations

import queue
import sys
from collections import deque
from typing import Literal, TypeAlias

from ..records import LogEntry
from .waiter import Waiter

__all__ = ["OVERFLOW_POLICIES", "RESERVE", "BoundedQueue", "Item", "Overflow", "Token"]

Overflow = Literal["block", "spill", "drop_oldest", "drop_new"]
OVERFLOW_POLICIES: tuple[Overflow, ...] = ("block", "spill", "drop_oldest", "drop_new")

WARNING = 30
RESERVE = 0.8
"""Share of the queue open to records below WARNING; the rest is kept for the others."""

# A token that carries nothing; also the mark that flush() leaves in the queue.
Token: TypeAlias = "queue.SimpleQueue[None]"
Item: TypeAlias = tuple[LogEntry, int]


class BoundedQueue:
    """Entries in order, bounded by number and bytes, and the marks of those who flush.

    Every method and attribute is for callers that hold the ledger's lock.

    Args:
        max_size: entries, at least 1.
        max_bytes: bytes of memory. A single entry above that is taken when the queue is empty.

    Attributes:
        size: entries in the queue and in the writer's hands; those leave by :meth:`release`.
        bytes: what they take together.
        marks: flush() calls that wait in the queue.
        waiters: entries that wait for room, in order; :meth:`release` lets them in.
        releases: how often room was given back; a wait in which this moved is no failed one.
        stalled: a wait has failed, and no batch was taken since.
        closed: no entry is taken any more.
    """

    def __init__(self, max_size: int, max_bytes: int) -> None:
        self.max_size = max(1, max_size)
        self._max_bytes = max_bytes
        # At least one: a queue of one entry must still take an INFO record.
        self._low_size = max(1, int(self.max_size * RESERVE))
        self._low_bytes = int(max_bytes * RESERVE)
        self._items: deque[Item | Token] = deque()
        self.size = 0
        self.bytes = 0
        self.marks = 0
        self.waiters: list[Waiter] = []
        self.releases = 0
        self.stalled = False
        self.closed = False

    def __bool__(self) -> bool:
        """Tell whether entries or marks wait here; those in the writer's hands do not."""
        return bool(self._items)

    def has_room(self, level_no: int, size: int) -> bool:
        """Tell whether a record of that level and size may come in; a lesser one sees less room.

        It does not pass those of its kind that wait already.
        """
        if self.waiters and level_no < WARNING:
            return False
        return self._fits(level_no, size)

    def _fits(self, level_no: int, size: int) -> bool:
        if level_no < WARNING:
            most, most_bytes = self._low_size, self._low_bytes
        else:
            most, most_bytes = self.max_size, self._max_bytes
        if self.size < most and self.bytes + size <= most_bytes:
            return True
        return self.size == 0

    def refusal(self, level_no: int) -> str:
        """Return the reason for which a record of that level has no room."""
        full = level_no >= WARNING or self.size >= self.max_size
        return "overflow" if full else "reserve"

    def append(self, entry: LogEntry, size: int) -> None:
        """Take an entry in, room or not."""
        self._items.append((entry, size))
        self.size += 1
        self.bytes += size

    def evict(self, level_no: int, size: int) -> tuple[bool, list[LogEntry]]:
        """Make room by giving up older entries; never one of WARNING or above for a lesser one.

        Returns:
            Whether there is room now, and the entries given up, even where they were too few.
        """
        freed = 0
        victims: list[LogEntry] = []
        while not self.has_room(level_no, size):
            if freed >= size:  # takes exactly the place of what it replaced, reserve or not
                break
            victim = self._oldest(below=WARNING)
            if victim is None and level_no >= WARNING:
                victim = self._oldest(below=sys.maxsize)
            if victim is None:
                return False, victims
            item = self._items[victim]
            del self._items[victim]
            if isinstance(item, tuple):
                freed += item[1]
                self.size -= 1
                self.bytes -= item[1]
                victims.append(item[0])
        return True, victims

    def _oldest(self, below: int) -> int | None:
        for index, item in enumerate(self._items):
            if isinstance(item, tuple) and item[0].level_no < below:
                return index
        return None

    def take(self, most: int) -> list[Item]:
        """Return the next entries, at most that many, up to the next mark; they keep their room."""
        batch: list[Item] = []
        while self._items and len(batch) < most:
            item = self._items[0]
            if not isinstance(item, tuple):
                break
            batch.append(item)
            self._items.popleft()
        return batch

    def release(self, part: list[Item]) -> None:
        """Give back the room of entries that were taken, and let in those that wait for it."""
        self.size -= len(part)
        self.bytes -= sum(size for _, size in part)
        self.releases += 1
        if self.waiters and not self.closed:
            self._let_in()

    def _let_in(self) -> None:
        # By turns, but for the reserve: a warning does not wait for the lesser ones before it.
        left: list[Waiter] = []
        for index, waiter in enumerate(self.waiters):
            level_no = waiter.entry.level_no
            if level_no < WARNING and left:
                left.append(waiter)
            elif self._fits(level_no, waiter.size):
                waiter.settled = True
                self.append(waiter.entry, waiter.size)
                waiter.token.put(None)
            elif level_no >= WARNING:
                left.extend(self.waiters[index:])
                break
            else:
                left.append(waiter)
        self.waiters = left

    def wait(self, waiter: Waiter) -> None:
        """Put an entry at the end of those that wait for room."""
        self.waiters.append(waiter)

    def give_up(self, waiter: Waiter) -> None:
        """Take an entry back that waits; harmless if it does not."""
        if waiter in self.waiters:
            self.waiters.remove(waiter)

    def close(self) -> None:
        """Take no entry any more; those who wait for room are told."""
        self.closed = True
        for waiter in self.waiters:
            waiter.token.put(None)

    def mark(self) -> Token:
        """Leave a mark behind all entries; it is told once all before it are settled."""
        token: Token = queue.SimpleQueue()
        self._items.append(token)
        self.marks += 1
        return token

    def unmark(self, token: Token) -> bool:
        """Take a mark back; ``False`` if it is not here any more."""
        if token not in self._items:
            return False
        self._items.remove(token)
        self.marks -= 1
        return True

    def tell_marks(self) -> None:
        """Tell each flush() whose mark stands first: all before it is settled."""
        while self._items:
            mark = self._items[0]
            if isinstance(mark, tuple):
                return
            self._items.popleft()
            self.marks -= 1
            mark.put(None)

    def clear(self) -> int:
        """Give up all that is here or in the writer's hands; return how many entries that is."""
        left, self.size, self.bytes = self.size, 0, 0
        self._items.clear()
        self.marks = 0
        return left
