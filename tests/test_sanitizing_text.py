"""Text made safe: one line, storable, cut on a code point."""

from __future__ import annotations

import json

from hypothesis import example, given
from hypothesis import strategies as st

from zotify_logging.sanitizing import (
    cut_text,
    escape_ascii,
    escape_line,
    indent_lines,
    safe_str,
    storable,
    unfold_line,
)

any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)
HOSTILE = "a\r\nb\x00\x1b[31m\x85\u2028\u2029\u202e\u2066\ud800\x0b\x0c\x1c"


@given(any_text)
@example(HOSTILE)
def test_any_text_becomes_one_line(text: str) -> None:
    """splitlines agrees, UTF-8 takes it, and a second time changes nothing."""
    line = escape_line(text)
    assert len(line.splitlines()) <= 1
    line.encode()
    assert not set(line) & set("\x00\x1b\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u2069\u061c")
    assert escape_line(line) == line
    assert len(unfold_line(line)) <= len(line)


@given(st.text(st.characters(categories=["L", "N", "P", "Zs"]), max_size=80))
def test_clean_text_is_the_same_object(text: str) -> None:
    """Clean text pays nothing: a tab and a backslash are clean too."""
    for clean in (text, text + "\t\\n"):
        if all(c.isprintable() or c == "\t" or c.isspace() for c in clean):
            assert escape_line(clean) is clean
            assert storable(clean) is clean


@given(any_text)
def test_indented_lines_stay_inside_their_record(text: str) -> None:
    """Every line but the first is indented, however the text splits."""
    lines = indent_lines(text).splitlines()
    assert all(line.startswith("  ") for line in lines[1:])


@given(any_text)
def test_storable_text_has_neither_nul_nor_surrogate(text: str) -> None:
    """Newlines are kept."""
    stored = storable(text)
    stored.encode()
    assert "\x00" not in stored and stored.count("\n") == text.count("\n")


@given(any_text, st.integers(-5, 80))
def test_cut_text_never_exceeds_its_bytes(text: str, max_bytes: int) -> None:
    """Valid UTF-8 below the maximum, even where the note has no room."""
    cut, original = cut_text(text, max_bytes)
    size = len(text.encode("utf-8", "backslashreplace"))
    assert original == (size if size > max_bytes else 0)
    if original:
        assert len(cut.encode()) <= max(0, max_bytes)
    else:
        assert cut is text


def test_a_cut_keeps_head_and_tail_and_says_so() -> None:
    """The note says how many bytes are gone."""
    cut, original = cut_text("head" + "é" * 500 + "tail", 200)
    assert original == 1008
    assert cut.startswith("head") and cut.endswith("tail") and "bytes cut" in cut


@given(any_text)
def test_ascii_is_what_json_escapes(text: str) -> None:
    """Everything else is an escape that a JSON reader turns back."""
    ascii_text = escape_ascii(text)
    assert ascii_text.isascii()
    if not set(text) & set('"\\') and text.isprintable():
        assert json.loads(f'"{ascii_text}"') == text


def test_safe_str_is_always_an_exact_text() -> None:
    """A subclass with ideas of its own does not get through."""

    class Loud(str):
        def __str__(self) -> str:
            return self

    class Unprintable:
        def __str__(self) -> str:
            raise RuntimeError

    assert type(safe_str(Loud("x"))) is str
    assert safe_str(Unprintable()) == "<unprintable Unprintable: RuntimeError>"
