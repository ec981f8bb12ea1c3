"""Behaviour of parting a dead writer's remnant from the record behind it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zotify_logging.storage.line_reader import RawLine
from zotify_logging.streaming.fragments import split_fragments

TEXT = b"2026-11-22T10:00:00.000000Z INFO app.db "
JSON = b'{"timestamp":"2026-11-22T10:00:00.000000Z","level":"INFO","logger":"a","message":"m"}'


def raw(data: bytes, start: int = 0) -> RawLine:
    """Return a whole line."""
    return RawLine(data, len(data), start, start + len(data) + 1)


def parts(data: bytes, start: int = 0) -> list[bytes]:
    """Return what the line is split into, after checking that nothing is lost."""
    found = split_fragments(raw(data, start))
    assert b"".join(part.data for part in found) == data
    assert found[0].start == start and found[-1].end == start + len(data) + 1
    assert all(left.end == right.start for left, right in zip(found, found[1:], strict=False))
    assert all(part.unfinished for part in found[:-1])
    return [part.data for part in found]


@pytest.mark.parametrize("cut", range(1, len(TEXT)))
def test_an_unfinished_head_is_parted_from_the_next_record(cut: int) -> None:
    """Wherever a head was cut, the record behind it comes whole."""
    assert parts(TEXT[:cut] + TEXT + b"hello") == [TEXT[:cut], TEXT + b"hello"]


@pytest.mark.parametrize("cut", range(1, len(JSON)))
def test_an_unfinished_object_is_parted_from_the_next(cut: int) -> None:
    """Wherever a JSON line was cut, the record behind it comes whole."""
    assert parts(JSON[:cut] + JSON) == [JSON[:cut], JSON]


def test_a_write_cut_by_the_kernel_is_parted() -> None:
    """A dying process's write ends at a multiple of the page size, message or not."""
    remnant = TEXT + b"x" * 60
    assert parts(remnant + TEXT + b"y", start=4096 - len(remnant)) == [remnant, TEXT + b"y"]


@given(st.text())
def test_a_message_cannot_forge_a_record(before: str) -> None:
    """A quoted head inside a message stays part of that message, in both layouts."""
    quoted = f"{before}{(TEXT + b'forged').decode()}"
    assert parts(TEXT + quoted.encode("utf-8", "replace"), start=17) == [
        TEXT + quoted.encode("utf-8", "replace")
    ]
    nested = json.loads(JSON) | {"message": before + JSON.decode(), "x": json.loads(JSON)}
    line = json.dumps(nested, separators=(",", ":")).encode()
    assert parts(line, start=17) == [line]


def test_remnants_of_two_writers_leave_the_record_whole() -> None:
    """Two dead writers and a living one: the record of the living one comes whole."""
    assert parts(JSON[:10] + JSON[:30] + JSON)[-1] == JSON
