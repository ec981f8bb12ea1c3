"""Behaviour of resume positions as text."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zotify_logging.exceptions import MalformedCursorError
from zotify_logging.storage.cursor import ORIGIN, Cursor

_cursors = st.builds(
    Cursor,
    st.binary(min_size=16, max_size=16),
    st.integers(0, 2**64 - 1),
    st.integers(0, 2**32 - 1),
)
_ALPHABET = string.ascii_letters + string.digits + "-_"


@given(_cursors)
def test_a_cursor_survives_its_text(cursor: Cursor) -> None:
    """Encoding and decoding give the same cursor back, in URL-safe characters."""
    text = cursor.encode()
    assert Cursor.decode(text) == cursor
    assert set(text) <= set(_ALPHABET)


@given(_cursors, st.integers(0, 43), st.sampled_from(_ALPHABET))
def test_a_changed_character_is_noticed(cursor: Cursor, at: int, character: str) -> None:
    """Any single character changed makes the cursor malformed."""
    text = cursor.encode()
    if text[at] == character:
        return
    with pytest.raises(MalformedCursorError):
        Cursor.decode(text[:at] + character + text[at + 1 :])


@given(st.one_of(st.text(), st.text(_ALPHABET, min_size=40, max_size=48)))
def test_random_text_is_no_cursor(text: str) -> None:
    """Text that is not ours is refused with the cure in the message."""
    with pytest.raises(MalformedCursorError, match="exactly as it was received"):
        Cursor.decode(text)


@pytest.mark.parametrize("text", [" {}", "{}\n", "{}=", "{}A", "", "٣" * 44])
def test_decorated_text_is_no_cursor(text: str) -> None:
    """White space, padding and longer text are not silently accepted."""
    with pytest.raises(MalformedCursorError):
        Cursor.decode(text.format(ORIGIN.encode()))


def test_an_unknown_version_is_named() -> None:
    """A cursor of a later version with a right checksum is refused, by its version."""
    import base64
    import zlib

    body = b"\x7f" + bytes(28)
    check = zlib.crc32(body, zlib.crc32(b"zotify system log")).to_bytes(4, "big")
    with pytest.raises(MalformedCursorError, match="version 127"):
        Cursor.decode(base64.urlsafe_b64encode(body + check).decode())
