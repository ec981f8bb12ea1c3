"""Behaviour of a subscriber's filters."""

from __future__ import annotations

import pytest

from zotify_logging.clock import parse_instant
from zotify_logging.exceptions import ParameterError
from zotify_logging.storage.cursor import ORIGIN
from zotify_logging.storage.line_reader import RawLine
from zotify_logging.streaming.selection import Selection, level_number
from zotify_logging.streaming.stream_record import log_record


def passing(selection: Selection, *lines: str) -> list[str]:
    """Return the lines that pass, in order."""
    records = [
        log_record(RawLine(line.encode(), len(line.encode()), 0, 0), ORIGIN) for line in lines
    ]
    return [record.raw for record in records if selection.accepts(record)]


def line(level: str = "INFO", logger: str = "app", message: str = "m", second: int = 0) -> str:
    """Return a line of the text layout."""
    return f"2026-11-22T10:00:{second:02d}.000000Z {level} {logger} {message}"


def test_level_is_a_minimum() -> None:
    """By number, unnamed levels included; a level that nobody knows passes."""
    lines = [line("DEBUG"), line("Level 25"), line("WARNING"), line("Level 35"), line("NOTICE")]
    assert passing(Selection(level="WARNING"), *lines) == lines[2:]
    assert passing(Selection(level=20), *lines) == lines[1:]


def test_logger_is_a_dotted_prefix() -> None:
    """``app`` includes ``app.db``, not ``apple``."""
    lines = [line(logger="app"), line(logger="app.db"), line(logger="apple")]
    assert passing(Selection(logger="app"), *lines) == lines[:2]


def test_a_line_without_head_goes_with_its_predecessor() -> None:
    """A traceback follows its record through level and logger; without predecessor it passes."""
    lines = ["early", line("ERROR"), "  trace", line("DEBUG"), "  detail"]
    assert passing(Selection(level="INFO"), *lines) == ["early", lines[1], "  trace"]


def test_text_is_literal() -> None:
    """No pattern is interpreted; case and inversion are as asked."""
    lines = ["a.*b", "aXXb", "A.*B"]
    assert passing(Selection(q="a.*b"), *lines) == ["a.*b", "A.*B"]
    assert passing(Selection(q="a.*b", case=True), *lines) == ["a.*b"]
    assert passing(Selection(q="a.*b", invert=True), *lines) == ["aXXb"]


def test_since_is_inclusive_and_until_exclusive() -> None:
    """Times in another form than ours count too."""
    lines = [line(second=number) for number in range(5)]
    lines.append("2026-11-22T11:00:02.5+01:00 INFO app offset")
    since = parse_instant("since", "2026-11-22T10:00:02Z")
    until = parse_instant("until", "2026-11-22T10:00:04Z")
    assert passing(Selection(since=since, until=until), *lines) == [*lines[2:4], lines[5]]


def test_wrong_values_name_the_parameter_and_the_cure() -> None:
    """An unknown level gets a near match; an overlong text its bound."""
    with pytest.raises(ParameterError, match="level: 'WARNNG'.*did you mean WARNING"):
        Selection(level="WARNNG")
    with pytest.raises(ParameterError, match="q: 257 characters; at most 256"):
        Selection(q="x" * 257)
    assert level_number("warning") == level_number("30") == 30
