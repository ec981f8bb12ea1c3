"""The trails that are open in this process, and the two calls that write to them.

Neither call goes through ``logging``: levels, ``logging.disable``, ``disable_existing_loggers`` and
``logging.raiseExceptions`` cannot take an event away.
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

from ..exceptions import AuditWriteError, NoAuditTrailError
from ..options import near_match
from ..sanitizing import safe_str
from .event import AuditEvent
from .receipt import Receipt
from .trail import AuditTrail

__all__ = [
    "AuditAction",
    "audit_action",
    "audit_event",
    "current_trail",
    "drop_trail",
    "set_trail",
]

# Replaced as a whole on every change, so that readers (signal handlers among them) need no lock.
# Weak, so that a handler which is dropped without close() takes its trail along.
_trails: dict[str, weakref.ref[AuditTrail]] = {}


def set_trail(name: str, trail: AuditTrail) -> None:
    """Make ``trail`` reachable by :func:`audit_event` as long as somebody else holds it.

    One of the same name is replaced.
    """
    global _trails
    _trails = {**_trails, name: weakref.ref(trail)}


def drop_trail(name: str, trail: AuditTrail) -> None:
    """Take ``trail`` away again, unless another one has taken its name meanwhile."""
    global _trails
    if name in _trails and _trails[name]() is trail:
        _trails = {key: value for key, value in _trails.items() if key != name}


def current_trail(name: str | None = None) -> AuditTrail:
    """Return the open trail, by name where there are several.

    Raises:
        NoAuditTrailError: none is open, none has that name, or a name is needed.
    """
    trails = {key: trail for key, ref in _trails.items() if (trail := ref()) is not None}
    if name is not None:
        if name not in trails:
            raise NoAuditTrailError(
                f"trail {name!r} is not open{near_match(name, trails)} (open: {_names(trails)}); "
                "its name is that of its JsonAuditHandler"
            )
        return trails[name]
    if not trails:
        raise NoAuditTrailError(
            "no audit trail is open: configure a zotify_logging.JsonAuditHandler by dictConfig, or "
            "make one, before the first audit_event()"
        )
    if len(trails) > 1:
        raise NoAuditTrailError(
            f'several audit trails are open ({_names(trails)}): say which one by trail="name"'
        )
    return next(iter(trails.values()))


def audit_event(
    event_type: str,
    *,
    user_id: str | None = None,
    outcome: str | None = None,
    target: tuple[str, str] | None = None,
    details: object = None,
    message: str | None = None,
    reason: str | None = None,
    actor_type: str | None = None,
    on_behalf_of: str | None = None,
    source_ip: str | None = None,
    request_id: str | None = None,
    trail: str | None = None,
) -> Receipt:
    """Write one audit event now, whatever the loggers' levels say.

    Values are taken by value. What is not given of user, address and request comes from the current
    context. A value that does not fit is made to fit and listed in ``problems`` of the line.

    Args:
        event_type: dotted lower-case name, such as ``user.login``.
        user_id: who did it.
        outcome: ``success``, ``failure``, ``unknown`` or ``pending``; the type's default
            (``success`` for most) if ``None``.
        target: type and id of what it was done to.
        details: a mapping, at most 16 KiB as JSON.
        message: one sentence for people.
        reason: why it ended so.
        actor_type: ``user``, ``service``, ``system`` or ``anonymous``.
        on_behalf_of: for whom.
        source_ip: from where.
        request_id: the request it belongs to.
        trail: name of the handler whose trail is meant, where several are open.

    Returns:
        Where the event is; ``seq`` is ``None`` if it is in the fallback only.

    Raises:
        NoAuditTrailError: no trail is open, or ``trail`` is needed to choose one.
        AuditWriteError: no sink has the event (with ``on_error="raise"``: it is not in the chain).
        AuditEventError: the type is unknown, and the trail refuses such.
    """
    event = AuditEvent(
        event_type=event_type,
        outcome=outcome,
        message=message,
        reason=reason,
        user_id=user_id,
        actor_type=actor_type,
        on_behalf_of=on_behalf_of,
        source_ip=source_ip,
        target=target,
        request_id=request_id,
        details=details,
    )
    return current_trail(trail).deliver(event.in_context())


class AuditAction:
    """The action inside an :func:`audit_action` block.

    Attributes:
        details: add to it what is to be told with the outcome.
        pending: receipt of the ``pending`` event.
        receipt: receipt of the outcome, once the block is left.
    """

    def __init__(self, pending: Receipt) -> None:
        self.details: dict[str, object] = {}
        self.pending = pending
        self.receipt: Receipt | None = None
        self.outcome = "success"
        self.reason: str | None = None

    def fail(self, reason: str) -> None:
        """Have the action end as a failure although no exception leaves the block."""
        self.outcome, self.reason = "failure", reason


@contextmanager
def audit_action(
    event_type: str,
    *,
    user_id: str | None = None,
    target: tuple[str, str] | None = None,
    details: object = None,
    message: str | None = None,
    actor_type: str | None = None,
    on_behalf_of: str | None = None,
    source_ip: str | None = None,
    request_id: str | None = None,
    trail: str | None = None,
) -> Iterator[AuditAction]:
    """Write ``pending`` before the block, and ``success`` or ``failure`` after it.

    An exception that leaves the block makes it a failure, is its ``reason``, and goes on. The
    outcome names the pending event (``details.pending``) and how long it took
    (``details.duration_us``). Arguments as in :func:`audit_event`.

    Raises:
        NoAuditTrailError: as in :func:`audit_event`; the block is not entered.
        AuditWriteError: pending or outcome is in no sink. The first keeps the block from running;
            the second is raised from the block's own exception, if there is one.
    """
    chosen = current_trail(trail)
    event = AuditEvent(
        event_type=event_type,
        outcome="pending",
        message=message,
        user_id=user_id,
        actor_type=actor_type,
        on_behalf_of=on_behalf_of,
        source_ip=source_ip,
        target=target,
        request_id=request_id,
        details=details,
    ).in_context()
    began = time.monotonic_ns()
    action = AuditAction(chosen.deliver(event))
    try:
        yield action
    except BaseException as error:
        action.fail(f"{type(error).__name__}: {safe_str(error)}")
        try:
            action.receipt = chosen.deliver(_ended(event, action, began))
        except AuditWriteError as failed:
            raise failed from error
        raise
    action.receipt = chosen.deliver(_ended(event, action, began))


def _ended(event: AuditEvent, action: AuditAction, began: int) -> AuditEvent:
    details = {
        **action.details,
        "pending": action.pending.event_id,
        "duration_us": (time.monotonic_ns() - began) // 1000,
    }
    return event._replace(outcome=action.outcome, reason=action.reason, details=details)


def _names(trails: dict[str, AuditTrail]) -> str:
    return ", ".join(sorted(trails)) or "none"
