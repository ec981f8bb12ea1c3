"""The reader: exactly the table, by any filter, page by page."""

from __future__ import annotations

import gc
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import sized

from zotify_logging.exceptions import JobLogUnavailableError, ParameterError, UnknownJobError
from zotify_logging.jobs import JobLine, JobLogReader, JobLogStore, ensure_schema
from zotify_logging.records import LogEntry

LOGGERS = ["app", "app.sync", "apple", "App", "a%", "a_p"]
MESSAGES = ["50 % done", "50 x done", "under_score", "underXscore", "back\\slash", "Ärger"]
COUNT = 120


def entry(n: int, job_id: str = "job") -> LogEntry:
    level_no = (10, 20, 30, 40)[n % 4]
    return LogEntry(
        timestamp="",
        created_ns=1_000_000_000_000 + n * 1_000_000,
        level={10: "DEBUG", 20: "INFO", 30: "WARNING", 40: "ERROR"}[level_no],
        level_no=level_no,
        logger=LOGGERS[n % len(LOGGERS)],
        message=f"{MESSAGES[(n // 2) % len(MESSAGES)]} {n}",
        exception=None,
        stack=None,
        fields={"job_id": job_id, "attempt": 1 + n % 2, "n": n},
        context={},
        pid=1,
        thread="t",
        source="a.py:1",
    )


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Iterator[JobLogReader]:
    url = f"sqlite:///{tmp_path_factory.mktemp('reader')}/jobs.db"
    store = JobLogStore(url)
    store.write([entry(n) for n in range(COUNT)])
    store.write([entry(n, "another") for n in range(7)])
    store.close()
    made = JobLogReader(url)
    yield made
    made.close()


def numbers(lines: list[JobLine]) -> list[object]:
    return [line.extra["n"] for line in lines]


def test_the_reader_sees_exactly_the_table(reader: JobLogReader) -> None:
    """All lines, in order, with what the table has."""
    lines = list(reader.lines("job", batch=7))
    assert numbers(lines) == list(range(COUNT))
    assert lines[3].timestamp == "1970-01-01T00:16:40.003000Z"
    assert (lines[3].level, lines[3].level_no, lines[3].attempt) == ("ERROR", 40, 2)


@settings(max_examples=sized(60, 600), deadline=None)
@given(
    after=st.integers(0, COUNT + 5),
    before=st.none() | st.integers(1, COUNT + 5),
    limit=st.integers(1, 40),
    level_no=st.sampled_from([0, 10, 25, 30, 40, 50]),
    since=st.none() | st.integers(-5, COUNT),
    until=st.none() | st.integers(-5, COUNT),
    logger=st.none() | st.sampled_from([*LOGGERS, "ap", "app.syn"]),
    q=st.none() | st.sampled_from(["50 %", "_", "\\", "DONE", "Ärger", "7", "' OR 1=1"]),
    attempt=st.none() | st.integers(1, 3),
    order=st.sampled_from(["asc", "desc"]),
)
def test_every_filter_means_what_it_says(
    reader: JobLogReader,
    after: int,
    before: int | None,
    limit: int,
    level_no: int,
    since: int | None,
    until: int | None,
    logger: str | None,
    q: str | None,
    attempt: int | None,
    order: Literal["asc", "desc"],
) -> None:
    """Any combination of filters gives what the same filters written in Python give."""
    base_us = 1_000_000_000
    page = reader.page(
        "job",
        after=after,
        before=before,
        limit=limit,
        level_no=level_no,
        since_us=None if since is None else base_us + since * 1000,
        until_us=None if until is None else base_us + until * 1000,
        logger=logger,
        q=q,
        attempt=attempt,
        order=order,
    )
    expected = []
    for n in range(COUNT):
        e = entry(n)
        kept = n + 1 > after and (before is None or n + 1 < before) and e.level_no >= level_no
        kept = kept and (since is None or n >= since) and (until is None or n < until)
        kept = kept and (attempt is None or 1 + n % 2 == attempt)
        kept = kept and (logger is None or e.logger == logger or e.logger.startswith(f"{logger}."))
        if kept and (q is None or q.lower() in e.message.lower()):
            expected.append(n)
    if order == "desc":
        expected.reverse()
    assert numbers(list(page.items)) == expected[:limit]
    assert page.has_more == (len(expected) > limit)
    if page.items:
        assert page.next_after == page.items[-1].seq


@settings(max_examples=30, deadline=None)
@given(limit=st.integers(1, 50), descending=st.booleans())
def test_pages_add_up_to_the_whole(reader: JobLogReader, limit: int, descending: bool) -> None:
    """Going on from next_after, in either order, gives each line once."""
    seen: list[object] = []
    after, before = 0, None
    while True:
        order: Literal["asc", "desc"] = "desc" if descending else "asc"
        page = reader.page("job", after=after, before=before, limit=limit, order=order)
        seen += numbers(list(page.items))
        if not page.has_more:
            break
        after, before = (0, page.next_after) if descending else (page.next_after, None)
    assert seen == (list(reversed(range(COUNT))) if descending else list(range(COUNT)))


