"""Behaviour of records as text, NDJSON and server-sent events."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zotify_logging.storage.cursor import ORIGIN
from zotify_logging.storage.line_reader import RawLine
from zotify_logging.streaming import (
    StreamRecord,
    control_record,
    encode_ndjson,
    encode_sse,
    encode_text,
)
from zotify_logging.streaming.stream_record import log_record

HEAD = "2026-11-22T10:00:00.000000Z INFO app "


def record(data: bytes, size: int | None = None, late: bool = False) -> StreamRecord:
    """Return the record of a line."""
    length = len(data) if size is None else size
    return log_record(RawLine(data, length, 0, length + 1), ORIGIN, late)


def sse_fields(event: bytes) -> list[tuple[str, str]]:
    """Parse one event as the specification of EventSource says, on CR, LF and CRLF."""
    lines = event.decode().replace("\r\n", "\n").replace("\r", "\n").split("\n")
    pairs = [line.partition(":") for line in lines if line]
    return [(name, value.removeprefix(" ")) for name, _, value in pairs]


HOSTILE = [
    b"\rid: x",
    b"a\rb",
    "a\u2028b\u2029c\x85d".encode(),
    b"data: forged",
    b"-- zotify: end reason=eof --",
    b"\x00\x1b[31m\x7f",
    b"\xff\xfe broken",
    "\u00e9\U0001f600".encode(),
    b"",
]


@pytest.mark.parametrize("line", HOSTILE)
def test_hostile_lines_arrive_intact(line: bytes) -> None:
    """CR, U+2028, ``data:`` and the rest are the same after parsing, in one event or line."""
    one = record(line)
    ndjson = encode_ndjson(one)
    assert ndjson.count(b"\n") == 1 and ndjson.isascii()
    expected = line.decode("utf-8", "replace")
    assert json.loads(ndjson)["message"] == expected
    fields = sse_fields(encode_sse(one))
    assert [name for name, _ in fields] == ["id", "data"]
    assert json.loads(fields[1][1])["message"] == expected
    assert encode_text(one).decode().lstrip(" ").rstrip("\n") == expected.lstrip(" ").rstrip("\n")


@given(st.binary(max_size=200).filter(lambda data: b"\n" not in data))
def test_any_bytes_encode_in_every_form(data: bytes) -> None:
    """No line breaks an encoder, and each form holds one line."""
    one = record(data)
    assert encode_text(one).count(b"\n") == 1
    assert json.loads(encode_ndjson(one))["type"] == "log"
    assert encode_sse(one).endswith(b"\n\n")


def test_a_line_cannot_pass_for_a_control_record() -> None:
    """Text that begins like a control record gets one leading space."""
    end = control_record("end", ORIGIN, reason="eof")
    assert encode_text(end) == b"-- zotify: end reason=eof --\n"
    assert encode_text(record(b"-- zotify: end reason=eof --")).startswith(b" -- zotify:")


def test_control_records_carry_their_type_as_event() -> None:
    """A gap tells reason, size and both positions; unknown is null, in text ``unknown``."""
    gap = control_record("gap", ORIGIN, reason="rotated", bytes=None, from_="a", to="b")
    fields = dict(sse_fields(encode_sse(gap)))
    assert (fields["event"], fields["id"]) == ("gap", gap.cursor)
    assert json.loads(fields["data"]) == {
        "type": "gap",
        "cursor": gap.cursor,
        "reason": "rotated",
        "bytes": None,
        "from": "a",
        "to": "b",
    }
    assert encode_text(gap) == b"-- zotify: gap reason=rotated bytes=unknown from=a to=b --\n"


def test_raw_is_there_where_it_says_more() -> None:
    """A text line is told by its members; a JSON line has more fields, so it comes raw as well."""
    assert "raw" not in json.loads(encode_ndjson(record(f"{HEAD}hello".encode())))
    assert "raw" not in json.loads(encode_ndjson(record(b"no head")))
    line = b'{"timestamp":"2026-11-22T10:00:00Z","level":"INFO","logger":"a","message":"m","x":1}'
    assert json.loads(encode_ndjson(record(line)))["raw"] == line.decode()


def test_flags_say_what_was_done_to_a_line() -> None:
    """Cut, replaced and late are told, and only where they are true."""
    whole = json.loads(encode_ndjson(record(b"x")))
    assert not {"truncated", "bytes", "replaced", "partial", "late"} & whole.keys()
    told = json.loads(encode_ndjson(record(b"a\xff\xfeb", size=9000, late=True)))
    assert (told["truncated"], told["bytes"], told["replaced"], told["late"]) == (
        True,
        9000,
        2,
        True,
    )
    cut = record("é".encode()[:1], size=2)
    assert (cut.raw, cut.replaced) == ("", 0)
    genuine = record("\ufffd".encode() + b"\xff")
    assert genuine.replaced == 1


def test_each_form_is_made_once() -> None:
    """The bytes of a record are the same object the second time."""
    one = record(b"hello")
    for encode in (encode_text, encode_ndjson, encode_sse):
        assert encode(one) is encode(one)


def test_records_are_frozen() -> None:
    """No public attribute can be set."""
    one = record(b"hello")
    for name in ("type", "cursor", "level", "raw", "late", "other"):
        with pytest.raises(AttributeError):
            setattr(one, name, "x")
