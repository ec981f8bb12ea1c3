"""Finds events in a trail: pages by ``seq``, newest or oldest first, straight from the lines.

Nothing is held between calls and nothing is locked: a reader needs no more than permission to read.
Seqs and times never decrease along a trail, so a page at any depth is found by bisection.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ..exceptions import AuditUnreadableError, MalformedCursorError, StaleCursorError
from .bisection import checked_time, find_offset, first_key
from .chain import parse_line
from .line_members import line_seq
from .lines import RawLine, read_backward, read_forward
from .page_cursor import PageCursor
from .query import AuditQuery, LineMatcher
from .segments import TrailFile, open_segment, trail_files

__all__ = ["AuditPage", "AuditReader", "ChainPoint"]

_OPENING_BYTES = 1 << 18  # of a segment, in which its first whole line must be
_CHAIN_ID = re.compile(rb'"chain_id":"([0-9a-f]{32})"')


class ChainPoint(NamedTuple):
    """Where the chain stands: what a checkpoint holds.

    Attributes:
        chain_id: 32 hexadecimal digits, chosen when the chain was started.
        seq: of the last whole line.
        hash: of that line.
    """

    chain_id: str
    seq: int
    hash: str


class AuditPage(NamedTuple):
    """One page of a query.

    Attributes:
        events: the lines as objects, in the order asked for.
        lines: the same as they stand in the file, each with its newline; they verify offline.
        next_after: cursor of the next page; ``None`` at the end of ``desc``, never in ``asc``.
        has_more: whether the next page holds an event now.
        order: ``desc`` or ``asc``.
        as_of_seq: the last line that was there when the page was read.
        complete_through: every matching event from where the page began to this seq is on it.
        damaged: lines on the way that are not whole or whose hash does not hold. They are left out;
            verification tells more.
        chain_id: of the trail.
    """

    events: list[dict[str, object]]
    lines: list[bytes]
    next_after: str | None
    has_more: bool
    order: str
    as_of_seq: int
    complete_through: int
    damaged: int
    chain_id: str


class _Source(NamedTuple):
    # One open file and the range of its whole lines.
    descriptor: int
    end: int


class AuditReader:
    """Reads the trail at ``path``; may be shared by threads.

    Args:
        path: the live file; closed segments are found beside it.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = os.path.abspath(os.fspath(path))

    def head(self) -> ChainPoint:
        """Return chain id, seq and hash of the last line whose hash holds.

        Raises:
            AuditUnreadableError: no trail, or one that cannot be read.
        """
        with self._files() as files:
            for file in reversed(files):
                with self._source(file) as source:
                    for line in read_backward(source.descriptor, 0, source.end):
                        parsed = parse_line(line.data)
                        if parsed is not None and parsed.intact:
                            return ChainPoint(self._chain_id(files), parsed.seq, parsed.hash)
        raise self._unreadable("it holds no event")

    def query(self, query: AuditQuery) -> AuditPage:
        """Return one page. Memory is bounded by the page, whatever the size of the trail.

        Raises:
            MalformedCursorError: ``after`` is no cursor, or one of another trail or other filters.
            StaleCursorError: the events that ``after`` leads to are no longer there.
            AuditUnreadableError: no trail, or one that cannot be read.
        """
        fingerprint = query.fingerprint()
        cursor = None if query.after is None else PageCursor.decode(query.after)
        with self._files() as files:
            chain_id = self._chain_id(files)
            chain = bytes.fromhex(chain_id)[:8]
            first_seq, head_seq = self._bounds(files)
            if cursor is not None:
                _check(cursor, chain, fingerprint, first_seq, head_seq, query.order)
            page = self._scan(query, files, cursor, first_seq, head_seq)
        if page.next_after is None:
            return page._replace(chain_id=chain_id)
        following = PageCursor(int(page.next_after), chain, fingerprint).encode()
        return page._replace(chain_id=chain_id, next_after=following)

    def _scan(
        self,
        query: AuditQuery,
        files: list[TrailFile],
        cursor: PageCursor | None,
        first_seq: int,
        head_seq: int,
    ) -> AuditPage:
        ascending = query.order == "asc"
        low = max(query.seq_from or 1, cursor.seq + 1 if cursor and ascending else 1)
        high = min(
            query.seq_to or head_seq,
            cursor.seq - 1 if cursor and not ascending else head_seq,
            head_seq,
        )
        matcher = LineMatcher(query)
        events: list[dict[str, object]] = []
        lines: list[bytes] = []
        damaged = 0
        has_more = False
        for line in self._lines(query, files, low, high):
            try:
                event = matcher.match(line.data)
            except ValueError:
                damaged += 1
                continue
            if event is None:
                continue
            parsed = parse_line(line.data)
            if parsed is None or not parsed.intact:
                damaged += 1
                continue
            if len(events) == query.limit:
                has_more = True
                break
            events.append(event)
            lines.append(line.data + b"\n")
        last = events[-1]["seq"] if events else None
        last_seq = last if isinstance(last, int) else 0
        if ascending:
            reached = last_seq if has_more else max(head_seq, cursor.seq if cursor else 0)
            following = str(reached)
        else:
            reached = last_seq if has_more else max(first_seq, low)
            following = str(last_seq)
        return AuditPage(
            events,
            lines,
            following if ascending or has_more else None,
            has_more,
            query.order,
            head_seq,
            reached,
            damaged,
            "",
        )

    def _lines(
        self, query: AuditQuery, files: list[TrailFile], low: int, high: int
    ) -> Iterator[RawLine]:
        ascending = query.order == "asc"
        for file in files if ascending else reversed(files):
            if low > high:
                return
            if not file.live and (file.last_seq < low or file.first_seq > high):
                continue
            with self._source(file) as (descriptor, end):
                start, stop = 0, end
                if low > max(1, file.first_seq):
                    start = find_offset(descriptor, 0, end, low, line_seq)
                if query.since_us is not None:
                    start = max(
                        start, find_offset(descriptor, 0, end, query.since_us, checked_time)
                    )
                if file.live or file.last_seq > high:
                    stop = find_offset(descriptor, start, end, high + 1, line_seq)
                if query.until_us is not None:
                    stop = min(
                        stop, find_offset(descriptor, start, end, query.until_us, checked_time)
                    )
                if start < stop:
                    read = read_forward if ascending else read_backward
                    yield from read(descriptor, start, stop)
                if stop < end if ascending else start > 0:
                    return  # what follows is behind the bounds too

    def _bounds(self, files: list[TrailFile]) -> tuple[int, int]:
        first = last = 0
        for file in files:
            with self._source(file) as (descriptor, end):
                first = first_key(read_forward(descriptor, 0, end), line_seq)
            if first:
                break
        for file in reversed(files):
            with self._source(file) as (descriptor, end):
                last = first_key(read_backward(descriptor, 0, end), line_seq)
            if last:
                return first, last
        raise self._unreadable("it holds no event")

    def _chain_id(self, files: list[TrailFile]) -> str:
        for file in files:
            with self._source(file) as (descriptor, end):
                # The first line of a segment names the chain; a torn one may lie before it.
                for count, line in enumerate(read_forward(descriptor, 0, min(end, _OPENING_BYTES))):
                    if match := _CHAIN_ID.search(line.data):
                        return match[1].decode("ascii")
                    if count >= 8:
                        break
        return "0" * 32

    @contextmanager
    def _files(self) -> Iterator[list[TrailFile]]:
        try:
            files = trail_files(self.path)
        except OSError as error:
            raise self._unreadable(str(error)) from error
        if not files:
            raise self._unreadable("there is no such file, nor a closed segment of it")
        try:
            yield files
        except (OSError, EOFError) as error:
            raise self._unreadable(str(error)) from error
        finally:
            for file in files:
                if file.live:
                    os.close(file.descriptor)

    @contextmanager
    def _source(self, file: TrailFile) -> Iterator[_Source]:
        descriptor = file.descriptor if file.live else open_segment(file.path)
        try:
            end = os.fstat(descriptor).st_size
            if end and os.pread(descriptor, 1, end - 1) != b"\n":
                torn = next(read_backward(descriptor, 0, end))  # in the making, or cut by a crash
                end = torn.offset
            yield _Source(descriptor, end)
        finally:
            if not file.live:
                os.close(descriptor)

    def _unreadable(self, why: str) -> AuditUnreadableError:
        return AuditUnreadableError(f"{self.path}: the audit trail cannot be read: {why}")


def _check(
    cursor: PageCursor, chain: bytes, filters: bytes, first_seq: int, head_seq: int, order: str
) -> None:
    if cursor.chain != chain:
        raise MalformedCursorError("after: this cursor belongs to another audit trail; start anew")
    if cursor.filters != filters:
        raise MalformedCursorError(
            "after: this cursor belongs to other filters or another order; repeat those of the "
            "first page, or start anew"
        )
    gone = (
        cursor.seq + 1 < first_seq if order == "asc" else 1 < first_seq and cursor.seq <= first_seq
    )
    if gone or cursor.seq > head_seq:
        raise StaleCursorError(
            f"after: the events at seq {cursor.seq} are gone; the trail holds {first_seq} to "
            f"{head_seq}: start anew"
        )
