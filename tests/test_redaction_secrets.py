"""Secrets hidden by value."""

from __future__ import annotations

import json
import logging
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pythonjsonlogger.json import JsonFormatter as PythonJsonFormatter
from sizes import sized

from zotify_logging import JsonFormatter, TextFormatter, register_secret
from zotify_logging.formatters import LineFormatter
from zotify_logging.handlers.rendering import render_with
from zotify_logging.redaction import REDACTED, Redactor
from zotify_logging.redaction.secrets import registered
from zotify_logging.sanitizing import escape_line


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


@pytest.mark.usefixtures("secrets")
def test_occurrences_that_overlap_go_together() -> None:
    """A secret in itself, and two that share characters: no half of either is left."""
    register_secret("abcabc")
    register_secret("bcd-efg")
    redactor = Redactor()
    assert redactor.text("<abcabcabc>") == f"<{REDACTED}>"
    assert redactor.text("<abcabcd-efg>") == f"<{REDACTED}>"
    assert redactor.text("<abcabc><abcab>") == f"<{REDACTED}><abcab>"


@pytest.mark.usefixtures("secrets")
def test_a_secret_inside_another_shows_nothing_of_it() -> None:
    """The longer one goes as a whole, whichever was registered first."""
    register_secret("middle")
    register_secret("begin-middle-the-end")
    register_secret("begin-mid")
    assert Redactor().text("x begin-middle-the-end y") == f"x {REDACTED} y"


@pytest.mark.usefixtures("secrets")
def test_a_form_in_a_query_is_hidden() -> None:
    """Where a space is a plus sign and a slash is not."""
    register_secret("pass phrase/1")
    assert Redactor().text(f"q={quote_plus('pass phrase/1')}&n=1") == f"q={REDACTED}&n=1"


@pytest.mark.usefixtures("secrets")
def test_escapes_may_be_written_in_either_case() -> None:
    """Encoders differ in their hexadecimal digits, and in what they leave as it is."""
    register_secret("pä/ss?wörd")
    redactor = Redactor()
    for form in (
        "p\\u00E4/ss?w\\u00F6rd",
        "p%c3%A4%2fss%3Fw%C3%b6rd",
        "p%C3%A4/ss?w%C3%B6rd",
        "p\\xe4/ss?w\\xf6rd",
    ):
        assert redactor.text(f"<{form}>") == f"<{REDACTED}>"


any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=12)
hostile_text = st.lists(
    st.sampled_from(
        ["password=", '"', "'", "\\", "%", "%2", "\\u00", "Bearer ", "{", "token: [", "\n"]
    )
    | any_text,
    max_size=4,
).map("".join)
a_secret = st.text(st.characters(codec=None, exclude_categories=["Cs"]), min_size=6, max_size=16)

LAYOUTS: list[logging.Formatter] = [
    TextFormatter(),
    JsonFormatter(),
    JsonFormatter("%(message)s %(name)s", json_ensure_ascii=False, exc_info_as_array=True),
    PythonJsonFormatter("%(message)s %(name)s"),
    PythonJsonFormatter("%(message)s", json_ensure_ascii=False),
    logging.Formatter("%(name)s %(message)s %(field)s"),
]


def forms_of(secret: str) -> set[str]:
    """Return the forms that the specification names, and what a line makes of them."""
    data = secret.encode()
    forms = {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    forms |= {quote(data, safe=""), quote(data), quote_plus(data)}
    return forms | {escape_line(form) for form in forms}


@pytest.mark.usefixtures("secrets")
@settings(
    max_examples=sized(40, 5000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(a_secret, hostile_text, hostile_text)
def test_a_registered_secret_in_hostile_text_never_appears(
    secret: str, before: str, after: str
) -> None:
    """In no form, in no layout, wherever on the record it is."""
    assume(len(secret.strip()) >= 6 and secret.strip() not in REDACTED)
    registered._forms.clear()
    register_secret(secret)
    shown = {form for form in forms_of(secret.strip()) if form not in REDACTED}
    # What is written by the layout itself is no leak.
    empty = "".join(layout.format(record_with("")) for layout in LAYOUTS)
    assume(not any(form in empty for form in shown))
    redactor = Redactor()
    for form in forms_of(secret):
        record = record_with(f"{before}{form}{after}")
        for layout in LAYOUTS:
            if isinstance(layout, LineFormatter):
                line = layout.render(record, redactor)
            else:
                line = render_with(layout, record, redactor, False)
            assert not [one for one in shown if one in line], (layout, line)


def record_with(text: str) -> logging.LogRecord:
    """Return a record that has ``text`` everywhere."""
    error = ValueError(text)
    error.__cause__ = KeyError(text)
    record = logging.LogRecord(text, 40, "f.py", 1, "%s", (text,), (ValueError, error, None))
    record.created = 1.7e9
    record.stack_info = text
    record.__dict__.update(field=text, nested={"list": [text, {text: (text,)}], "raw": text})
    return record


@pytest.mark.parametrize("value", ["", "12345", "  12345  "])
def test_a_short_secret_is_refused(value: str) -> None:
    """It would hide ordinary words."""
    with pytest.raises(ValueError, match="at least 6"):
        register_secret(value)


def test_a_secret_must_be_a_text() -> None:
    """Bytes are refused at once, not at the next log call."""
    with pytest.raises(TypeError, match="must be a text"):
        register_secret(b"abcdefgh")  # type: ignore[arg-type]  # what is tested


@pytest.mark.usefixtures("secrets")
@pytest.mark.parametrize("formatter", [JsonFormatter(), JsonFormatter("%(name)s"), TextFormatter()])
def test_what_was_shown_before_is_hidden_from_now_on(formatter: LineFormatter) -> None:
    """A logger's name too, though it was seen before, and by a handler without a redactor."""
    record = logging.makeLogRecord({"name": "tenant.s3cr3t-name", "msg": "m", "levelname": "INFO"})
    redactor = Redactor()
    assert "s3cr3t" in formatter.format(record)
    assert "s3cr3t" in formatter.render(record, redactor)
    register_secret("s3cr3t-name")
    assert "s3cr3t" not in formatter.render(record, redactor)
    assert "s3cr3t" in formatter.format(record)
    assert "s3cr3t" not in formatter.render(record, redactor)
