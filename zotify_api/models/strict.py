"""The base of every model that comes in: closed, and without silent conversions."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict

__all__ = ["Incoming", "Outgoing"]


class Incoming(BaseModel):
    """A body or a set of query parameters; an unknown name is an error that names it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Outgoing(BaseModel):
    """A reply."""

    model_config = ConfigDict(frozen=True)
