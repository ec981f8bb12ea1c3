"""Finds out where the chain stands when the live file is not as the last writer left it.

A crash leaves a torn line, a whole line that nobody counted, or a rotation that was half done; an
outsider leaves a live file that is shorter, gone, or another one. Nothing is ever cut off or
overwritten: torn lines are ended by a newline and accounted for, other files are set aside under
the name of a segment. Everything here runs under the trail's lock file.
"""

from __future__ import annotations

import os
import re
import uuid
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ..exceptions import UnsupportedFileError
from ..storage.appender import open_append
from .chain import GENESIS, ChainLine, could_be_torn, parse_line
from .line_members import line_time_us
from .lines import RawLine, digest_range, read_backward, read_forward
from .note import Note, opening_note, started_note
from .segments import list_segments, open_segment, segment_path
from .state import ChainHead

__all__ = ["Standing", "take_stock"]

_CHAIN_ID = re.compile(rb'"chain_id":"([0-9a-f]{32})"')


class Standing(NamedTuple):
    """Where the chain goes on.

    Attributes:
        descriptor: the live file, open for appending; the caller owns it.
        head: the last good line; ``size`` is that of the live file now.
        notes: what must be written first.
        torn: whether the last line has no newline, so that one must be written before all.
    """

    descriptor: int
    head: ChainHead
    notes: tuple[Note, ...]
    torn: bool


def take_stock(path: str, known: ChainHead | None, mode: int) -> Standing:
    """Compare the live file with what is known of it, and say how to go on.

    Args:
        path: the live file.
        known: what the last writer left, ``None`` if nobody knows.
        mode: permissions of a live file made here.

    Raises:
        UnsupportedFileError: the file is not a regular one, or holds something else than a trail.
        OSError: it cannot be opened or read.
    """
    if known is None:
        return _without_memory(path, mode)
    try:
        status = os.stat(path)
    except FileNotFoundError:
        status = None
    if status is None or status.st_ino != known.inode:
        closed = segment_path(path, known.first_seq, known.seq)
        if not _is_left_by(closed, known):
            return _start_over(path, known, mode, "missing" if status is None else "replaced")
        descriptor = open_append(path, mode)  # a rotation, whose new file may not be begun yet
        try:
            size = os.fstat(descriptor).st_size
            standing = _walk(descriptor, 0, size, _begun(known, descriptor))
        except BaseException:
            os.close(descriptor)
            raise
        if standing.head.seq == known.seq:
            opened = opening_note(known, os.path.basename(closed))
            return standing._replace(notes=(opened, *standing.notes))
        return standing
    if status.st_size < known.size:
        return _start_over(path, known, mode, "truncated")
    descriptor = open_append(path, mode)
    try:
        return _walk(descriptor, known.size, os.fstat(descriptor).st_size, known)
    except BaseException:
        os.close(descriptor)
        raise


def _begun(closed: ChainHead, descriptor: int) -> ChainHead:
    return closed._replace(inode=os.fstat(descriptor).st_ino, size=0, first_seq=closed.seq + 1)


def _is_left_by(path: str, known: ChainHead) -> bool:
    try:
        status = os.stat(path)
    except OSError:
        return False
    return status.st_ino == known.inode and status.st_size == known.size


def _walk(descriptor: int, start: int, end: int, head: ChainHead) -> Standing:
    # From what is known to the end of the file: good lines move the head, the rest behind the last
    # good line is the region to account for.
    region = -1
    count = 0
    torn = foreign = False
    last = b""
    for line in read_forward(descriptor, start, end):
        torn = not line.complete
        parsed = parse_line(line.data)
        if parsed is not None and _continues(parsed, head):
            head = head._replace(seq=parsed.seq, hash=parsed.hash)
            last, region, count, foreign = line.data, -1, 0, False
            continue
        if region < 0:
            region = line.offset
        count += 1
        foreign = foreign or not could_be_torn(line.data)
    if last:
        head = head._replace(timestamp_us=max(head.timestamp_us, line_time_us(last)))
    return Standing(
        descriptor,
        head._replace(size=end),
        _account(descriptor, head, region, end, count, torn, foreign),
        torn,
    )


def _continues(line: ChainLine, head: ChainHead) -> bool:
    return line.intact and line.seq == head.seq + 1 and line.prev == head.hash


def _account(
    descriptor: int, head: ChainHead, region: int, end: int, count: int, torn: bool, foreign: bool
) -> tuple[Note, ...]:
    if region >= 0:
        details: dict[str, object] = {
            "region": {
                "offset": region,
                "bytes": end - region,
                "lines": count,
                "sha256": digest_range(descriptor, region, end),
            }
        }
        if foreign:
            details = {"chain_id": head.chain_id, "kind": "foreign_bytes", **details}
            return (Note("audit.anomaly", details),)
        return (Note("audit.recovered", details),)
    if torn:  # only the newline is missing: the event is whole and counts
        return (Note("audit.recovered", {"completed_seq": head.seq}),)
    return ()


