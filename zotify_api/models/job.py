"""Jobs of the API as the outside sees them."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zotify_api.models.strict import Incoming, Outgoing

__all__ = ["Job", "JobAccepted", "SyncRequest"]


class SyncRequest(Incoming):
    """The body of ``POST /api/sync``: nothing to choose yet, so it must be empty or ``{}``."""


class JobAccepted(Outgoing):
    """The job exists and will run."""

    job_id: str = Field(description="See /api/jobs/{job_id} and /api/logs/jobs/{job_id}.")


class Job(Outgoing):
    """A job's state."""

    job_id: str
    type: str
    status: Literal["queued", "running", "finished", "failed", "cancelled", "lost"]
    progress: float = Field(description="Per cent.")
    created: str
    started: str | None
    ended: str | None
    error: str | None = Field(description="Why it failed.")
    found: int = Field(description="Audio files found.")
    stored: int = Field(description="Tracks stored or refreshed.")
    failed: int = Field(description="Files that could not be read; each has a line.")
