"""What a key may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["FULL_SCOPES", "SCOPES", "Principal", "unknown_scopes"]

SCOPES = {
    "logs:read": "read the system log, job logs and the handlers' statistics",
    "audit:read": "read the audit trail",
    "logs:control": "change levels of handlers and loggers",
    "config:write": "change the configuration",
    "library:write": "change tracks, start and cancel jobs",
    "admin": "all of these except audit:read",
}
"""Every scope with its meaning."""

FULL_SCOPES = frozenset({"admin", "audit:read"})
"""Scopes of the first key and of ``ZOTIFY_API_KEY``."""


def unknown_scopes(scopes: Iterable[str]) -> list[str]:
    """Return those that do not exist, in order."""
    return [scope for scope in scopes if scope not in SCOPES]


@dataclass(frozen=True)
class Principal:
    """The key behind a request: its name (which is what the audit trail shows) and scopes."""

    name: str
    scopes: frozenset[str]

    def may(self, scope: str) -> bool:
        """Tell whether the scope is held; ``admin`` implies all but ``audit:read``.

        Whoever administers must not be able to look over what the audit trail says about it by
        that alone; a key for auditors is made on purpose.
        """
        return scope in self.scopes or (scope != "audit:read" and "admin" in self.scopes)
