"""The room for entries between the emit path and the writer thread, and who must leave it first."""

from __future__ import annotations

import queue
from collections import deque
from typing import TypeAlias

from ..records import LogEntry
from .waiter import Waiter

__all__ = ["RESERVE", "WARNING", "BoundedQueue", "Item", "Mark"]

WARNING = 30
RESERVE = 0.8
"""Share of the queue open to records below WARNING; the rest is kept for the others."""

# What flush() leaves behind: told True once all before it is settled, False if that was given up.
Mark: TypeAlias = "queue.SimpleQueue[bool]"
# An entry, the bytes it takes, and its number in the order of arrival.
Item: TypeAlias = tuple[LogEntry, int, int]


class BoundedQueue:
    """Entries in order, bounded by number and bytes, and the marks of those who flush.

    Every method and attribute is for callers that hold the ledger's lock. Entries below WARNING
    stand in a line of their own, so that the oldest of them is found at once; numbers tell the
    order of both lines together.

    Ctrl-C is raised at calls. Counters are changed right before the one call that they belong to,
    with no other in between, so that it finds either nothing done or everything.

    Args:
        max_size: entries, at least 1.
        max_bytes: bytes of memory. A single entry above that is taken when the queue is empty.

    Attributes:
        size: entries in the queue and in the writer's hands; those leave by :meth:`release`.
        bytes: what they take together.
        arrivals: how many entries ever came in.
        waiters: entries that wait for room, in order; :meth:`release` lets them in.
        releases: how often room was given back; a wait in which this moved is no failed one.
        inside: the thread in a critical section of this queue, 0 if none: its records are refused.
        stalled: a wait has failed, and no batch was taken since.
        closed: no entry is taken any more.
        orphaned: this is a forked child's copy; what happens to it is counted in the parent.
    """

    def __init__(self, max_size: int, max_bytes: int) -> None:
        self.max_size = max(1, max_size)
        self._max_bytes = max_bytes
        # At least one: a queue of one entry must still take an INFO record.
        self._low_size = max(1, int(self.max_size * RESERVE))
        self._low_bytes = int(max_bytes * RESERVE)
        self._lesser: deque[Item] = deque()
        self._graver: deque[Item] = deque()
        self._lesser_bytes = 0
        self._graver_bytes = 0
        self._marks: deque[tuple[int, Mark]] = deque()
        self.size = 0
        self.bytes = 0
        self.arrivals = 0
        self.waiters: list[Waiter] = []
        self.releases = 0
        self.inside = 0
        self.stalled = False
        self.closed = False
        self.orphaned = False

    def __bool__(self) -> bool:
        """Tell whether entries wait here; those in the writer's hands do not."""
        return bool(self._lesser or self._graver)

    def fullness(self) -> float:
        """Return the share of the room that is taken, by number or by bytes."""
        return max(self.size / self.max_size, self.bytes / max(1, self._max_bytes))

    def is_urgent(self) -> bool:
        """Tell whether an incomplete batch must not wait: somebody does, or room gets short."""
        return bool(self._marks or self.waiters or self.closed) or self.is_filling()

    def is_filling(self) -> bool:
        """Tell whether half of the room is taken: a sink that is idle must not let it overflow."""
        return self.size * 2 >= self.max_size or self.bytes * 2 >= self._max_bytes

    def has_room(self, level_no: int, size: int) -> bool:
        """Tell whether a record of that level and size may come in; a lesser one sees less room.

        It does not pass those of its kind that wait already.
        """
        if self.waiters and (
            level_no < WARNING or any(one.entry.level_no >= WARNING for one in self.waiters)
        ):
            return False
        return self._fits(level_no, size)

    def _fits(self, level_no: int, size: int, less: int = 0, less_bytes: int = 0) -> bool:
        """Tell whether there is, or would be with some entries less, room."""
        count, used = self.size - less, self.bytes - less_bytes + size
        if level_no < WARNING:
            fits = count < self._low_size and used <= self._low_bytes
        else:
            fits = count < self.max_size and used <= self._max_bytes
        return fits or count == 0

    def refusal(self, level_no: int, size: int) -> str:
        """Return the reason for which such a record has no room."""
        return "overflow" if level_no >= WARNING or not self._fits(WARNING, size) else "reserve"

    def append(self, entry: LogEntry, size: int, waiter: Waiter | None = None) -> None:
        """Take an entry in, room or not; if it has waited for this, that is settled."""
        if waiter is not None:
            waiter.settled = True
        self.size += 1
        self.bytes += size
        self.arrivals += 1
        if entry.level_no < WARNING:
            self._lesser_bytes += size
            self._lesser.append((entry, size, self.arrivals))
        else:
            self._graver_bytes += size
            self._graver.append((entry, size, self.arrivals))

    def evict(self, level_no: int, size: int, victims: deque[LogEntry]) -> bool:
        """Make room by giving up older entries; never one of WARNING or above for a lesser one.

        Each costs the same however long the queue is. Nothing is given up if that were too little.

        Args:
            level_no: of the record that wants to come in.
            size: bytes it takes.
            victims: gets what was given up, in order.

        Returns:
            Whether there is room now.
        """
        lesser, graver = self._lesser, self._graver
        count, free = len(lesser), self._lesser_bytes
        if level_no >= WARNING:
            count, free = count + len(graver), free + self._graver_bytes
        # An entry may always take the very place of those it replaces, reserve or not.
        if not count or (free < size and not self._fits(level_no, size, count, free)):
            return False
        freed = number = 0
        line = lesser
        try:
            while freed < size and not self._fits(level_no, size):
                line = lesser or graver
                entry, weight, number = line[0]
                freed += weight
                victims.append(entry)
                self.size -= 1
                self.bytes -= weight
                if line is lesser:
                    self._lesser_bytes -= weight
                else:
                    self._graver_bytes -= weight
                line.popleft()
        except BaseException:
            if line and line[0][2] == number:  # struck between the two calls: it is still here
                victims.pop()
            raise
        return True

    def take(self, most: int) -> list[Item]:
        """Return the next entries, at most that many, up to the next mark; they keep their room."""
        lesser, graver = self._lesser, self._graver
        end = self._marks[0][0] if self._marks else self.arrivals
        batch: list[Item] = []
        while len(batch) < most:
            if not graver:
                line = lesser
            elif not lesser:
                line = graver
            else:
                line = lesser if lesser[0][2] < graver[0][2] else graver
            if not line or line[0][2] > end:
                break
            batch.append(line.popleft())
            if line is lesser:
                self._lesser_bytes -= batch[-1][1]
            else:
                self._graver_bytes -= batch[-1][1]
        return batch

    def release(self, part: list[Item]) -> None:
        """Give back the room of entries that were taken, and let in those that wait for it."""
        self.size -= len(part)
        self.bytes -= sum(item[1] for item in part)
        self.releases += 1
        if self.waiters and not self.closed:
            self.let_in()

    def let_in(self) -> None:
        """Take in those who wait, as far as there is room."""
        # By turns, but for the reserve: a warning does not wait for the lesser ones before it.
        left: list[Waiter] = []
        for index, waiter in enumerate(self.waiters):
            level_no = waiter.entry.level_no
            if waiter.settled:  # Ctrl-C has ended an earlier round right here
                continue
            if level_no < WARNING and left:
                left.append(waiter)
            elif self._fits(level_no, waiter.size):
                self.append(waiter.entry, waiter.size, waiter)
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

    def orphan(self) -> None:
        """Let go of all in a forked child: what was here, and who waited here, is the parent's."""
        self.orphaned = self.closed = True
        for waiter in self.waiters:
            waiter.settled = True
            waiter.token.put(None)
        self.clear(settled=False)

    def mark(self) -> Mark:
        """Leave a mark behind all entries; it is told once all before it are settled."""
        mark: Mark = queue.SimpleQueue()
        self._marks.append((self.arrivals, mark))
        return mark

    def unmark(self, mark: Mark) -> None:
        """Take a mark back; harmless if it is not here any more."""
        for index, (_, one) in enumerate(self._marks):
            if one is mark:
                del self._marks[index]
                return

    def tell_marks(self) -> None:
        """Tell each flush() whose mark stands first; only while the writer's hands are empty."""
        while self._marks:
            number, mark = self._marks[0]
            if any(line and line[0][2] <= number for line in (self._lesser, self._graver)):
                return
            self._marks.popleft()
            mark.put(True)

    def clear(self, *, settled: bool) -> None:
        """Forget all that is here or in the writer's hands, and tell those who flush."""
        self.size = self.bytes = self._lesser_bytes = self._graver_bytes = 0
        self._lesser.clear()
        self._graver.clear()
        while self._marks:
            self._marks.popleft()[1].put(settled)
