"""Secrets taken out of values at any depth."""

from __future__ import annotations

import enum
from typing import NamedTuple

from zotify_logging.redaction import MAX_ITEMS, REDACTED, Redactor


def test_fields_are_redacted_by_name_at_any_depth() -> None:
    """Any case and style of name, in lists too; the input stays as it is."""
    fields: dict[str, object] = {
        "user": "ann",
        "Pass-Word": 1,
        "nested": [{"apiKey": ["S3cr3t"], "n": 1}, ({"GITHUB_TOKEN": "S3cr3t"},)],
        "cookies": {"sid": "S3cr3t"},
        "url": "https://u:S3cr3t@host/",
        "raw": b"token=S3cr3t",
        "https://u:S3cr3t@host": 1,
    }
    before = repr(fields)
    clean = Redactor().fields(fields)
    assert "S3cr3t" not in repr(clean)
    assert repr(fields) == before
    assert clean["user"] == "ann" and clean["Pass-Word"] == REDACTED
    assert isinstance(clean["nested"], list) and isinstance(clean["nested"][1], tuple)


def test_names_that_are_no_keys_of_a_text_count_too() -> None:
    """Keys that are bytes, as in the headers of a request, and the names of a named tuple."""

    class Login(NamedTuple):
        user: str
        password: str

    clean, found = Redactor().redact({"login": Login("ann", "S3cr3t"), b"Set-Cookie": "S3cr3t"})
    assert clean == {"login": ("ann", REDACTED), b"Set-Cookie": REDACTED}
    assert found == ["/login/1", "/b'Set-Cookie'"]


def test_objects_are_redacted_as_they_will_be_shown() -> None:
    """The text of an exception or a URL object is no way out."""

    class Url:
        def __str__(self) -> str:
            return "https://user:S3cr3t@host/"

    redactor = Redactor()
    fields: dict[str, object] = {"error": ValueError("token=S3cr3t"), "deep": [Url()]}
    assert "S3cr3t" not in str(redactor.fields(fields))
    assert redactor.fields(fields, shown=False)["error"] is fields["error"]
    plain = object()
    assert redactor.redact([plain])[0] == [plain]
    assert redactor.redact([Url()]) == (["https://[REDACTED]@host/"], ["/0"])


def test_nothing_but_secrets_is_lost() -> None:
    """Two keys that become one, an object that is there twice, a member's value, any bytes."""

    class Login(enum.Enum):
        BASIC = "token=S3cr3t"

    shared = {"n": 1}
    fields = {
        "token=S3cr3t-1": 1,
        "token=S3cr3t-2": 2,
        "twice": [shared, shared],
        "login": Login.BASIC,
        "raw": [bytearray(b"token=S3cr3t"), memoryview(b"token=S3cr3t")],
    }
    assert Redactor().fields(fields) == {
        f"token={REDACTED}": 1,
        f"token={REDACTED}_": 2,
        "twice": [shared, shared],
        "login": f"token={REDACTED}",
        "raw": [f"token={REDACTED}"] * 2,
    }


def test_depth_width_and_cycles_end() -> None:
    """No secret hides behind depth, and no structure takes more than MAX_ITEMS looks."""
    redactor = Redactor()
    deep: object = {"password": "S3cr3t", "t": "token=S3cr3t"}
    for _ in range(100):
        deep = [deep]
    assert "S3cr3t" not in repr(redactor.fields({"deep": deep}))
    twice: list[object] = []
    for _ in range(60):
        twice = [twice, twice]
    redactor.fields({"twice": twice})  # 2**60 leaves if walked blindly
    cycle: dict[str, object] = {}
    cycle["self"] = cycle
    assert redactor.fields(cycle)["self"] == {"self": "<cycle>"}
    wide = redactor.fields({"wide": list(range(MAX_ITEMS * 3))})["wide"]
    assert isinstance(wide, list) and len(wide) <= MAX_ITEMS + 1
    assert wide[-1] == "<more left out>"


def test_hostile_values_never_raise() -> None:
    """Nothing of a value that cannot be read gets out."""

    class Hostile(dict[str, object]):
        def items(self) -> object:  # type: ignore[override]  # hostile on purpose
            raise RuntimeError

    class Bad:
        def __str__(self) -> str:
            raise RuntimeError

    clean = Redactor().fields({"a": Hostile(), "b": Bad(), "c": 1})
    assert clean["c"] == 1 and len(clean) == 3


def test_pointers_name_what_was_replaced() -> None:
    """RFC 6901, escapes included."""
    value = {"a/b": [{"token": "x"}, "pwd=x"], "~": {"secret": 1}}
    clean, pointers = Redactor().redact(value)
    assert pointers == ["/a~1b/0/token", "/a~1b/1", "/~0/secret"]
    assert clean == {"a/b": [{"token": REDACTED}, "pwd=[REDACTED]"], "~": {"secret": REDACTED}}


def test_names_of_ones_own_and_patterns_off() -> None:
    """redact= adds names; without patterns the built-in names still hide their fields."""
    assert Redactor(["ssn"]).fields({"SSN": 1, "s": 1}) == {"SSN": REDACTED, "s": 1}
    off = Redactor(patterns=False)
    assert off.text("token=x") == "token=x"
    assert off.fields({"token": "x"}) == {"token": REDACTED}
