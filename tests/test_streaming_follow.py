"""Behaviour of ``follow``: where a stream begins, what it selects, how it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_writer import LogWriter
from sizes import sized

from zotify_logging.clock import format_us, parse_instant
from zotify_logging.exceptions import MalformedCursorError, ParameterError, StaleCursorError
from zotify_logging.streaming import follow

BASE = parse_instant("since", "2026-11-22T10:00:00Z")


def line(second: int, level: str = "INFO", logger: str = "app") -> str:
    """Return a line of the text layout, ``second`` seconds after ten o'clock."""
    return f"{format_us(BASE + second * 1_000_000)} {level} {logger} m{second}"


def snapshot(path: Path, **options: object) -> list[str]:
    """Return the messages of a snapshot, control records by their type and reason."""
    with follow(path, follow=False, **options) as subscription:  # type: ignore[arg-type]
        return [
            record.message if record.type == "log" else f"<{record.type} {record.reason}>"
            for record in subscription
        ]


@pytest.fixture
def log(tmp_path: Path) -> LogWriter:
    """Return a log of 300 lines in three files, every tenth a warning."""
    writer = LogWriter(tmp_path / "app.log")
    for start in (0, 100, 200):
        if start:
            writer.rotate()
        for second in range(start, start + 100):
            writer.lines(line(second, "WARNING" if second % 10 == 0 else "INFO"))
    return writer


@pytest.mark.parametrize("count", [0, 1, 99, 100, 101, 250, 300, 1000])
def test_tail_gives_the_last_records(log: LogWriter, count: int) -> None:
    """Exactly the last N, across rotated files; all if there are fewer."""
    expected = [f"m{number}" for number in range(max(0, 300 - count), 300)]
    assert snapshot(log.path, tail=count) == [*expected, "<end eof>"]


def test_tail_counts_matching_records(log: LogWriter) -> None:
    """The last N that pass the filters, however far back they lie."""
    expected = [f"m{number}" for number in range(60, 300, 10)]
    assert snapshot(log.path, tail=24, level="WARNING") == [*expected, "<end eof>"]
    assert snapshot(log.path, tail=2, q="m15") == ["m158", "m159", "<end eof>"]
    assert len(snapshot(log.path)) == 101
    assert len(snapshot(log.path, tail="all")) == 301


@settings(max_examples=sized(60, 1000), deadline=None)
@given(
    heads=st.lists(st.sampled_from(["D", "W", "-"]), max_size=40),
    cuts=st.lists(st.integers(0, 40), max_size=3),
    count=st.integers(0, 12),
)
def test_tail_equals_the_end_of_everything(
    tmp_path_factory: pytest.TempPathFactory, heads: list[str], cuts: list[int], count: int
) -> None:
    """With lines that have no head of their own too: the same as filtering it all, then cutting."""
    writer = LogWriter(tmp_path_factory.mktemp("log") / "app.log")
    for number, head in enumerate(heads):
        if number in cuts:
            writer.rotate()
        level = "DEBUG" if head == "D" else "WARNING"
        writer.lines(f"  - {number}" if head == "-" else line(number, level))
    writer.path.touch()
    everything = snapshot(writer.path, tail="all", level="INFO")[:-1]
    expected = everything[max(0, len(everything) - count) :] if count else []
    assert snapshot(writer.path, tail=count, level="INFO") == [*expected, "<end eof>"]


def test_since_begins_at_a_time(log: LogWriter) -> None:
    """Inclusive, in whichever file it lies; ``until`` is exclusive."""
    for second in (0, 5, 100, 150, 299):
        got = snapshot(log.path, since=BASE + second * 1_000_000)
        assert got == [*(f"m{number}" for number in range(second, 300)), "<end eof>"]
    got = snapshot(log.path, since=BASE + 150_000_000, until=BASE + 153_000_000)
    assert got == ["m150", "m151", "m152", "<end until>"]


def test_since_in_a_long_file_is_bisected(tmp_path: Path) -> None:
    """The same answer from a file that is too long to be read from its start."""
    path = tmp_path / "app.log"
    path.write_text("".join(f"{line(second)}\n" for second in range(20_000)))
    got = snapshot(path, since=BASE + 19_990 * 1_000_000)
    assert got == [*(f"m{number}" for number in range(19_990, 20_000)), "<end eof>"]


def test_since_passes_over_files_written_before(log: LogWriter) -> None:
    """A file whose last write is older than the time asked for is not read at all."""
    old = BASE // 1_000_000 + 99
    os.utime(log.numbered(2), (old, old))
    log.numbered(2).write_bytes(log.numbered(2).read_bytes().replace(b"m99", b"m00"))
    os.utime(log.numbered(2), (old, old))
    got = snapshot(log.path, since=BASE + 190_000_000)
    assert got == [*(f"m{number}" for number in range(190, 300)), "<end eof>"]


