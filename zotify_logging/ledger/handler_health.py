"""How a handler fares, in one word and with its reasons."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

__all__ = ["HandlerHealth"]


@dataclass(frozen=True)
class HandlerHealth:
    """How a handler fares, by its own bookkeeping; nothing was tried out for it.

    Attributes:
        status: ``failing``: the sink refused the latest it was given, or takes nothing while
            records wait. ``degraded``: records were not written in the last five minutes, or the
            queue is more than 80 % full. ``ok``: neither.
        reasons: why, one phrase each; empty if ``ok``.
    """

    status: Literal["ok", "degraded", "failing"]
    reasons: tuple[str, ...] = ()
