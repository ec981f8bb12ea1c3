"""The address that a request is attributed to."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Any

__all__ = ["address_of", "refusal_group"]


def address_of(scope: Mapping[str, Any]) -> str:
    """Return the client's address of an ASGI scope; proxies were believed before, if listed."""
    client = scope.get("client")
    return str(client[0]) if client else "unknown"


def refusal_group(address: str) -> str:
    """Return what refusals are counted by: the address, for IPv6 its /64.

    One machine commonly owns a whole /64 and could change its address with each guess.
    """
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
