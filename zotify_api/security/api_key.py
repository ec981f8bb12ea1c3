"""Making and hashing keys.

A generated key has 256 random bits, so one round of SHA-256 keeps it: nobody can try that many.
A key chosen by a person may be guessable, so its hash is never written anywhere; in memory it is
kept under HMAC with a random key of the process, which makes the comparison independent of its
length and content. A slow hash would protect nothing more here, and would let strangers burn CPU.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets

from zotify_api.concealment import PREFIX

__all__ = ["ChosenKey", "digest_of", "new_key"]


def new_key() -> str:
    """Return a new key of 256 random bits."""
    return PREFIX + secrets.token_urlsafe(32)


def digest_of(key: str) -> str:
    """Return the stored form of a generated key: SHA-256 as 64 hex digits."""
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()


class ChosenKey:
    """A key chosen by a person, comparable but not readable."""

    def __init__(self, key: str) -> None:
        self._pepper = secrets.token_bytes(32)
        self._digest = self._hash(key)

    def matches(self, key: str) -> bool:
        """Compare in time that depends on neither key."""
        return hmac.compare_digest(self._digest, self._hash(key))

    def _hash(self, key: str) -> bytes:
        return hmac.digest(self._pepper, key.encode("utf-8", "surrogateescape"), "sha256")
