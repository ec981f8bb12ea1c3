"""What can be changed of handlers and loggers while they run: a closed patch, and its reply."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, StrictBool, field_validator, model_validator

from zotify_api.models.strict import Incoming, Outgoing
from zotify_logging.quantities import parse_duration

__all__ = [
    "MAX_TTL",
    "ChangeReply",
    "Explained",
    "HandlerState",
    "LevelName",
    "LogPatch",
    "Setting",
    "TargetKind",
    "TargetName",
]

MAX_TTL = 30 * 86400.0
"""Seconds that a temporary change may last, at most."""

LevelName = Literal["NOTSET", "DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]
TargetKind = Literal["handler", "logger"]
Setting = Literal["level", "enabled"]
TargetName = Annotated[str, Field(min_length=1, max_length=255)]


class LogPatch(Incoming):
    """What to change; at least one of level and enabled. Nothing else can be said here."""

    level: LevelName | None = Field(
        None,
        description="Least level from now on; null: as the configuration of the logs has it.",
    )
    enabled: StrictBool = Field(
        True, description="false: takes no records; they are counted as ignored."
    )
    ttl: float | str | None = Field(
        None,
        description="Seconds, or a text such as 10 min, after which both return by themselves,"
        " in all workers at the same time. Without it the change holds until the next one.",
        examples=["10 min", 600],
    )

    @field_validator("ttl", mode="before")
    @classmethod
    def _check_ttl(cls, value: object) -> object:
        if value is None:
            return None
        seconds = parse_duration(value)
        if not 1.0 <= seconds <= MAX_TTL:
            raise ValueError(f"must be between 1 second and {MAX_TTL / 86400:.0f} days")
        return seconds

    @model_validator(mode="after")
    def _check_sense(self) -> Self:
        if not self.model_fields_set & {"level", "enabled"}:
            raise ValueError("changes nothing: give level or enabled, or both")
        if self.ttl is not None and "level" in self.model_fields_set and self.level is None:
            raise ValueError("level null ends a change, so that it takes no ttl")
        return self

    @property
    def seconds(self) -> float | None:
        """The ttl in seconds."""
        return None if self.ttl is None else float(self.ttl)

    @property
    def changes(self) -> dict[Setting, str | bool | None]:
        """The settings that are to change, with their new values."""
        given: dict[Setting, str | bool | None] = {"level": self.level, "enabled": self.enabled}
        return {name: value for name, value in given.items() if name in self.model_fields_set}


class HandlerState(Outgoing):
    """Level and switch of a handler or logger in the worker that answers."""

    level: str
    enabled: bool


class ExplainedStep(Outgoing):
    """One hurdle on the way of a record."""

    kind: str = Field(description="logger, filter, propagation, handler, dispatch, last_resort.")
    name: str
    passes: bool | None = Field(description="null: it depends on the single record.")
    why: str


class Explained(Outgoing):
    """The way of a record of one logger and level through the logging tree."""

    logger: str
    level: str
    level_no: int
    steps: list[ExplainedStep]
    accepted_by: list[str] = Field(description="Handlers that take the record for sure.")
    depends: list[str] = Field(description="Handlers that decide by the single record.")


class ChangeReply(Outgoing):
    """What the change came to."""

    kind: TargetKind
    name: str
    previous: HandlerState
    current: HandlerState
    until: str | None = Field(description="When it returns by itself.")
    explain: Explained = Field(
        description="The way of a record of the new level: what else keeps it out, if anything."
    )
    applied: list[int] = Field(description="Workers (by pid) that have applied it.")
    pending: list[int] = Field(
        description="Workers that had not within 2.5 seconds: stuck, or about to end."
    )
