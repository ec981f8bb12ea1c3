"""Whose key it is, and how long a snapshot stays in force."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from zotify_api.concealment import mask_keys
from zotify_api.db.database import Database, DatabaseError
from zotify_api.db.key_store import KeyNameTakenError, KeyStore
from zotify_api.security.api_key import ChosenKey, digest_of, new_key
from zotify_api.security.key_ring import CHOSEN_NAME, KeyRing
from zotify_api.security.scopes import Principal


@pytest.fixture
def store(tmp_path: Path) -> Iterator[KeyStore]:
    """A store in a real SQLite file."""
    database = Database(f"sqlite:///{tmp_path / 'api.db'}")
    yield KeyStore(database)
    database.close()


def test_stored_and_chosen_keys_are_found_and_others_are_not(store: KeyStore) -> None:
    """A key leads to its name and scopes."""
    key = new_key()
    store.add("reader", digest_of(key), ["logs:read"])
    ring = KeyRing(store, ChosenKey("chosen-by-a-person-1"))
    assert ring.find(key) == Principal("reader", frozenset({"logs:read"}))
    chosen = ring.find("chosen-by-a-person-1")
    assert chosen is not None
    assert chosen.name == CHOSEN_NAME
    for wrong in ("", "x", key[:-1], key + "x", key.upper(), digest_of(key), "\udcff"):
        assert ring.find(wrong) is None


def test_a_revoked_key_ends_when_the_snapshot_is_old(store: KeyStore) -> None:
    """Revocation takes at most max_age seconds."""
    now = [0.0]
    key = new_key()
    store.add("reader", digest_of(key), ["logs:read"])
    ring = KeyRing(store, None, max_age=2.0, monotonic=lambda: now[0])
    principal = ring.find(key)
    assert principal is not None
    assert store.revoke("reader")
    assert not store.revoke("reader")
    assert ring.find(key) is not None
    now[0] = 2.0
    assert ring.stale
    assert ring.find(key) is None
    assert not ring.holds(principal)


def test_a_new_key_is_found_before_the_snapshot_is_old(store: KeyStore) -> None:
    """A key that the snapshot does not hold is looked for again, four times a second at most."""
    now = [100.0]
    ring = KeyRing(store, None, monotonic=lambda: now[0])
    assert ring.find("not a key") is None
    seen_at_once = ring.may_have_new_keys
    key = new_key()
    store.add("late", digest_of(key), ["logs:read"])
    assert ring.find(key) is None and ring.find_anew(key) is None
    now[0] += 0.25
    assert (seen_at_once, ring.may_have_new_keys, ring.stale) == (False, True, False)
    found = ring.find_anew(key)
    assert found is not None and found.name == "late"


def test_names_are_not_reused(store: KeyStore) -> None:
    """The audit trail tells keys by name, so a revoked one keeps its name."""
    store.add("a", digest_of(new_key()), ["admin"])
    store.revoke("a")
    with pytest.raises(KeyNameTakenError):
        store.add("a", digest_of(new_key()), ["admin"])


def test_the_first_key_is_made_once_and_published_before_it_is_valid(store: KeyStore) -> None:
    """If publishing fails there is no key, and the next start tries again."""

    def fail() -> None:
        raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        store.add_first("admin", "0" * 64, ["admin"], fail)
    assert store.rows() == []
    assert store.add_first("admin", "1" * 64, ["admin"], lambda: None)
    assert not store.add_first("admin", "2" * 64, ["admin"], lambda: None)


def test_admin_does_not_imply_reading_the_audit_trail() -> None:
    """That scope is given on purpose or not at all."""
    admin = Principal("a", frozenset({"admin"}))
    assert admin.may("config:write")
    assert not admin.may("audit:read")


def test_generated_keys_are_masked_in_text() -> None:
    """A key in a path does not reach a log."""
    key = new_key()
    assert mask_keys(f"/api/{key}/x") == "/api/[REDACTED]/x"


def test_a_wrong_database_url_is_named_without_its_password() -> None:
    """The message has the URL, but not what must not be shown."""
    with pytest.raises(DatabaseError) as caught:
        Database("postgresql+nodriver://user:hunter2@host/db")
    assert "hunter2" not in str(caught.value)
    with pytest.raises(DatabaseError, match="not a SQLAlchemy URL"):
        Database("hunter2 is not a URL")