def test_lines_stop_at_their_limit(reader: JobLogReader) -> None:
    """A limit holds over several batches."""
    assert len(list(reader.lines("job", limit=33, batch=10))) == 33
    assert list(reader.lines("job", limit=0)) == []


def test_lines_logged_meanwhile_are_part_of_the_stream(tmp_path: Path) -> None:
    """No transaction stays open between pages: writers go on, and what they add is seen."""
    store = JobLogStore(f"sqlite:///{tmp_path}/jobs.db")
    store.write([entry(n) for n in range(10)])
    reader = JobLogReader(f"sqlite:///{tmp_path}/jobs.db")
    lines = reader.lines("job", batch=5)
    for _ in range(5):
        next(lines)
    store.write([entry(n) for n in range(10, 20)])
    assert len(list(lines)) == 15
    reader.close()
    store.close()


def test_jobs_come_newest_first_by_keyset(tmp_path: Path) -> None:
    """The list pages through all jobs once, and filters by status and type."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    ensure_schema(url)
    raw = sqlite3.connect(tmp_path / "jobs.db")
    with raw:
        raw.executemany(
            "INSERT INTO job_log_jobs (job_id, job_type, status, last_seq, attempt, warn_count,"
            " error_count, dropped_count, created_us) VALUES (?, ?, ?, 0, 1, 0, 0, 0, ?)",
            [
                (
                    f"j{n:02}",
                    "sync" if n % 2 else "scan",
                    "failed" if n % 5 == 0 else "running",
                    n // 4,
                )
                for n in range(25)
            ],
        )
    raw.close()
    reader = JobLogReader(url)
    seen: list[str] = []
    after = None
    while True:
        page = reader.jobs(limit=4, after=after)
        seen += [job.job_id for job in page.items]
        after = page.next_after
        if after is None:
            break
    assert seen == [f"j{n:02}" for n in reversed(range(25))]
    failed = reader.jobs(status="failed", job_type="sync")
    assert [job.job_id for job in failed.items] == ["j15", "j05"]
    reader.close()


def test_an_unknown_job_is_said_to_be_unknown(reader: JobLogReader) -> None:
    """job() gives None; pages and lines raise."""
    assert reader.job("nobody") is None
    with pytest.raises(UnknownJobError, match="nobody"):
        reader.page("nobody")
    with pytest.raises(UnknownJobError):
        next(reader.lines("nobody"))


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_a_limit_out_of_range_is_refused(reader: JobLogReader, limit: int) -> None:
    """Pages are bounded."""
    with pytest.raises(ParameterError, match="limit"):
        reader.page("job", limit=limit)


def test_a_missing_database_is_unavailable_and_stays_missing(tmp_path: Path) -> None:
    """Reading creates nothing."""
    reader = JobLogReader(f"sqlite:///{tmp_path}/none/jobs.db")
    with pytest.raises(JobLogUnavailableError, match="jobs.db"):
        reader.job("job")
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "none").mkdir()
    (tmp_path / "none" / "jobs.db").touch()
    with pytest.raises(JobLogUnavailableError, match="ensure_schema"):
        reader.job("job")
    (tmp_path / "none" / "jobs.db").write_bytes(b"no database at all" * 100)
    with pytest.raises(JobLogUnavailableError):
        reader.job("job")
    reader.close()


def test_a_forked_child_reads_through_a_connection_of_its_own(reader: JobLogReader) -> None:
    """After a fork both processes read on."""
    assert reader.job("job") is not None
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        code = 1
        try:
            code = 0 if len(list(reader.lines("job"))) == COUNT else 2
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(list(reader.lines("job"))) == COUNT


def open_connections() -> list[sqlite3.Connection]:
    """Return all connections to SQLite that are open in this process."""
    # By type(): other tests leave objects behind whose __class__ raises.
    found = [one for one in gc.get_objects() if issubclass(type(one), sqlite3.Connection)]
    return [one for one in found if is_open(one)]


def is_open(connection: sqlite3.Connection) -> bool:
    try:
        connection.execute("SELECT 1")
    except sqlite3.ProgrammingError:
        return False
    return True


def test_a_reader_that_nobody_holds_closes_its_connections(tmp_path: Path) -> None:
    """No connection is left to the garbage collector."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    ensure_schema(url)
    before = open_connections()
    reader = JobLogReader(url)
    assert reader.job("j") is None
    opened = [one for one in open_connections() if one not in before]
    assert len(opened) == 1

    del reader
    assert not is_open(opened[0])


def test_a_child_that_drops_a_reader_leaves_the_parents_connection_alone(tmp_path: Path) -> None:
    """What a child collects is the parent's still."""
    url = f"sqlite:///{tmp_path}/jobs.db"
    ensure_schema(url)
    reader = JobLogReader(url)
    assert reader.job("j") is None
    inherited = [one for one in open_connections() if one.isolation_level is None]
    child = os.fork()
    if child == 0:
        del reader
        os._exit(0 if all(is_open(one) for one in inherited) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert inherited and reader.job("j") is None
    reader.close()
