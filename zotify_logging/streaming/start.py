"""Finds where a stream begins: the last N matching records, a time, or what precedes a cursor."""

from __future__ import annotations

import os

from ..storage.cursor import ORIGIN, Cursor
from ..storage.line_scanner import bisect_offset, lines_backward
from ..storage.log_segments import Segment, anchor_before, find_cursor, open_segments
from .fragments import split_fragments
from .record_head import RecordHead, read_head, timestamp_us
from .selection import Selection
from .stream_record import StreamRecord, log_record

__all__ = ["LOOK_BACK_BYTES", "find_since", "find_tail", "head_before"]

LOOK_BACK_BYTES = 1024 * 1024
"""How far before a line its predecessor's head is looked for."""

_DISORDER_US = 60_000_000  # several writers' records may be out of order by less than this


def _close(segments: list[Segment]) -> None:
    for segment in segments:
        segment.close()


def _cursor(segments: list[Segment], segment: Segment, offset: int) -> Cursor:
    return segment.at(offset) or anchor_before(segments, segment)


def find_tail(path: str, count: int, selection: Selection, *, snapshot: bool) -> tuple[Cursor, int]:
    """Return a position, and how many matching records to skip from there on, so that ``count``
    matching records (or all, if there are fewer) come before the end.

    Walks back block by block through as many files as it takes, in bounded memory.

    Args:
        path: the live file.
        count: records wanted; 0 gives the end of the log.
        selection: what matches. Its memory of the last head is not touched.
        snapshot: count an unfinished last line too; a follower is given it once it is finished.
    """
    segments = open_segments(path)
    try:
        search = _TailSearch(count, selection)
        for segment in segments:
            for line in lines_backward(segment.descriptor, segment.size):
                if line.unfinished and segment.number == 0 and not snapshot:
                    if count == 0:
                        return _cursor(segments, segment, line.start), 0
                    continue
                if count == 0:
                    return _cursor(segments, segment, line.end), 0
                for part in reversed(split_fragments(line)):
                    if search.is_enough(log_record(part, ORIGIN), part.size):
                        skip = search.found - count
                        return _cursor(segments, segment, part.start), skip
        if not segments:
            return ORIGIN, 0
        return _cursor(segments, segments[-1], 0), max(0, search.finish() - count)
    finally:
        _close(segments)


class _TailSearch:
    """Counts matches backwards; lines without head wait for the head that comes before them."""

    def __init__(self, count: int, selection: Selection) -> None:
        self._count = count
        self._selection = selection
        self._waiting = 0
        self._waiting_bytes = 0
        self.found = 0

    def is_enough(self, record: StreamRecord, size: int) -> bool:
        """Count one record; true once there are enough from it on."""
        matches = self._selection.accepts_text(record)
        if not self._selection.reads_heads:
            self.found += matches
            return self.found >= self._count
        head = record.head
        if head is None:
            self._waiting += matches
            self._waiting_bytes += size + 1
            if self._waiting_bytes < LOOK_BACK_BYTES:
                return False
        elif self._selection.accepts_head(head):
            self._waiting += matches
        else:
            self._waiting = 0
        self.finish()
        return self.found >= self._count

    def finish(self) -> int:
        """Let waiting lines pass, and return how many records match in all."""
        self.found += self._waiting
        self._waiting = self._waiting_bytes = 0
        return self.found


def find_since(path: str, since: int) -> Cursor:
    """Return a position at or somewhat before the first record of a time (epoch microseconds).

    Files last written before that time are passed over, the next one is bisected; lines without a
    readable time make it fall back to reading on from what is known to be earlier.
    """
    segments = open_segments(path)
    try:
        if not segments:
            return ORIGIN
        target = since - _DISORDER_US

        def is_before(data: bytes) -> bool | None:
            head = read_head(data.decode("utf-8", "replace"))
            moment = timestamp_us(head.timestamp) if head is not None else None
            return moment < target if moment is not None else None

        for segment in reversed(segments):
            if os.fstat(segment.descriptor).st_mtime_ns // 1000 >= target or segment.number == 0:
                offset = bisect_offset(segment.descriptor, segment.size, is_before)
                return _cursor(segments, segment, offset)
        newest = segments[0]
        return _cursor(segments, newest, newest.size)
    finally:
        _close(segments)


def head_before(path: str, cursor: Cursor) -> RecordHead | None:
    """Return the last readable head before a position, ``None`` if there is none within 1 MiB."""
    if cursor.offset == 0:
        return None
    segments = open_segments(path)
    try:
        segment = find_cursor(segments, cursor)
        if segment is None:
            return None
        for line in lines_backward(segment.descriptor, min(cursor.offset, segment.size)):
            head = read_head(line.data.decode("utf-8", "replace"))
            if head is not None or cursor.offset - line.start > LOOK_BACK_BYTES:
                return head
        return None
    finally:
        _close(segments)
