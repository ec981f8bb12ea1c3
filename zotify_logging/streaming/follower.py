"""Reads a log as one subscriber wants it: place, filters, limits; without waiting and threads."""

from __future__ import annotations

import os
from collections.abc import Sequence

from ..clock import SYSTEM_CLOCK, Clock
from ..exceptions import StaleCursorError
from ..storage.cursor import ORIGIN, Cursor
from ..storage.tailed import Gap, Rotated, Tailed, TailedLine, Waiting
from ..storage.tailer import Tailer
from .follow_options import FollowOptions
from .fragments import split_fragments
from .record_head import timestamp_us
from .selection import Selection
from .start import find_since, find_tail, head_before
from .stream_record import StreamRecord, control_record, log_record

__all__ = ["Follower"]

_UNTIL_DISORDER_US = 1_000_000


class Follower:
    """One reader of one log. Not thread-safe: one caller at a time; see :class:`.Subscription`.

    Args:
        path: the live file.
        options: what is asked for.
        clock: the time, for tests.

    Raises:
        ZotifyLoggingError: as :func:`zotify_logging.streaming.follow` says.
        OSError: a file of the log exists but cannot be opened.

    Attributes:
        finished: the ``end`` record has been given.
        idle: the last :meth:`read` came to the end of what is there now.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        options: FollowOptions,
        *,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self.path = os.path.abspath(os.fspath(path))
        self._clock = clock
        self._until = options.until
        self._selection = Selection(
            level=options.level,
            logger=options.logger,
            q=options.q,
            case=options.case,
            invert=options.invert,
            since=options.since,
            until=options.until,
        )
        self.finished = False
        self.idle = False
        self._skip = 0
        self._left = options.limit
        self._left_reason = "limit"
        # A snapshot has nothing to wait for; that the file is missing is worth saying all the same.
        self._missing = not options.follow and not os.path.lexists(self.path)
        cursor = self._find_start(options)
        self._tailer = Tailer(self.path, cursor, snapshot=not options.follow, clock=clock)
        gap = self._tailer.opening_gap
        if options.strict and gap is not None:
            self._tailer.close()
            raise StaleCursorError(
                f"after: {gap.start.encode()!r} points at data that is gone ({gap.reason});"
                " read without `strict` to go on behind the gap, or begin anew with `tail`"
            )
        self._position = self._tailer.position

    def _find_start(self, options: FollowOptions) -> Cursor:
        if options.after is not None:
            cursor = Cursor.decode(options.after)
            if self._selection.reads_heads:
                self._selection.remember(head_before(self.path, cursor))
            return cursor
        if options.since is not None:
            return find_since(self.path, options.since)
        count = options.tail_count()
        if count is None:
            return ORIGIN
        snapshot = not options.follow
        cursor, self._skip = find_tail(self.path, count, self._selection, snapshot=snapshot)
        if snapshot and (self._left is None or count < self._left):
            # What is written between that look and the end of the snapshot is not asked for.
            self._left, self._left_reason = count, "eof"
        return cursor

    @property
    def cursor(self) -> str:
        """Position behind the last record given, or farther where filtered lines follow it."""
        return self._position.encode()

    @property
    def due(self) -> float | None:
        """Monotonic time at which :meth:`read` may give more although no file has changed."""
        times = [] if self._tailer.due is None else [self._tailer.due]
        if self._until is not None:
            left = (self._until + _UNTIL_DISORDER_US) * 1000 - self._clock.time_ns()
            times.append(self._clock.monotonic() + max(0, left) / 1e9)
        return min(times, default=None)

    def read(self) -> list[StreamRecord]:
        """Return the next records, at most a block's worth; never waits.

        An empty list means "nothing now" if :attr:`idle` is set, else that all was filtered out:
        read again.
        """
        if self.finished:
            return []
        if self._left == 0:  # a snapshot of no record
            return self._ending(self._left_reason)
        found = self._tailer.read()
        self.idle = not found
        records = self._select(found)
        if not self.finished:
            self._position = self._tailer.position
            if self._tailer.finished:
                records += self._ending("eof")
            elif self.idle and self._is_past_until(self._clock.time_ns() // 1000):
                records.append(self._end("until"))
        return records

    def close(self) -> None:
        """Close every descriptor; again is harmless. No ``end`` record follows."""
        self.finished = True
        self._tailer.close()

    def _select(self, found: Sequence[Tailed]) -> list[StreamRecord]:
        records: list[StreamRecord] = []
        for item in found:
            if isinstance(item, TailedLine):
                self._select_line(item, records)
                if self.finished:
                    break
            else:
                records.append(_control(item))
        return records

    def _select_line(self, item: TailedLine, records: list[StreamRecord]) -> None:
        for part in split_fragments(item.line):
            whole = part.end == item.line.end
            cursor = item.cursor if whole else item.cursor._replace(offset=part.end)
            record = log_record(part, cursor, item.late)
            if self._until is not None and record.timestamp is not None:
                moment = timestamp_us(record.timestamp)
                if moment is not None and self._is_past_until(moment):
                    records.append(self._end("until"))
                    return
            if not self._selection.accepts(record):
                continue
            if self._skip:
                self._skip -= 1
                continue
            records.append(record)
            self._position = cursor
            if self._left is not None:
                self._left -= 1
                if self._left == 0:
                    records += self._ending(self._left_reason)
                    return

    def _is_past_until(self, moment: int) -> bool:
        return self._until is not None and moment >= self._until + _UNTIL_DISORDER_US

    def _ending(self, reason: str) -> list[StreamRecord]:
        if self._missing and reason == "eof":
            return [control_record("waiting", self._position), self._end(reason)]
        return [self._end(reason)]

    def _end(self, reason: str) -> StreamRecord:
        self._tailer.close()
        self.finished = True
        return control_record("end", self._position, reason=reason)


def _control(item: Gap | Rotated | Waiting) -> StreamRecord:
    if isinstance(item, Gap):
        return control_record(
            "gap",
            item.cursor,
            reason=item.reason,
            lines=None,
            bytes=item.bytes,
            from_=item.start.encode(),
            to=item.cursor.encode(),
        )
    return control_record("rotated" if isinstance(item, Rotated) else "waiting", item.cursor)
