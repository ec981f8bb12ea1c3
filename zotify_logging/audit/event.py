"""One audit fact before it is written, and how to make it from a log entry."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from ..context import current_context
from ..records import LogEntry

__all__ = ["ACTOR_TYPES", "OUTCOMES", "AuditEvent", "event_from_entry", "event_from_parts"]

OUTCOMES = ("success", "failure", "unknown", "pending")
"""How an event ended, as far as its writer knows."""

ACTOR_TYPES = ("user", "service", "system", "anonymous")
"""Who may act."""

_NOTHING: Mapping[str, object] = MappingProxyType({})


class AuditEvent(NamedTuple):
    """What happened; the trail adds when, where in the chain, and by which process.

    Values may be anything: what does not fit a member is made to fit and listed in ``problems`` of
    the line, because a misfit must not cost the event. They are read once, when the event is
    written.

    Attributes:
        event_type: see :mod:`zotify_logging.audit.types`.
        outcome: one of :data:`OUTCOMES`; ``None`` = the type's default.
        message: one sentence for people.
        reason: why it ended so.
        user_id: who did it, ``None`` where nobody is known.
        actor_type: one of :data:`ACTOR_TYPES`; ``None`` = ``user`` with a ``user_id``, else
            ``anonymous`` with a ``source_ip``, else ``system``.
        on_behalf_of: for whom.
        source_ip: from where.
        target: ``(type, id)``, or a mapping with these two keys.
        request_id: the request it belongs to.
        details: whatever else there is; strict JSON in at most 16 KiB on the line.
        occurred_us: epoch microseconds, where it happened earlier than it is written.
        problems: findings from before the trail saw the event.
    """

    event_type: object
    outcome: object = None
    message: object = None
    reason: object = None
    user_id: object = None
    actor_type: object = None
    on_behalf_of: object = None
    source_ip: object = None
    target: object = None
    request_id: object = None
    details: object = _NOTHING
    occurred_us: int | None = None
    problems: tuple[str, ...] = ()

    def in_context(self) -> AuditEvent:
        """Return the event with user, address and request of the current context filled in."""
        context = current_context()
        return self.within(context) if context else self

    def within(self, context: Mapping[str, object]) -> AuditEvent:
        """Return the event with user, address and request taken from ``context`` where missing."""
        user_id, source_ip, request_id = self.user_id, self.source_ip, self.request_id
        return self._replace(
            user_id=context.get("user_id") if user_id is None else user_id,
            source_ip=context.get("source_ip") if source_ip is None else source_ip,
            request_id=context.get("request_id") if request_id is None else request_id,
        )


_MEMBERS = frozenset(AuditEvent._fields) - {"message", "details", "occurred_us", "problems"}


def event_from_parts(
    message: str,
    fields: Mapping[str, object],
    exception: str | None,
    stack: str | None = None,
) -> AuditEvent:
    """Return the event that a record stands for, without what its context adds.

    ``fields`` named like members become these; the rest joins ``details``, where an explicit
    ``details`` wins and the clash is listed as a problem. The traceback goes into
    ``details.exception``, the stack of ``stack_info`` into ``details.stack``.
    """
    others = {name: fields[name] for name in fields if name not in _MEMBERS and name != "details"}
    details = fields.get("details", _NOTHING)
    problems: tuple[str, ...] = ()
    if exception is not None:
        others["exception"] = exception
    if stack is not None:
        others["stack"] = stack
    if others:
        if not isinstance(details, Mapping):
            details = {} if details is None else {"details": details}
        problems = tuple(f"extra_clash: {name}" for name in sorted(others) if name in details)
        details = {**others, **details}
    return AuditEvent(
        event_type=fields.get("event_type"),
        outcome=fields.get("outcome"),
        message=message or None,
        reason=fields.get("reason"),
        user_id=fields.get("user_id"),
        actor_type=fields.get("actor_type"),
        on_behalf_of=fields.get("on_behalf_of"),
        source_ip=fields.get("source_ip"),
        target=fields.get("target"),
        request_id=fields.get("request_id"),
        details=details,
        problems=problems,
    )


def event_from_entry(entry: LogEntry) -> AuditEvent:
    """Return the event that a log entry stands for, its context included."""
    event = event_from_parts(entry.message, entry.fields, entry.exception, entry.stack)
    return event.within(entry.context) if entry.context else event
