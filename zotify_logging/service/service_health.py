"""The health of all handlers of a service in one word, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from ..ledger import HandlerHealth

__all__ = ["ServiceHealth", "overall_health"]

_RANKS = {"ok": 0, "degraded": 1, "failing": 2}


@dataclass(frozen=True)
class ServiceHealth:
    """How the handlers of a service fare.

    Attributes:
        status: the worst of its handlers: ``ok``, ``degraded`` or ``failing``.
        reasons: why, each with the handler's name before it.
        handlers: the health of each handler, by name.
    """

    status: Literal["ok", "degraded", "failing"]
    reasons: tuple[str, ...]
    handlers: Mapping[str, HandlerHealth]

    def as_dict(self) -> dict[str, object]:
        """Return the health as JSON can carry it."""
        return {
            "status": self.status,
            "reasons": list(self.reasons),
            "handlers": {
                name: {"status": one.status, "reasons": list(one.reasons)}
                for name, one in self.handlers.items()
            },
        }

    def __str__(self) -> str:
        """Return the status, and one reason a line."""
        return "\n".join([self.status, *(f"  {reason}" for reason in self.reasons)])


def overall_health(handlers: Mapping[str, HandlerHealth]) -> ServiceHealth:
    """Return what the health of several handlers comes to."""
    status: Literal["ok", "degraded", "failing"] = "ok"
    for one in handlers.values():
        if _RANKS[one.status] > _RANKS[status]:
            status = one.status
    reasons = [f"{name}: {reason}" for name, one in handlers.items() for reason in one.reasons]
    return ServiceHealth(status, tuple(reasons), handlers)
