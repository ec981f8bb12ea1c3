"""Makes, lists and revokes keys; every change is audited."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path

from zotify_api.db.key_store import KeyRow, KeyStore
from zotify_api.security.api_key import digest_of, new_key
from zotify_api.security.key_ring import CHOSEN_NAME
from zotify_api.security.scopes import FULL_SCOPES, SCOPES, unknown_scopes
from zotify_logging import audit_event

__all__ = ["FIRST_NAME", "KeyService", "KeyServiceError"]

FIRST_NAME = "admin"
"""Name of the key made at first start."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)


class KeyServiceError(Exception):
    """A key that cannot be made or revoked; the message names the cure."""


class KeyService:
    """What ``zotify-api keys`` does."""

    def __init__(self, store: KeyStore) -> None:
        self._store = store

    def create(self, name: str, scopes: Sequence[str]) -> str:
        """Store a new key and return it; it cannot be shown again.

        Raises:
            KeyServiceError: a name or scope that cannot be used.
            KeyNameTakenError: the name was used before.
        """
        if not _NAME.fullmatch(name) or name == CHOSEN_NAME:
            raise KeyServiceError(
                f"{name!r} cannot be a key's name: up to 64 letters, digits, '.', '_', '@', '-'"
            )
        if unknown := unknown_scopes(scopes):
            raise KeyServiceError(
                f"unknown scope {', '.join(unknown)}; scopes are {', '.join(SCOPES)}"
            )
        key = new_key()
        self._store.add(name, digest_of(key), scopes)
        audit_event(
            "key.create", target=("key", name), outcome="success", details={"scopes": [*scopes]}
        )
        return key

    def list(self) -> Sequence[KeyRow]:
        """Return all keys, revoked ones included."""
        return self._store.rows()

    def revoke(self, name: str) -> None:
        """Make a key invalid, in running processes within two seconds.

        Raises:
            KeyServiceError: no active key has this name.
        """
        if not self._store.revoke(name):
            active = [row.name for row in self._store.rows() if row.revoked_us is None]
            raise KeyServiceError(
                f"no active key is named {name!r}; active are {', '.join(active) or 'none'}"
            )
        audit_event("key.revoke", target=("key", name), outcome="success")

    def ensure_first(self, path: Path) -> str | None:
        """Make the first key if there has never been one, write it to ``path``, and return it.

        The file is complete before the key is valid, and only its owner can read it.
        """
        key = new_key()
        created = self._store.add_first(
            FIRST_NAME, digest_of(key), FULL_SCOPES, lambda: _write_private(path, key)
        )
        if not created:
            return None
        audit_event(
            "key.create",
            target=("key", FIRST_NAME),
            outcome="success",
            actor_type="system",
            details={"scopes": sorted(FULL_SCOPES)},
        )
        return key


def _write_private(path: Path, key: str) -> None:
    partial = path.with_suffix(".partial")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.write(descriptor, key.encode("ascii") + b"\n")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    partial.replace(path)
