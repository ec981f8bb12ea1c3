"""Turns an event into the part of a line that does not depend on its place in the chain.

There are two ways to the same text. Most events hold plain short values without secrets: they are
put together at once and looked over as one text. Whatever is unusual about an event (a secret, an
escape, an odd type, too much of anything) sends it down the careful way, member by member.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import ip_address
from json.encoder import encode_basestring_ascii
from typing import NamedTuple

from ..exceptions import AuditEventError
from ..options import near_match
from ..redaction import REDACTED, Redactor
from ..sanitizing import cut_text, safe_str, storable
from .details import MAX_DETAILS, DetailsEncoder, as_mapping, dump_details
from .event import ACTOR_TYPES, OUTCOMES, AuditEvent
from .types import INVALID_TYPE, is_event_type, known_event_types

__all__ = ["EncodedEvent", "EventEncoder", "bounded_list"]

# Bytes of JSON text of one member, at most. Their sum, with details and the fixed members, stays
# below the 64 KiB of a line, so a line never has to be cut as a whole.
_LIMITS = {"message": 16_384, "reason": 4096, "target": 2048, "target_type": 512, "source_ip": 256}
_LIMIT = 1024
_LIST_LIMIT = 4096

_MAX_DEPTH = 12
_MAX_NAMES = 4096


class EncodedEvent(NamedTuple):
    """An event by value, ready for its place.

    Attributes:
        event_id: UUIDv7.
        body: JSON members from ``event_type`` to ``redacted``, without braces.
        problems: for the ``problems`` member, to which the trail may add.
        occurred_us: epoch microseconds of the event itself, where they differ from the line's.
    """

    event_id: str
    body: str
    problems: tuple[str, ...]
    occurred_us: int | None


class EventEncoder:
    """Encodes events of one trail; shared by threads.

    Args:
        redactor: hides secrets in every member.
        service: name of the application.
        host: name of the machine.
        unknown: ``flag`` writes events of unknown type with a problem, ``accept`` without, and
            ``reject`` refuses them.
    """

    def __init__(self, redactor: Redactor, service: str, host: str, unknown: str) -> None:
        self._redactor = redactor
        self._service = _quoted(service[:200])
        self._host = _quoted(host[:200])
        self._unknown = unknown
        self._details = DetailsEncoder(redactor)
        self._secret_names: dict[str, bool] = {}

    def encode(self, event: AuditEvent, event_id: str) -> EncodedEvent:
        """Return the event by value. Never raises for what a value is or does.

        Raises:
            AuditEventError: the type is unknown and unknown types are refused.
        """
        name = event.event_type
        kind = known_event_types().get(name) if isinstance(name, str) else None
        if kind is None and self._unknown == "reject" and is_event_type(name):
            raise AuditEventError(
                f"event type {name!r} is not known{near_match(str(name), known_event_types())}; "
                "register_event_type() makes it known"
            )
        problems = list(event.problems)
        details = event.details
        if kind is None:
            if not is_event_type(name):
                details = {**as_mapping(details, problems), "event_type": name}
                problems.append("invalid_type")
                name = INVALID_TYPE
            elif self._unknown == "flag":
                problems.append("unknown_type")
        outcome = event.outcome
        if outcome is None:
            outcome = kind.outcome if kind is not None else "success"
        elif outcome not in OUTCOMES:
            problems.append(f"/outcome: {self._short(outcome)} is not one of {', '.join(OUTCOMES)}")
            outcome = "unknown"
        body = self._fast(event, name, outcome, details, problems)
        if body is None:
            body = self._careful(event, name, outcome, details, problems)
        return EncodedEvent(event_id, body, tuple(problems), event.occurred_us)

    def _fast(
        self, event: AuditEvent, name: object, outcome: object, details: object, problems: list[str]
    ) -> str | None:
        if type(details) is dict:
            if not self._is_plain(details, 0):
                return None
            details_text = dump_details(details)
            if len(details_text) > MAX_DETAILS:
                return None
        elif details:
            return None
        else:
            details_text = "{}"
        members: list[str] = []
        for key, value in (
            ("on_behalf_of", event.on_behalf_of),
            ("source_ip", event.source_ip),
            ("target", event.target),
            ("request_id", event.request_id),
        ):
            if value is None:
                continue
            if type(value) is str and key != "target":
                members.append(f',"{key}":{encode_basestring_ascii(value)}')
            elif key == "target" and type(value) is tuple and len(value) == 2:
                kind, identity = value
                if type(kind) is not str or type(identity) is not str:
                    return None
                members.append(
                    f',"target":{{"type":{encode_basestring_ascii(kind)}'
                    f',"id":{encode_basestring_ascii(identity)}}}'
                )
            else:
                return None
        spoken = ""
        for key, value in (("message", event.message), ("reason", event.reason)):
            if value is not None:
                if type(value) is not str:
                    return None
                spoken += f',"{key}":{encode_basestring_ascii(value)}'
        user = event.user_id
        if user is not None and type(user) is not str:
            return None
        if event.source_ip is not None and not _is_address(str(event.source_ip)):
            return None
        before = f'{spoken},"user_id":{"null" if user is None else encode_basestring_ascii(user)}'
        free = before + "".join(members)
        # A backslash may hide the border of a secret (`\neyJ…`) or a lone surrogate.
        if len(free) > _LIMIT or "\\" in free or "\\" in details_text:
            return None
        actor = self._actor(event, problems)
        body = (
            f'"event_type":"{name}","outcome":"{outcome}"{before},"actor_type":"{actor}"'
            f'{"".join(members)},"service":{self._service},"host":{self._host},"pid":{os.getpid()}'
            f',"details":{details_text}'
        )
        if REDACTED in body or self._redactor.text(body) != body:
            return None
        return body

    def _is_plain(self, value: object, depth: int) -> bool:
        kind = type(value)
        if kind is str or kind is bool or value is None:
            return True
        if kind is int:
            return -(2**63) <= value < 2**63  # type: ignore[operator]  # kind is exactly int
        if kind is float:
            return math.isfinite(value)  # type: ignore[arg-type]  # kind is exactly float
        if depth >= _MAX_DEPTH:
            return False
        if isinstance(value, dict) and kind is dict:
            for name, item in value.items():
                if type(name) is not str or self._is_secret(name):
                    return False
                if not self._is_plain(item, depth + 1):
                    return False
            return True
        if isinstance(value, list) and kind is list:
            return all(self._is_plain(item, depth + 1) for item in value)
        return False

    def _is_secret(self, name: str) -> bool:
        known = self._secret_names.get(name)
        if known is None:
            if len(self._secret_names) >= _MAX_NAMES:
                self._secret_names.clear()
            known = self._secret_names[name] = self._redactor.is_secret_name(name)
        return known

    def _actor(self, event: AuditEvent, problems: list[str]) -> str:
        given = event.actor_type
        if given is not None:
            if isinstance(given, str) and given in ACTOR_TYPES:
                return str(given)
            rule = ", ".join(ACTOR_TYPES)
            problems.append(f"/actor_type: {self._short(given)} is not one of {rule}")
        if event.user_id is not None:
            return "user"
        return "system" if event.source_ip is None else "anonymous"

    def _careful(
        self, event: AuditEvent, name: object, outcome: object, details: object, problems: list[str]
    ) -> str:
        redacted: list[str] = []
        parts = [f'"event_type":"{name}","outcome":"{outcome}"']

        def member(key: str, value: object) -> None:
            if value is not None:
                parts.append(f'"{key}":{self._text(key, value, problems, redacted)}')

        member("message", event.message)
        member("reason", event.reason)
        if event.user_id is None:
            parts.append('"user_id":null')
        member("user_id", event.user_id)
        parts.append(f'"actor_type":"{self._actor(event, problems)}"')
        member("on_behalf_of", event.on_behalf_of)
        member("source_ip", event.source_ip)
        if event.source_ip is not None and not _is_address(safe_str(event.source_ip)):
            problems.append("/source_ip: not an address")
        if event.target is not None:
            parts.append(f'"target":{self._target(event.target, problems, redacted)}')
        member("request_id", event.request_id)
        parts.append(f'"service":{self._service},"host":{self._host},"pid":{os.getpid()}')
        parts.append(f'"details":{self._details.encode(details, problems, redacted)}')
        if redacted:
            parts.append(f'"redacted":{bounded_list([self._redactor.text(p) for p in redacted])}')
        problems[:] = [self._redactor.text(problem) for problem in problems]
        return ",".join(parts)

    def _text(self, key: str, value: object, problems: list[str], redacted: list[str]) -> str:
        if not isinstance(value, str) and type(value) is not int:
            problems.append(f"/{key}: {type(value).__name__}")
        given = safe_str(value)
        text = self._redactor.text(str.__str__(given))
        if REDACTED in text:
            redacted.append(f"/{key}")
        clean = storable(text) if not text.isascii() else text
        if clean != text:
            problems.append(f"/{key}: lone_surrogate")
        quoted = encode_basestring_ascii(clean)
        limit = _LIMITS.get(key, _LIMIT)
        if len(quoted) > limit:
            problems.append(f"/{key}: cut")
            room = limit - 64 if len(quoted) == len(clean) + 2 else limit // 6 - 16
            quoted = encode_basestring_ascii(cut_text(clean, room)[0])
        return quoted

    def _target(self, target: object, problems: list[str], redacted: list[str]) -> str:
        kind: object = "unknown"
        identity: object = target
        if isinstance(target, Mapping) and "type" in target and "id" in target:
            kind, identity = target["type"], target["id"]
        elif isinstance(target, (tuple, list)) and len(target) == 2:
            kind, identity = target
        else:
            problems.append("/target: not (type, id)")
        return (
            f'{{"type":{self._text("target_type", kind, problems, redacted)}'
            f',"id":{self._text("target", identity, problems, redacted)}}}'
        )

    def _short(self, value: object) -> str:
        return self._redactor.text(safe_str(value))[:64]


def bounded_list(items: list[str] | tuple[str, ...]) -> str:
    """Return a JSON list of texts in at most 4 KiB; its last item counts what does not fit."""
    quoted = [_quoted(item[:160]) for item in items[:32]]
    left_out = len(items) - len(quoted)
    while quoted and sum(map(len, quoted)) + len(quoted) > _LIST_LIMIT - 32:
        quoted.pop()
        left_out += 1
    if left_out:
        quoted.append(f'"{left_out} more"')
    return f"[{','.join(quoted)}]"


def _quoted(text: str) -> str:
    return encode_basestring_ascii(storable(text))


@lru_cache(maxsize=4096)
def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
