"""Takes keys out of what is answered and logged, wherever a caller has put them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from starlette.types import Scope

from zotify_logging.redaction import REDACTED, Redactor

__all__ = ["PREFIX", "conceal", "mask_keys", "presented_keys", "presenting"]

PREFIX = "zk_"
"""Start of every generated key, so that scanners of secrets can find a leaked one."""

_GENERATED = re.compile(r"zk_[A-Za-z0-9_-]{20,}")

_RECOGNISED = 12
"""Characters of a presented key by which a cut one is recognised."""

_presented: ContextVar[frozenset[str]] = ContextVar("zotify_api_presented_keys")

# The registered secrets (the chosen key, a first key made by this process) without the shapes, by
# which the sentence "send it as Authorization: Bearer" would lose its point.
_redactor = Redactor(patterns=False)


def mask_keys(text: str) -> str:
    """Return ``text`` with everything that looks like a generated key replaced."""
    return _GENERATED.sub(REDACTED, text) if PREFIX in text else text


def presented_keys(scope: Scope) -> frozenset[str]:
    """Return the keys in the headers of a request, valid or not."""
    keys = set()
    for name, value in scope["headers"]:
        if name == b"x-api-key":
            keys.add(value.decode("latin-1").strip())
        elif name == b"authorization":
            scheme, _, token = value.decode("latin-1").strip().partition(" ")
            # Another scheme is as good as no key; a proxy in front may use Basic for itself.
            if scheme.lower() == "bearer":
                keys.add(token.strip())
    return frozenset(keys - {""})


@contextmanager
def presenting(scope: Scope) -> Iterator[None]:
    """Have :func:`conceal` know the keys of a request for as long as it is answered."""
    token = _presented.set(presented_keys(scope))
    try:
        yield
    finally:
        _presented.reset(token)


def conceal(text: str) -> str:
    """Return ``text`` without this request's keys, our own keys, and what looks like one.

    A presented key is found quoted and cut as well: its first 12 characters are enough.
    """
    text = mask_keys(_redactor.text(text))
    for key in _presented.get(frozenset()):
        for form in {key, repr(key)[1:-1]}:
            text = _without(text, form)
    return text


def _without(text: str, key: str) -> str:
    head = key[:_RECOGNISED]
    start = text.find(head)
    while start >= 0:
        end = start + len(head)
        while end < len(text) and end - start < len(key) and text[end] == key[end - start]:
            end += 1
        text = text[:start] + REDACTED + text[end:]
        start = text.find(head, start + len(REDACTED))
    return text
