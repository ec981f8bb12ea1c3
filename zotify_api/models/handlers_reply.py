"""Reply of ``GET /api/logs/handlers``."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from zotify_api.models.log_control import Setting, TargetKind
from zotify_api.models.strict import Outgoing

__all__ = [
    "ChangeInForce",
    "Counters",
    "HandlerReport",
    "HandlersReply",
    "Health",
    "LoggerReport",
    "SummedHandler",
    "WorkerStatus",
]


class Counters(Outgoing):
    """A handler's ledger: accepted = written + queued + dropped + failed."""

    accepted: int
    ignored: int
    written: int
    queued: int
    spooled: int
    failed_over: int
    internal: int
    replayed: int
    dropped: dict[str, int] = Field(description="By reason.")
    failed: dict[str, int] = Field(description="By reason.")
    bytes: int
    last_error: str | None


class Health(Outgoing):
    """How a handler fares, by its own bookkeeping."""

    status: Literal["ok", "degraded", "failing"]
    reasons: list[str]


class HandlerReport(Outgoing):
    """A handler of one worker."""

    kind: str = Field(description="Its class.")
    level: str
    enabled: bool
    health: Health
    statistics: Counters


class SummedHandler(Outgoing):
    """A handler of all workers that run: counters added up, the worst health."""

    name: str
    kind: str | None
    level: str | None = Field(description="null: the workers differ.")
    enabled: bool | None = Field(description="null: the workers differ.")
    health: Health
    statistics: Counters
    workers: int = Field(description="How many have it.")


class WorkerStatus(Outgoing):
    """One process and its handlers."""

    pid: int
    state: Literal["live", "stale", "ended", "dead"]
    answered: bool = Field(description="Whether it is the one that answers this request.")
    begun: str
    updated: str
    handlers: dict[str, HandlerReport]


class LoggerReport(Outgoing):
    """A logger with a level of its own, in the worker that answers."""

    name: str
    level: str
    enabled: bool


class ChangeInForce(Outgoing):
    """What was changed at run time and still holds, in every worker."""

    kind: TargetKind
    name: str
    setting: Setting
    value: str | bool
    until: str | None = Field(description="When it returns by itself; null: when it is changed.")


class HandlersReply(Outgoing):
    """The registry: all handlers, summed and by worker."""

    handlers: list[SummedHandler]
    workers: list[WorkerStatus]
    loggers: list[LoggerReport]
    changes: list[ChangeInForce]
