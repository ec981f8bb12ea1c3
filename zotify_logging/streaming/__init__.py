"""The live-follow engine: reads any log file across rotation and restart, and wakes its readers.

:func:`follow` is all that most users need; servers add :mod:`.encoding`, writers :func:`waker`.
Nothing in this package logs.
"""

from __future__ import annotations

import os

from .encoding import ENCODERS, encode_ndjson, encode_sse, encode_text
from .follow_options import DEFAULT_TAIL, FollowOptions
from .follower import Follower
from .hub import Waker, waker
from .stream_record import StreamRecord, control_record
from .subscription import Subscription

__all__ = [
    "DEFAULT_TAIL",
    "ENCODERS",
    "StreamRecord",
    "Subscription",
    "Waker",
    "control_record",
    "encode_ndjson",
    "encode_sse",
    "encode_text",
    "follow",
    "waker",
]


def follow(
    path: str | os.PathLike[str],
    *,
    after: str | None = None,
    since: int | None = None,
    until: int | None = None,
    tail: int | str | None = None,
    level: int | str | None = None,
    logger: str | None = None,
    q: str | None = None,
    invert: bool = False,
    case: bool = False,
    follow: bool = True,
    limit: int | None = None,
    strict: bool = False,
) -> Subscription:
    """Follow a log file, ours or not, written by this process or another.

    The start is ``after``, else ``since``, else ``tail``. Lines come once and in order; what is
    missing is told by a ``gap`` record. The file need not exist yet.

    Args:
        path: the live file; ``.1 … .N`` beside it are its closed predecessors.
        after: cursor of the last record received before; delivery goes on right behind it.
        since: first moment, inclusive, epoch microseconds.
        until: last moment, exclusive, epoch microseconds; ends the stream.
        tail: the last N matching records first, or ``"all"``; 100 by default.
        level: minimum level, by name or number.
        logger: logger name and what is below it (``app`` includes ``app.db``).
        q: literal text that a line must hold, at most 256 characters.
        invert: a line must not hold ``q``.
        case: ``q`` minds upper and lower case.
        follow: false reads to the end of the log as it is now, then gives ``end`` (``eof``).
        limit: records to give at most; control records do not count.
        strict: refuse a cursor whose data is gone, instead of beginning with a gap.

    Raises:
        MalformedCursorError: ``after`` is not a cursor of a log.
        StaleCursorError: with ``strict``: what ``after`` points at is gone.
        ParameterError: an unknown level, an overlong ``q``, a negative count.
        UnsupportedFileError: the path is no regular file.
        OSError: a file of the log exists but cannot be opened.
    """
    options = FollowOptions(
        after=after,
        since=since,
        until=until,
        tail=tail,
        level=level,
        logger=logger,
        q=q,
        invert=invert,
        case=case,
        follow=follow,
        limit=limit,
        strict=strict,
    )
    return Subscription(Follower(path, options))
