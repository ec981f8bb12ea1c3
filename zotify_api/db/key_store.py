"""Rows of API keys. Only digests are stored; a key itself is shown once, when it is made."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from zotify_api.db.database import Database
from zotify_api.db.tables import api_keys

__all__ = ["KeyNameTakenError", "KeyRow", "KeyStore"]


class KeyNameTakenError(Exception):
    """A key of that name exists, perhaps revoked: names are not reused, audit events have them."""


@dataclass(frozen=True)
class KeyRow:
    """One stored key."""

    id: str
    name: str
    digest: str
    scopes: frozenset[str]
    created_us: int
    revoked_us: int | None


class KeyStore:
    """Reads and writes the rows of ``api_keys``."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def rows(self) -> list[KeyRow]:
        """Return all keys, revoked ones included, oldest first."""
        with self._database.begin() as connection:
            found = connection.execute(
                select(
                    api_keys.c.id,
                    api_keys.c.name,
                    api_keys.c.digest,
                    api_keys.c.scopes,
                    api_keys.c.created_us,
                    api_keys.c.revoked_us,
                ).order_by(api_keys.c.created_us, api_keys.c.id)
            ).all()
        return [
            KeyRow(
                row.id,
                row.name,
                row.digest,
                frozenset(json.loads(row.scopes)),
                row.created_us,
                row.revoked_us,
            )
            for row in found
        ]

    def add(self, name: str, digest: str, scopes: Iterable[str]) -> None:
        """Store a new key.

        Raises:
            KeyNameTakenError: the name was used before.
        """
        try:
            with self._database.begin() as connection:
                connection.execute(insert(api_keys).values(_new_row(name, digest, scopes)))
        except IntegrityError:
            raise KeyNameTakenError(f"a key named {name!r} exists; choose another --name") from None

    def add_first(
        self, name: str, digest: str, scopes: Iterable[str], publish: Callable[[], None]
    ) -> bool:
        """Store a key if there has never been one, and call ``publish`` before it becomes valid.

        Of several processes that start at once one wins; the others return ``False``.
        """
        try:
            with self._database.begin() as connection:
                if connection.execute(select(func.count()).select_from(api_keys)).scalar_one():
                    return False
                connection.execute(insert(api_keys).values(_new_row(name, digest, scopes)))
                publish()
        except IntegrityError:
            return False
        return True

    def revoke(self, name: str) -> bool:
        """Mark a key as revoked; ``False`` when there is no active key of that name."""
        with self._database.begin() as connection:
            changed = connection.execute(
                update(api_keys)
                .where(api_keys.c.name == name, api_keys.c.revoked_us.is_(None))
                .values(revoked_us=time.time_ns() // 1000)
            ).rowcount
        return changed > 0


def _new_row(name: str, digest: str, scopes: Iterable[str]) -> dict[str, object]:
    return {
        "id": uuid.uuid4().hex,
        "name": name,
        "digest": digest,
        "scopes": json.dumps(sorted(scopes)),
        "created_us": time.time_ns() // 1000,
        "revoked_us": None,
    }