def test_every_record_resumes_exactly(log: LogWriter) -> None:
    """Going on behind any record gives the rest, filters or not."""
    with follow(log.path, follow=False, tail="all") as subscription:
        records = [record for record in subscription if record.type == "log"]
    for index in range(0, 300, 23):
        cursor = records[index].cursor
        rest = [f"m{number}" for number in range(index + 1, 300)]
        assert snapshot(log.path, after=cursor) == [*rest, "<end eof>"]
        warnings = [text for text in rest if text.endswith("0")]
        assert snapshot(log.path, after=cursor, level="WARNING") == [*warnings, "<end eof>"]


def test_a_resumed_filter_remembers_the_record_before(tmp_path: Path) -> None:
    """A line without head right behind the cursor goes with the record before the cursor."""
    writer = LogWriter(tmp_path / "app.log")
    writer.lines(line(0, "DEBUG"), "  detail", line(1, "ERROR"), "  trace")
    with follow(writer.path, follow=False, tail="all") as subscription:
        first, _, third, _, _ = subscription
    assert snapshot(writer.path, after=first.cursor, level="INFO") == ["m1", "  trace", "<end eof>"]
    assert snapshot(writer.path, after=third.cursor, level="INFO") == ["  trace", "<end eof>"]


def test_limit_ends_the_stream_where_it_can_go_on(log: LogWriter) -> None:
    """The end record's cursor is the position behind the last record given."""
    with follow(log.path, tail="all", limit=3) as subscription:
        *records, end = subscription
    assert [record.message for record in records] == ["m0", "m1", "m2"]
    assert (end.type, end.reason, end.cursor) == ("end", "limit", records[-1].cursor)
    assert snapshot(log.path, after=end.cursor, limit=1) == ["m3", "<end limit>"]


def test_a_stale_cursor_is_a_gap_or_an_error(log: LogWriter) -> None:
    """By default a declared gap and all that exists; strict refuses with the cure."""
    with follow(log.path, tail="all", limit=1) as subscription:
        cursor = next(subscription).cursor
    for number in range(10):
        log.rotate()
        log.lines(line(1000 + number))
    got = snapshot(log.path, after=cursor)
    assert got == ["<gap expired>", *(f"m{number}" for number in range(1004, 1010)), "<end eof>"]
    with pytest.raises(StaleCursorError, match="begin anew with `tail`"):
        follow(log.path, after=cursor, strict=True)


def test_wrong_arguments_are_refused_at_once(log: LogWriter) -> None:
    """Before anything is read: malformed cursor, unknown level, impossible counts."""
    with pytest.raises(MalformedCursorError):
        follow(log.path, after="nonsense")
    for wrong in ({"tail": -1}, {"tail": "some"}, {"limit": 0}, {"level": "LOUD"}):
        with pytest.raises(ParameterError, match=next(iter(wrong))):
            follow(log.path, **wrong)


def test_a_snapshot_of_nothing_ends(tmp_path: Path) -> None:
    """A missing file is said and does not make it wait; an empty one is an end alone."""
    for tail in (0, 100):
        assert snapshot(tmp_path / "none.log", tail=tail) == ["<waiting None>", "<end eof>"]
    (tmp_path / "none.log").touch()
    assert snapshot(tmp_path / "none.log") == ["<end eof>"]


def test_a_snapshot_without_the_live_file_gives_the_closed_ones(log: LogWriter) -> None:
    """What is left is given; that the live file was moved away is said before the end."""
    os.rename(log.path, f"{log.path}.elsewhere")
    assert snapshot(log.path, tail=1) == ["m199", "<waiting None>", "<end eof>"]


def test_a_remnant_and_the_record_behind_it_are_two(tmp_path: Path) -> None:
    """What a killed writer left is partial, the other process's record is whole; both resume."""
    writer = LogWriter(tmp_path / "app.log")
    writer.write(line(0)[:20])
    writer.lines(line(1), line(2))
    with follow(writer.path, follow=False, tail="all") as subscription:
        remnant, whole, last, _ = subscription
    assert (remnant.partial, remnant.raw) == (True, line(0)[:20])
    assert (whole.partial, whole.message) == (False, "m1")
    assert snapshot(writer.path, after=remnant.cursor) == ["m1", "m2", "<end eof>"]
    assert snapshot(writer.path, tail=2) == ["m1", "m2", "<end eof>"]
    assert last.message == "m2"
