"""The reader finds every event once, in order, whatever is written meanwhile."""

from __future__ import annotations

import gzip
import json
import os
import threading
from pathlib import Path
from typing import Literal

import pytest
from sizes import sized

from zotify_logging.audit.event import AuditEvent
from zotify_logging.audit.query import AuditQuery
from zotify_logging.audit.reader import AuditReader
from zotify_logging.audit.segments import list_segments
from zotify_logging.audit.trail import AuditTrail
from zotify_logging.clock import parse_instant
from zotify_logging.exceptions import (
    AuditUnreadableError,
    MalformedCursorError,
    ParameterError,
    StaleCursorError,
)

Order = Literal["desc", "asc"]
NOW_US = 1_790_000_000_000_000


class TickingClock:
    """A clock whose time is set by the test."""

    now_ns = NOW_US * 1000

    def time_ns(self) -> int:
        """Return the time that was set."""
        return self.now_ns

    def monotonic(self) -> float:
        """Return the same in seconds."""
        return self.now_ns / 1e9


def write_trail(path: Path, count: int, *, max_bytes: int = 30_000) -> None:
    """Write ``count`` events, ten to a microsecond, of 3 types, 5 users and 4 addresses."""
    clock = TickingClock()
    trail = AuditTrail(path, max_bytes=max_bytes, durability="write", clock=clock)
    with trail:
        for number in range(count):
            clock.now_ns = (NOW_US + number // 10) * 1000
            trail.append(
                AuditEvent(
                    ("user.login", "user.logout", "auth.denied")[number % 3],
                    user_id=f"u{number % 5}",
                    source_ip=f"10.0.{number % 4}.1",
                    request_id=f"r{number}",
                    target=("track", str(number)),
                    details={"word": "grün" if number % 7 == 0 else "plain"},
                )
            )


def all_events(path: Path) -> list[dict[str, object]]:
    """Return every event by reading the files."""
    files = [*(Path(segment.path) for segment in list_segments(str(path))), path]
    return [json.loads(line) for file in files for line in file.read_bytes().splitlines()]


def pages(reader: AuditReader, order: Order, **filters: object) -> list[dict[str, object]]:
    """Return all events of a query by following its cursors."""
    events: list[dict[str, object]] = []
    after: str | None = None
    while True:
        page = reader.query(
            AuditQuery(order=order, after=after, **filters)  # type: ignore[arg-type]  # any filter
        )
        events += page.events
        after = page.next_after
        if not page.has_more:
            return events


@pytest.mark.parametrize(
    "filters",
    [
        {},
        {"event_types": ("user.login",)},
        {"event_types": ("user.*",)},
        {"event_types": ("auth.denied", "audit.*")},
        {"user_id": "u3"},
        {"outcome": "failure"},
        {"source_ip": "10.0.2.1"},
        {"source_ip": "10.0.2.0/23"},
        {"request_id": "r77"},
        {"target_type": "track", "target_id": "150"},
        {"since_us": NOW_US + 7, "until_us": NOW_US + 20},
        {"since_us": NOW_US + 29},
        {"until_us": NOW_US + 1},
        {"seq_from": 100, "seq_to": 110},
        {"q": "grün"},
        {"q": '"word":"plain"'},
        {"user_id": "u1", "event_types": ("user.login",), "since_us": NOW_US + 10},
        {"user_id": "nobody"},
    ],
)
def test_filters_find_what_a_full_scan_finds(tmp_path: Path, filters: dict[str, object]) -> None:
    """Both orders, through many segments, against plain Python over all lines."""
    path = tmp_path / "audit.jsonl"
    write_trail(path, 300)
    assert len(list_segments(str(path))) > 3

    def wanted(event: dict[str, object]) -> bool:
        when = parse_instant("t", str(event["timestamp"]))
        target = event.get("target") or {}
        assert isinstance(target, dict)
        kind = str(event["event_type"])
        types = filters.get("event_types", ())
        assert isinstance(types, tuple)
        network = {"10.0.2.1": "10.0.2.1", "10.0.2.0/23": "10.0.2.1 10.0.3.1"}
        seq = event["seq"]
        assert isinstance(seq, int)
        text = json.dumps(event, separators=(",", ":"), ensure_ascii=False)
        return (
            (
                not types
                or any(kind == t or (t[-1] == "*" and kind.startswith(t[:-1])) for t in types)
            )
            and event["user_id"] == filters.get("user_id", event["user_id"])
            and event["outcome"] == filters.get("outcome", event["outcome"])
            and event.get("request_id") == filters.get("request_id", event.get("request_id"))
            and target.get("id") == filters.get("target_id", target.get("id"))
            and (
                "source_ip" not in filters
                or str(event.get("source_ip")) in network[str(filters["source_ip"])]
            )
            and when >= int(str(filters.get("since_us", 0)))
            and when < int(str(filters.get("until_us", 2**60)))
            and int(str(filters.get("seq_from", 1)))
            <= seq
            <= int(str(filters.get("seq_to", 2**60)))
            and str(filters.get("q", "")) in text
        )

    expected = [event for event in all_events(path) if wanted(event)]
    reader = AuditReader(path)
    assert pages(reader, "asc", limit=7, **filters) == expected
    assert pages(reader, "desc", limit=7, **filters) == expected[::-1]


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_are_stable_while_events_arrive(tmp_path: Path, order: Order) -> None:
    """Pages of 7 through all events with two writers appending: each event exactly once."""
    path = tmp_path / "audit.jsonl"
    count = sized(300, 1000)
    write_trail(path, count)
    reader = AuditReader(path)
    last = reader.head().seq
    done = threading.Event()

    def write(trail: AuditTrail) -> None:
        with trail:
            while not done.is_set():
                trail.append(AuditEvent("job.start"))

    trails = [
        AuditTrail(path, max_bytes=30_000, durability="write", lock_timeout=60) for _ in range(2)
    ]
    writers = [threading.Thread(target=write, args=(trail,)) for trail in trails]
    for writer in writers:
        writer.start()
    try:
        seqs: list[object] = []
        after: str | None = None
        while True:
            page = reader.query(AuditQuery(order=order, after=after, limit=7))
            seqs += [event["seq"] for event in page.events]
            after = page.next_after
            if order == "desc" and not page.has_more:
                break
            if order == "asc" and page.complete_through >= last:
                break
    finally:
        done.set()
        for writer in writers:
            writer.join()
    if order == "asc":
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(seqs) >= last
    else:
        first = seqs[0]
        assert isinstance(first, int)
        assert first >= last
        assert seqs == list(range(first, 0, -1))


def test_ascending_polls_for_ever(tmp_path: Path) -> None:
    """An empty page still has a cursor, and the next event comes behind it."""
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path) as trail:
        reader = AuditReader(path)
        page = reader.query(AuditQuery(order="asc", user_id="u9"))
        assert (page.events, page.has_more) == ([], False)
        trail.append(AuditEvent("user.login", user_id="u9"))
        page = reader.query(AuditQuery(order="asc", user_id="u9", after=page.next_after))
        assert [event["user_id"] for event in page.events] == ["u9"]
        page = reader.query(AuditQuery(order="asc", user_id="u9", after=page.next_after))
        assert page.events == [] and page.next_after is not None


