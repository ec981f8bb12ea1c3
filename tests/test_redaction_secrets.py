"""Secrets hidden by value."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from zotify_logging import register_secret
from zotify_logging.redaction import REDACTED, Redactor
from zotify_logging.redaction.secrets import registered


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registered, "pattern", None)
    monkeypatch.setattr(registered, "_forms", set())


@pytest.mark.usefixtures("secrets")
def test_registered_secrets_are_hidden_in_every_form() -> None:
    """Plain, JSON-escaped, percent-encoded in either case, and as numbers."""
    value = 'p/w "ü" \\x\n'
    register_secret(value)
    register_secret("12345678")
    stripped = value.strip()
    forms = [stripped, json.dumps(stripped), quote(stripped, safe=""), quote(stripped).lower()]
    forms += [repr(stripped), json.dumps(json.dumps(stripped)), "password=" + stripped]
    redactor = Redactor()
    for form in forms:
        clean = redactor.text(f"x {form} y")
        assert REDACTED in clean and "%22" not in clean and "\\x" not in clean, form
    assert redactor.fields({"pin": 12345678, "n": [1]}) == {"pin": REDACTED, "n": [1]}
    assert Redactor(patterns=False).text(f"<{stripped}>") == f"<{REDACTED}>"


@pytest.mark.usefixtures("secrets")
def test_a_pattern_never_leaves_half_of_a_registered_secret() -> None:
    """Registered ones go first, whatever a pattern would make of them."""
    register_secret("abc, def ghi")
    assert Redactor().text("password=abc, def ghi") == "password=[REDACTED]"
    register_secret("abcdef")
    assert Redactor().text("password=abcdefGHI;x=1") == "password=[REDACTED];x=1"


@pytest.mark.parametrize("value", ["", "12345", "  12345  "])
def test_a_short_secret_is_refused(value: str) -> None:
    """It would hide ordinary words."""
    with pytest.raises(ValueError, match="at least 6"):
        register_secret(value)


def test_a_secret_must_be_a_text() -> None:
    """Bytes are refused at once, not at the next log call."""
    with pytest.raises(TypeError, match="must be a text"):
        register_secret(b"abcdefgh")  # type: ignore[arg-type]  # what is tested
