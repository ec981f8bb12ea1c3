"""The audit trail: events, their chain in files, the reader, and the verification.

Usable without ``logging``: :class:`AuditTrail` writes, :class:`AuditReader` finds,
:func:`verify_trail` checks. :func:`audit_event` and :func:`audit_action` write to the trail that a
handler has opened.
"""

from __future__ import annotations

from .event import AuditEvent, event_from_entry
from .query import AuditQuery
from .reader import AuditPage, AuditReader, ChainPoint
from .receipt import Receipt
from .report import Finding, VerifyReport
from .trail import AuditTrail
from .trails import AuditAction, audit_action, audit_event, current_trail
from .types import EventType, known_event_types, register_event_type
from .verification import verify_trail

__all__ = [
    "AuditAction",
    "AuditEvent",
    "AuditPage",
    "AuditQuery",
    "AuditReader",
    "AuditTrail",
    "ChainPoint",
    "EventType",
    "Finding",
    "Receipt",
    "VerifyReport",
    "audit_action",
    "audit_event",
    "current_trail",
    "event_from_entry",
    "known_event_types",
    "register_event_type",
    "verify_trail",
]