def _start_over(path: str, known: ChainHead, mode: int, kind: str) -> Standing:
    found: dict[str, object] | None = None
    if os.path.exists(path) and os.path.getsize(path):
        found = _set_aside(path, known)
    descriptor = open_append(path, mode)
    anomaly = Note(
        "audit.anomaly",
        {
            "chain_id": known.chain_id,
            "kind": kind,
            "expected": {"seq": known.seq, "hash": known.hash, "bytes": known.size},
            "found": found,
        },
    )
    return Standing(descriptor, _begun(known, descriptor), (anomaly,), False)


def _set_aside(path: str, known: ChainHead) -> dict[str, object]:
    descriptor = open_segment(path)
    try:
        size = os.fstat(descriptor).st_size
        first = next(_intact(read_forward(descriptor, 0, size)), None)
        last = next(_intact(read_backward(descriptor, 0, size)), None)
    finally:
        os.close(descriptor)
    first_seq = first[1].seq if first else known.first_seq
    last_seq = max(first_seq, last[1].seq if last else known.seq)
    while True:
        aside = segment_path(path, first_seq, last_seq)
        try:
            os.link(path, aside)  # unlike rename, never replaces a segment
        except FileExistsError:
            last_seq += 1
            continue
        os.unlink(path)
        return {
            "bytes": size,
            "last_seq": last[1].seq if last else None,
            "set_aside_as": os.path.basename(aside),
        }


def _intact(lines: Iterable[RawLine]) -> Iterator[tuple[RawLine, ChainLine]]:
    for line in lines:
        parsed = parse_line(line.data)
        if parsed is not None and parsed.intact:
            yield line, parsed


def _without_memory(path: str, mode: int) -> Standing:
    descriptor = open_append(path, mode)
    try:
        status = os.fstat(descriptor)
        if status.st_size:
            return _from_content(path, descriptor, status.st_size)
        head = ChainHead(status.st_ino, 0, 1, 0, 0, GENESIS, uuid.uuid4().hex)
        segments = list_segments(path)
        if not segments:
            return Standing(descriptor, head, (started_note(head),), False)
        closed = _closed_head(segments[-1].path, segments[-1].first_seq)
        note = opening_note(closed, segments[-1].name)
        return Standing(descriptor, _begun(closed, descriptor), (note,), False)
    except BaseException:
        os.close(descriptor)
        raise


def _closed_head(path: str, first_seq: int) -> ChainHead:
    descriptor = open_segment(path)
    try:
        status = os.fstat(descriptor)
        head = _read_head(descriptor, status.st_size)
    finally:
        os.close(descriptor)
    if head is None:
        raise UnsupportedFileError(
            f"{path}: has the name of a segment of this trail, but holds no line of one; "
            "move it away, or let the trail begin in another folder"
        )
    return head._replace(first_seq=first_seq, size=status.st_size)


def _read_head(descriptor: int, size: int) -> ChainHead | None:
    found = next(_intact(read_backward(descriptor, 0, size)), None)
    if found is None:
        return None
    line, last = found
    first = next(_intact(read_forward(descriptor, 0, size)), (line, last))
    chain_id = _CHAIN_ID.search(first[0].data)
    return ChainHead(
        os.fstat(descriptor).st_ino,
        line.end,
        first[1].seq,
        last.seq,
        line_time_us(line.data),
        last.hash,
        chain_id[1].decode("ascii") if chain_id else "0" * 32,
    )


def _from_content(path: str, descriptor: int, size: int) -> Standing:
    head = _read_head(descriptor, size)
    if head is not None:
        standing = _walk(descriptor, head.size, size, head)
        if standing.torn or head.size < size or os.pread(descriptor, 1, size - 1) == b"\n":
            return standing
        completed = Note("audit.recovered", {"completed_seq": head.seq})
        return standing._replace(notes=(completed,), torn=True)
    status = os.fstat(descriptor)
    fresh = ChainHead(status.st_ino, 0, 1, 0, 0, GENESIS, uuid.uuid4().hex)
    standing = _walk(descriptor, 0, size, fresh)
    if any(note.event_type != "audit.recovered" for note in standing.notes):
        raise UnsupportedFileError(
            f"{path}: is not an audit trail, and is left alone; name another file, or move it away"
        )
    return standing._replace(notes=(started_note(fresh), *standing.notes))