def test_a_cursor_is_bound_to_its_query_and_trail(tmp_path: Path) -> None:
    """Other filters, another order, another trail, a slip of the hand: MalformedCursorError."""
    path = tmp_path / "audit.jsonl"
    write_trail(path, 50)
    reader = AuditReader(path)
    after = reader.query(AuditQuery(user_id="u1", limit=3)).next_after
    assert after is not None
    assert reader.query(AuditQuery(user_id="u1", limit=9, after=after)).events
    for query in (
        AuditQuery(user_id="u2", after=after),
        AuditQuery(user_id="u1", order="asc", after=after),
        AuditQuery(user_id="u1", after=after[:-1]),
        AuditQuery(user_id="u1", after=after.swapcase()),
        AuditQuery(user_id="u1", after="ü"),
        AuditQuery(user_id="u1", after=""),
    ):
        with pytest.raises(MalformedCursorError):
            reader.query(query)
    write_trail(tmp_path / "other" / "audit.jsonl", 50)
    with pytest.raises(MalformedCursorError, match="another audit trail"):
        AuditReader(tmp_path / "other" / "audit.jsonl").query(AuditQuery(user_id="u1", after=after))


def test_a_cursor_into_pruned_events_is_stale(tmp_path: Path) -> None:
    """When the events that a cursor leads to were deleted, that is said, not skipped."""
    path = tmp_path / "audit.jsonl"
    write_trail(path, 300)
    reader = AuditReader(path)
    up = reader.query(AuditQuery(order="asc", limit=3)).next_after
    down = reader.query(AuditQuery(seq_to=20, limit=3)).next_after
    os.unlink(list_segments(str(path))[0].path)
    with pytest.raises(StaleCursorError, match="start anew"):
        reader.query(AuditQuery(order="asc", limit=3, after=up))
    with pytest.raises(StaleCursorError):
        reader.query(AuditQuery(seq_to=20, limit=3, after=down))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("event_type", {"event_types": ("Bad",)}),
        ("event_type", {"event_types": ("user.",)}),
        ("outcome", {"outcome": "sucess"}),
        ("source_ip", {"source_ip": "10.0.0.0/99"}),
        ("user_id", {"user_id": ""}),
        ("q", {"q": "x" * 257}),
        ("order", {"order": "up"}),
        ("limit", {"limit": 0}),
        ("limit", {"limit": 1001}),
        ("seq_from", {"seq_from": 0}),
        ("seq_to", {"seq_from": 5, "seq_to": 4}),
        ("until", {"since_us": 5, "until_us": 5}),
    ],
)
def test_wrong_parameters_are_named(name: str, values: dict[str, object]) -> None:
    """Each wrong value is an error that names its parameter."""
    with pytest.raises(ParameterError) as caught:
        AuditQuery(**values)  # type: ignore[arg-type]  # wrong on purpose
    assert caught.value.parameter == name


