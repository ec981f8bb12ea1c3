"""Query parameters and reply of ``GET /api/logs/audit``."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from zotify_api.models.stream_query import Instant, SearchText
from zotify_api.models.strict import Incoming, Outgoing

__all__ = ["AuditIntegrity", "AuditPageInfo", "AuditQueryParams", "AuditReply"]

Word = Annotated[str, StringConstraints(min_length=1, max_length=255)]
EventType = Annotated[
    str, StringConstraints(max_length=130, pattern=r"^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*(\.\*)?$")
]


class AuditQueryParams(Incoming):
    """Filters of the audit trail: different names AND, repeats OR, all literal."""

    event_type: list[EventType] = Field(
        default_factory=list,
        max_length=50,
        description="Exact, or all below with a trailing .* (config.*); may be repeated.",
    )
    user_id: Word | None = Field(None, description="Who did it.")
    outcome: Literal["success", "failure", "unknown", "pending"] | None = None
    source_ip: Word | None = Field(None, description="Address or network (10.0.0.0/8).")
    request_id: Word | None = Field(None, description="The request's id.")
    target_type: Word | None = Field(None, description="Kind of what was acted on.")
    target_id: Word | None = Field(None, description="Id of what was acted on.")
    since: Instant | None = Field(None, description="Inclusive.")
    until: Instant | None = Field(None, description="Exclusive.")
    seq_from: int | None = Field(None, ge=1, le=2**63 - 1, description="Inclusive.")
    seq_to: int | None = Field(None, ge=1, le=2**63 - 1, description="Inclusive.")
    q: SearchText | None = Field(None, description="Literal text in the line.")
    order: Literal["desc", "asc"] = Field("desc", description="By seq; newest first by default.")
    limit: int = Field(100, ge=1, le=1000, description="Events in one page.")
    after: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = Field(
        None, description="Cursor from page.next_after of the same filters."
    )
    format: Literal["json", "ndjson"] | None = Field(
        None, description="Overrides Accept; ndjson gives the original bytes of each line."
    )


class AuditPageInfo(Outgoing):
    """Where this page stands."""

    next_after: str | None = Field(description="Cursor of the next page.")
    has_more: bool
    limit: int
    order: Literal["desc", "asc"]
    as_of_seq: int | None = Field(description="Newest event when the page was read.")
    complete_through: int | None = Field(description="All events up to here were looked at.")
    index: str = Field(description="How it was found: scan, or the name of an index.")


class AuditIntegrity(Outgoing):
    """The chain's head, to be kept elsewhere as an anchor."""

    chain_id: str | None
    head_seq: int | None
    head_hash: str | None
    sealed_through: int | None = None
    last_verify: str | None = None


class AuditReply(Outgoing):
    """One page of audit events."""

    events: list[dict[str, Any]]
    page: AuditPageInfo
    integrity: AuditIntegrity
