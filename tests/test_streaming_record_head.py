"""Behaviour of reading a line's head."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zotify_logging.streaming.record_head import RecordHead, read_head, timestamp_us

TIME = "2026-11-22T10:00:00.000000Z"


@given(st.text(), st.sampled_from(["INFO", "CRITICAL", "Level 25", "TRACE"]))
def test_our_two_layouts_are_read(message: str, level: str) -> None:
    """The text and the JSON layout give the same head, whatever the message holds."""
    expected = RecordHead(TIME, level, "app.db", message)
    assert read_head(f"{TIME} {level} app.db {message}") == expected
    members = {"timestamp": TIME, "level": level, "logger": "app.db", "message": message, "x": 1}
    for ascii_only in (True, False):
        line = json.dumps(members, separators=(",", ":"), ensure_ascii=ascii_only)
        assert read_head(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "",
        "  at Foo.bar(Foo.java:1)",
        "Traceback (most recent call last):",
        "2026-11-22 10:00:00,123 INFO app hello",
        "2026-11-22T10:00:00 INFO app no offset",
        "2026-11-22T10:00:00Z myhost app: hello",
        "{",
        '{"a":1}',
        "[" * 100_000,
        '{"timestamp":' * 5_000,
        '{"timestamp":"yesterday","message":"x"}',
    ],
)
def test_foreign_lines_have_no_head(line: str) -> None:
    """What is not one of our layouts has no head, and breaks nothing."""
    assert read_head(line) is None


def test_a_cut_json_line_keeps_its_head() -> None:
    """A line whose end is missing still tells level and logger."""
    head = read_head(f'{{"timestamp":"{TIME}","level":"INFO","logger":"a","message":"half a m')
    assert head == RecordHead(TIME, "INFO", "a", "half a m")


def test_foreign_json_is_read_in_any_order() -> None:
    """Spaces, order, an offset and missing members do not matter, a time must be there."""
    line = '{ "message": "m", "timestamp": "2026-11-22T11:00:00+01:00", "level": "WARN" }'
    assert read_head(line) == RecordHead("2026-11-22T11:00:00+01:00", "WARN", "", "m")
    assert timestamp_us("2026-11-22T11:00:00+01:00") == timestamp_us(TIME)
