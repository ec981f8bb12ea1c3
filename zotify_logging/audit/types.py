"""The registry of event types: which names are known, and what their details hold.

An unknown type is still written (and flagged); the registry is for people who read the trail, for
the default outcome of a type, and for catching misspelt names.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..exceptions import AuditEventError

__all__ = [
    "INVALID_TYPE",
    "MAX_TYPE",
    "EventType",
    "is_event_type",
    "known_event_types",
    "register_event_type",
]

MAX_TYPE = 128
"""Characters in an event type, at most."""

INVALID_TYPE = "audit.invalid_type"
"""The type under which an event with an impossible name is written."""

_RULE = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)+", re.ASCII)


class EventType(NamedTuple):
    """One known type.

    Attributes:
        name: dotted lower-case name, such as ``user.login``.
        fields: names that its details usually hold.
        outcome: what is written when the caller gives none.
    """

    name: str
    fields: tuple[str, ...] = ()
    outcome: str = "success"


_BUILT_IN = (
    EventType("user.login", ("method",)),
    EventType("user.logout", ("method",)),
    EventType("auth.denied", ("method", "path", "reason"), "failure"),
    EventType("config.update", ("changes",)),
    EventType("config.reset", ("names",)),
    EventType("track.create", ("path",)),
    EventType("track.update", ("changes",)),
    EventType("track.delete", ("path",)),
    EventType("job.start", ("job_id", "job_type")),
    EventType("job.finish", ("job_id", "job_type", "status")),
    EventType("job.fail", ("job_id", "job_type", "error"), "failure"),
    EventType("job.cancel", ("job_id", "job_type")),
    EventType("key.create", ("key_id", "scopes")),
    EventType("key.revoke", ("key_id",)),
    EventType("audit.read", ("filters", "reads")),
    # Written by the trail about itself.
    EventType("audit.chain.started", ("chain_id",)),
    EventType("audit.segment.opened", ("chain_id", "closed")),
    EventType("audit.segment.pruned", ("segments",)),
    EventType("audit.recovered", ("region", "completed_seq")),
    EventType("audit.anomaly", ("chain_id", "kind", "expected", "found", "closed"), "unknown"),
    EventType("audit.gap", ("lost", "reasons", "first_at", "last_at"), "failure"),
    EventType(INVALID_TYPE, ("event_type",), "unknown"),
)

_known: dict[str, EventType] = {kind.name: kind for kind in _BUILT_IN}


def is_event_type(name: object) -> bool:
    """Tell whether ``name`` may be an event type: ``^[a-z][a-z0-9_]*(\\.[a-z][a-z0-9_]*)+$``."""
    return isinstance(name, str) and len(name) <= MAX_TYPE and _RULE.fullmatch(name) is not None


def register_event_type(
    name: str, fields: Iterable[str] = (), *, outcome: str = "success"
) -> EventType:
    """Make an application's own type known; registering the same name again replaces it.

    Args:
        name: two or more dotted lower-case words, at most 128 characters.
        fields: what its details usually hold; documentation, nothing is refused by it.
        outcome: ``success``, ``failure``, ``unknown`` or ``pending``, used where none is given.

    Raises:
        AuditEventError: the name breaks the rule, belongs to the trail, or the outcome is none.
    """
    if not is_event_type(name):
        raise AuditEventError(
            f"event type {name!r:.160}: must be dotted lower-case words of a-z, 0-9 and _, at most "
            f"{MAX_TYPE} characters, such as 'playlist.export'"
        )
    if name.startswith("audit.") and name != "audit.read":
        raise AuditEventError(f"event type {name!r}: 'audit.' is kept for the trail's own events")
    if outcome not in ("success", "failure", "unknown", "pending"):
        raise AuditEventError(
            f"event type {name!r}: outcome {outcome!r} is not success, failure, unknown or pending"
        )
    kind = EventType(name, tuple(fields), outcome)
    _known[name] = kind
    return kind


def known_event_types() -> Mapping[str, EventType]:
    """Return a live, read-only view of all known types by name."""
    return MappingProxyType(_known)
