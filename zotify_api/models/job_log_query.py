"""Query parameters and reply of ``GET /api/logs/jobs/{job_id}``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, JsonValue

from zotify_api.models.stream_query import Instant, Level, LoggerPrefix, SearchText
from zotify_api.models.strict import Incoming, Outgoing

__all__ = ["JobLogLine", "JobLogQuery", "JobLogReply", "JobLogSummary"]


class JobLogQuery(Incoming):
    """Which lines of the job; without any parameter all, oldest first."""

    after: int | None = Field(None, ge=0, le=2**63 - 1, description="Lines after this seq.")
    before: int | None = Field(None, ge=1, le=2**63 - 1, description="Lines ahead of this seq.")
    limit: int | None = Field(None, ge=1, le=10_000, description="Lines at most; default all.")
    order: Literal["asc", "desc"] = Field("asc", description="By seq.")
    level: Level | None = Field(None, description="Least level.")
    since: Instant | None = Field(None, description="Inclusive.")
    until: Instant | None = Field(None, description="Exclusive.")
    logger: LoggerPrefix | None = Field(None, description="Logger and those below it.")
    q: SearchText | None = Field(None, description="Literal text in the message.")
    attempt: int | None = Field(None, ge=1, le=2**31 - 1, description="One attempt only.")
    format: Literal["json", "ndjson", "text", "sse"] | None = Field(
        None, description="Overrides Accept. sse is not served yet: poll with after."
    )
    follow: bool = Field(False, description="Not served yet: poll with after.")


class JobLogSummary(Outgoing):
    """The job's row."""

    id: str
    type: str | None
    status: str
    progress: float | None
    attempt: int
    first: str | None = Field(description="Time of the first line.")
    last: str | None = Field(description="Time of the last line.")
    closed: str | None = Field(description="When the job ended; null while it runs.")
    warn_count: int
    error_count: int
    dropped_count: int


class JobLogLine(Outgoing):
    """One line of the job."""

    seq: int
    uid: str
    timestamp: str
    level: str
    logger: str
    message: str
    exception: str | None
    extra: JsonValue
    attempt: int
    source: str | None
    truncated: bool


class JobLogReply(Outgoing):
    """The reply as a whole; it is sent piece by piece."""

    job: JobLogSummary
    items: list[JobLogLine]
    next_after: int | None = Field(description="Pass as after to go on; null with order=desc.")
    next_before: int | None = Field(
        description="With order=desc: pass as before to go on; null when nothing is left."
    )
    has_more: bool
    complete: bool = Field(
        description="The job is closed and no line is left in the direction of order."
    )
    error: dict[str, str] | None = Field(None, description="Why the reply broke off.")
