"""Query parameters of ``GET /api/logs/system/stream``."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from zotify_api.models.strict import Incoming

__all__ = ["Instant", "Level", "LoggerPrefix", "SearchText", "StreamQuery"]

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
Instant = Annotated[str, StringConstraints(min_length=1, max_length=64)]
LoggerPrefix = Annotated[str, StringConstraints(min_length=1, max_length=255)]
SearchText = Annotated[str, StringConstraints(min_length=1, max_length=256)]

_WHEN = "RFC 3339 with offset, unix seconds, or 15m, 2h, 1d ago"


class StreamQuery(Incoming):
    """What to stream of the system log, and in which form."""

    follow: bool = Field(True, description="false: a snapshot that ends at the end of the file.")
    tail: Annotated[int, Field(ge=0, le=10_000)] | Literal["all"] | None = Field(
        None,
        description="The last N matching records first, or all;"
        " 100 unless after or since is given.",
    )
    after: Annotated[str, StringConstraints(min_length=1, max_length=512)] | None = Field(
        None, description="Cursor to resume after; the Last-Event-ID header wins over it."
    )
    since: Instant | None = Field(None, description=f"From this time on, inclusive: {_WHEN}.")
    until: Instant | None = Field(None, description=f"Up to this time, exclusive: {_WHEN}.")
    level: Level | None = Field(None, description="Least level.")
    logger: LoggerPrefix | None = Field(None, description="Logger and those below it.")
    q: SearchText | None = Field(None, description="Literal text that the line holds.")
    invert: bool = Field(False, description="Lines that do not hold q.")
    case: bool = Field(False, description="q distinguishes upper and lower case.")
    format: Literal["text", "ndjson", "sse"] | None = Field(
        None, description="Overrides the Accept header."
    )
    limit: int | None = Field(None, ge=1, le=1_000_000, description="End after so many records.")
    keepalive: float = Field(15.0, ge=5, le=60, description="Seconds of silence before a sign.")
    strict: bool = Field(False, description="A gap at open is 410 in place of a record.")
