"""Replies of the health routes: open to everybody, so without paths, addresses or error texts."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zotify_api.models.strict import Outgoing

__all__ = ["HandlerHealth", "HealthReply", "ReadyReply"]


class HandlerHealth(Outgoing):
    """Counters of one handler in this process."""

    accepted: int
    written: int
    queued: int
    dropped: int = Field(description="Sum over all reasons.")
    failed: int = Field(description="Sum over all reasons.")


class HealthReply(Outgoing):
    """The process answers."""

    status: Literal["ok"] = "ok"
    version: str
    uptime: float = Field(description="Seconds since start.")
    streams: int = Field(description="Open log streams.")
    handlers: dict[str, HandlerHealth]


class ReadyReply(Outgoing):
    """Whether requests can be served in full."""

    status: Literal["ok", "degraded", "failing"]
    reasons: list[str] = Field(description="What cannot be used first, then what was lost.")
