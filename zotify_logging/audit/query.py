"""What a reader asks of the trail, and the test of one line against it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, fields
from functools import lru_cache
from hashlib import sha256
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from json.encoder import encode_basestring_ascii
from typing import Literal

from ..exceptions import ParameterError
from ..options import near_match
from .event import OUTCOMES
from .types import is_event_type, known_event_types

__all__ = ["MAX_LIMIT", "AuditQuery", "LineMatcher"]

MAX_LIMIT = 1000
"""Events on one page, at most."""

_MAX_Q = 256
_PREFIX = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*\.\*", re.ASCII)
_UNBOUND = frozenset({"limit", "after"})


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditQuery:
    """Filters (different names AND, repeated types OR, everything literal), order and page.

    Attributes:
        event_types: exact names, or a prefix and ``.*`` (``user.*``); none = all.
        user_id: who.
        outcome: ``success``, ``failure``, ``unknown`` or ``pending``.
        source_ip: an address, or a network in CIDR.
        request_id: the request.
        target_type: what kind of thing was acted on.
        target_id: which one.
        since_us: epoch microseconds, inclusive.
        until_us: epoch microseconds, exclusive.
        seq_from: inclusive.
        seq_to: inclusive.
        q: a text that the line holds, as written in JSON or as a person reads it; 256 characters.
        order: ``desc`` = newest first, or ``asc``; always by ``seq``.
        limit: events on a page, 1 to 1,000.
        after: ``next_after`` of the page before; bound to all filters and the order.

    Raises:
        ParameterError: a value cannot be; it names the parameter.
    """

    event_types: tuple[str, ...] = ()
    user_id: str | None = None
    outcome: str | None = None
    source_ip: str | None = None
    request_id: str | None = None
    target_type: str | None = None
    target_id: str | None = None
    since_us: int | None = None
    until_us: int | None = None
    seq_from: int | None = None
    seq_to: int | None = None
    q: str | None = None
    order: Literal["desc", "asc"] = "desc"
    limit: int = 100
    after: str | None = None

    def __post_init__(self) -> None:
        for name in self.event_types:
            if not is_event_type(name) and not _PREFIX.fullmatch(name):
                raise ParameterError(
                    "event_type",
                    f"{name[:160]!r} is neither a type such as 'user.login' nor a prefix such as "
                    f"'user.*'{near_match(name, known_event_types())}",
                )
        if self.outcome is not None and self.outcome not in OUTCOMES:
            raise ParameterError(
                "outcome",
                f"{self.outcome[:64]!r} is not one of {', '.join(OUTCOMES)}"
                f"{near_match(self.outcome, OUTCOMES)}",
            )
        if self.source_ip is not None:
            try:
                ip_network(self.source_ip, strict=False)
            except ValueError:
                raise ParameterError(
                    "source_ip",
                    f"{self.source_ip[:64]!r} is no address or network; write 10.0.0.1, 10.0.0.0/8 "
                    "or 2001:db8::/32",
                ) from None
        for name in ("user_id", "request_id", "target_type", "target_id", "q"):
            value: str | None = getattr(self, name)
            if value == "":
                raise ParameterError(name, "is empty; leave it out to match all")
        if self.q is not None and len(self.q) > _MAX_Q:
            raise ParameterError("q", f"has {len(self.q)} characters; at most {_MAX_Q}")
        if self.order not in ("desc", "asc"):
            raise ParameterError("order", f"{self.order!r} is not desc or asc")
        if not 1 <= self.limit <= MAX_LIMIT:
            raise ParameterError("limit", f"{self.limit} is not in 1 to {MAX_LIMIT}")
        for name, seq in (("seq_from", self.seq_from), ("seq_to", self.seq_to)):
            if seq is not None and seq < 1:
                raise ParameterError(name, f"{seq} is below 1, the first seq")
        if self.seq_from is not None and self.seq_to is not None and self.seq_from > self.seq_to:
            raise ParameterError("seq_to", f"{self.seq_to} is below seq_from={self.seq_from}")
        if (
            self.since_us is not None
            and self.until_us is not None
            and self.since_us >= self.until_us
        ):
            raise ParameterError("until", "is not later than since")

    def fingerprint(self) -> bytes:
        """Return 8 bytes that differ between different filters or orders."""
        values = [
            [field.name, getattr(self, field.name)]
            for field in fields(self)
            if field.name not in _UNBOUND
        ]
        return sha256(json.dumps(values).encode("ascii")).digest()[:8]


class LineMatcher:
    """Tests lines against a query: a search in the bytes first, JSON only for what passes it."""

    def __init__(self, query: AuditQuery) -> None:
        self._query = query
        self._exact = frozenset(name for name in query.event_types if not name.endswith(".*"))
        self._prefixes = tuple(name[:-1] for name in query.event_types if name.endswith(".*"))
        self._network = (
            None if query.source_ip is None else ip_network(query.source_ip, strict=False)
        )
        self._all_of = [
            f'"{name}":{encode_basestring_ascii(value)}'.encode("ascii")
            for name, value in (
                ("user_id", query.user_id),
                ("outcome", query.outcome),
                ("request_id", query.request_id),
                ("type", query.target_type),
                ("id", query.target_id),
            )
            if value is not None
        ]
        self._one_of = [f'"event_type":"{name}"'.encode("ascii") for name in self._exact]
        self._one_of += [f'"event_type":"{name}'.encode("ascii") for name in self._prefixes]
        self._text: set[bytes] = set()
        if query.q is not None:
            self._text.add(encode_basestring_ascii(query.q)[1:-1].encode("ascii"))
            if query.q.isascii():
                self._text.add(query.q.encode("ascii"))

    def match(self, line: bytes) -> dict[str, object] | None:
        """Return the event of a line that matches, ``None`` for one that does not.

        Raises:
            ValueError: the line passed the search and is no JSON object.
        """
        for needle in self._all_of:
            if needle not in line:
                return None
        if self._one_of and not any(needle in line for needle in self._one_of):
            return None
        if self._text and not any(needle in line for needle in self._text):
            return None
        event = json.loads(line)
        if not isinstance(event, dict):
            raise ValueError("not a JSON object")
        return event if self._agrees(event) else None

    def _agrees(self, event: dict[str, object]) -> bool:
        query = self._query
        if query.event_types:
            kind = event.get("event_type")
            if kind not in self._exact and not (
                isinstance(kind, str) and kind.startswith(self._prefixes)
            ):
                return False
        for name, wanted in (
            ("user_id", query.user_id),
            ("outcome", query.outcome),
            ("request_id", query.request_id),
        ):
            if wanted is not None and event.get(name) != wanted:
                return False
        if query.target_type is not None or query.target_id is not None:
            target = event.get("target")
            if not isinstance(target, dict):
                return False
            if query.target_type is not None and target.get("type") != query.target_type:
                return False
            if query.target_id is not None and target.get("id") != query.target_id:
                return False
        if self._network is not None:
            address = _address(event.get("source_ip"))
            if address is None or address not in self._network:
                return False
        return True


def _address(value: object) -> IPv4Address | IPv6Address | None:
    return _parse_address(value) if isinstance(value, str) else None


@lru_cache(maxsize=4096)
def _parse_address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(text)
    except ValueError:
        return None


_Network = IPv4Network | IPv6Network