def test_a_trail_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    """Missing, empty, a folder in its place: never an empty page."""
    path = tmp_path / "audit.jsonl"
    reader = AuditReader(path)
    for _ in range(2):
        with pytest.raises(AuditUnreadableError, match="audit.jsonl"):
            reader.query(AuditQuery())
        with pytest.raises(AuditUnreadableError):
            reader.head()
        path.touch()
    path.unlink()
    path.mkdir()
    with pytest.raises(AuditUnreadableError):
        reader.query(AuditQuery())


def test_damaged_and_torn_lines_are_left_out_and_counted(tmp_path: Path) -> None:
    """A line whose hash does not hold is no answer; one in the making is not there yet."""
    path = tmp_path / "audit.jsonl"
    write_trail(path, 20, max_bytes=0)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[5] = lines[5].replace(b'"u4"', b'"u9"')
    lines[8] = b"garbage\n"
    path.write_bytes(b"".join(lines) + lines[-1][:50])
    page = AuditReader(path).query(AuditQuery())
    assert page.damaged == 2
    assert [event["seq"] for event in page.events] == [
        seq for seq in range(21, 0, -1) if seq not in (6, 9)
    ]
    assert AuditReader(path).head().seq == 21


def test_lines_are_the_original_bytes_also_from_gzip(tmp_path: Path) -> None:
    """What a page hands out verifies offline; a compressed segment reads like any other."""
    path = tmp_path / "audit.jsonl"
    write_trail(path, 200)
    expected = all_events(path)
    segment = Path(list_segments(str(path))[1].path)
    original = segment.read_bytes()
    segment.with_name(segment.name + ".gz").write_bytes(gzip.compress(original))
    segment.unlink()
    page = AuditReader(path).query(AuditQuery(order="asc", limit=1000))
    assert page.events == expected
    assert original in b"".join(page.lines)


def test_a_deep_page_is_found_in_a_large_file(tmp_path: Path) -> None:
    """Bisection by seq and time finds the same lines as counting does."""
    path = tmp_path / "audit.jsonl"
    write_trail(path, sized(2000, 50_000), max_bytes=0)
    reader = AuditReader(path)
    for seq in range(1, 2000, 173):
        page = reader.query(AuditQuery(seq_from=seq, limit=2, order="asc"))
        assert [event["seq"] for event in page.events] == [seq, seq + 1]
        page = reader.query(AuditQuery(seq_to=seq, limit=1))
        assert [event["seq"] for event in page.events] == [seq]
        since = NOW_US + seq // 10
        page = reader.query(AuditQuery(since_us=since, limit=1, order="asc"))
        assert parse_instant("t", str(page.events[0]["timestamp"])) == since


def test_a_reader_in_descriptor_limits_leaks_none(tmp_path: Path) -> None:
    """Every query closes what it opened, failed ones too."""
    path = tmp_path / "audit.jsonl"
    write_trail(path, 100)
    reader = AuditReader(path)
    before = len(os.listdir("/dev/fd"))
    for _ in range(20):
        reader.query(AuditQuery(limit=5))
        with pytest.raises(MalformedCursorError):
            reader.query(AuditQuery(after="no"))
    assert len(os.listdir("/dev/fd")) == before
