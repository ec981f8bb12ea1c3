"""Answers whose key this is, from a snapshot of the stored keys that is at most seconds old."""

from __future__ import annotations

import hmac
import threading
import time
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from zotify_api.db.key_store import KeyRow, KeyStore
from zotify_api.security.api_key import ChosenKey, digest_of
from zotify_api.security.scopes import FULL_SCOPES, Principal

__all__ = ["CHOSEN_NAME", "KeyRing", "KeysUnavailableError"]

CHOSEN_NAME = "ZOTIFY_API_KEY"
"""Name of the key from the settings in logs and audit events; stored keys cannot have it."""


class KeysUnavailableError(Exception):
    """The key database has not answered since the start."""


class KeyRing:
    """Compares a presented key with all known ones; thread-safe.

    Args:
        store: the stored keys.
        chosen: the key from ``ZOTIFY_API_KEY``, or ``None``.
        max_age: seconds for which a snapshot is used; a revocation takes at most that long.
            While the database is away the last snapshot stays in force.
        unknown_age: seconds for which a snapshot is believed about a key that it does not hold; a
            new key takes at most that long. Bounds what wrong keys can ask of the database.
        monotonic: seconds, replaceable for tests.
    """

    def __init__(
        self,
        store: KeyStore,
        chosen: ChosenKey | None,
        *,
        max_age: float = 2.0,
        unknown_age: float = 0.25,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._chosen = chosen
        self._max_age = max_age
        self._unknown_age = unknown_age
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._rows: tuple[KeyRow, ...] | None = None
        self._read_at = float("-inf")

    @property
    def stale(self) -> bool:
        """Whether :meth:`find` would read the database, and so belongs in a worker thread."""
        return self._age >= self._max_age

    @property
    def may_have_new_keys(self) -> bool:
        """Whether a key that :meth:`find` did not know may be found by :meth:`find_anew`."""
        return self._age >= self._unknown_age

    @property
    def _age(self) -> float:
        return self._monotonic() - self._read_at

    def find(self, key: str) -> Principal | None:
        """Return the holder of ``key``, or ``None`` for a wrong or revoked one.

        All known keys are compared whatever the outcome, each in constant time.

        Raises:
            KeysUnavailableError: the stored keys could not be read even once.
        """
        return self._find(key, self._max_age)

    def find_anew(self, key: str) -> Principal | None:
        """Return the holder of a key that may just have been made; reads the database.

        Raises:
            KeysUnavailableError: as :meth:`find`.
        """
        return self._find(key, self._unknown_age)

    def _find(self, key: str, max_age: float) -> Principal | None:
        rows = self._snapshot(max_age)
        digest = digest_of(key)
        found: Principal | None = None
        for row in rows:
            if hmac.compare_digest(row.digest, digest):
                found = Principal(row.name, row.scopes)
        if self._chosen is not None and self._chosen.matches(key):
            found = Principal(CHOSEN_NAME, FULL_SCOPES)
        return found

    def holds(self, principal: Principal) -> bool:
        """Tell whether the key of an earlier :meth:`find` is still valid with its scopes."""
        if principal.name == CHOSEN_NAME:
            return self._chosen is not None
        return any(
            row.name == principal.name and row.scopes == principal.scopes
            for row in self._snapshot(self._max_age)
        )

    def _snapshot(self, max_age: float) -> tuple[KeyRow, ...]:
        with self._lock:
            if self._age >= max_age:
                try:
                    rows = tuple(row for row in self._store.rows() if row.revoked_us is None)
                except SQLAlchemyError as error:
                    if self._rows is None:
                        raise KeysUnavailableError("the key database does not answer") from error
                else:
                    self._rows = rows
                # After a failure too: an absent database is not asked by every request.
                self._read_at = self._monotonic()
            if self._rows is None:
                raise KeysUnavailableError("the key database does not answer")
            return self._rows
