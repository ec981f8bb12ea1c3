"""The store: every line once, seq without holes, whatever happens to the database."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import sized
from sqlalchemy import event
from sqlalchemy.exc import IntegrityError, OperationalError
from waiting import wait_until

from zotify_logging.exceptions import ConfigurationError, TransientError
from zotify_logging.jobs import JobLogReader, JobLogStore
from zotify_logging.records import LogEntry

BASE_NS = 1_795_000_000_000_000_000


def entry(number: int, job_id: str = "job", level_no: int = 20, **fields: object) -> LogEntry:
    return LogEntry(
        timestamp="2026-11-22T10:00:00.000000Z",
        created_ns=BASE_NS + number * 1000,
        level={20: "INFO", 30: "WARNING", 40: "ERROR"}[level_no],
        level_no=level_no,
        logger="app.sync",
        message=f"line {number}",
        exception=None,
        stack=None,
        fields={"job_id": job_id, **fields},
        context={},
        pid=7,
        thread="T",
        source="app.py:1",
    )


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/jobs.db"


@pytest.fixture
def store(url: str) -> Iterator[JobLogStore]:
    made = JobLogStore(url)
    yield made
    made.close()


@pytest.fixture
def reader(url: str, store: JobLogStore) -> Iterator[JobLogReader]:
    store.open()
    made = JobLogReader(url)
    yield made
    made.close()


def test_a_batch_becomes_rows_with_dense_seq_per_job(
    store: JobLogStore, reader: JobLogReader
) -> None:
    """Each job counts its own lines from 1, in the order of logging, over batches."""
    store.write([entry(n, f"job-{n % 3}") for n in range(30)])
    store.write([entry(n, f"job-{n % 3}") for n in range(30, 60)])
    for job in range(3):
        lines = list(reader.lines(f"job-{job}"))
        assert [line.seq for line in lines] == list(range(1, 21))
        assert [line.message for line in lines] == [f"line {n}" for n in range(job, 60, 3)]
        assert [line.uid for line in lines] == sorted(line.uid for line in lines)


def test_a_batch_takes_few_statements(store: JobLogStore, reader: JobLogReader) -> None:
    """The write lock is held for some statements a batch, not for one a line."""
    store.open()
    inserts: list[str] = []

    def count(_c: object, _cursor: object, statement: str, *_rest: object) -> None:
        if "INTO job_logs " in statement:
            inserts.append(statement)

    event.listen(store.engine, "before_cursor_execute", count)
    for size in (1, 2, 59, 60, 61, 500):
        inserts.clear()
        store.write([entry(n) for n in range(size)])
        assert len(inserts) <= 16
    lines = list(reader.lines("job"))
    assert [line.seq for line in lines] == list(range(1, 684))
    expected = [n for size in (1, 2, 59, 60, 61, 500) for n in range(size)]
    assert [line.message for line in lines] == [f"line {n}" for n in expected]


def test_commits_of_others_are_signs_of_life(url: str, store: JobLogStore) -> None:
    """Anybody's commit shows, and nothing else does."""
    store.write([entry(1)])
    before = store.signs_of_life()
    assert store.signs_of_life() == before
    other = JobLogStore(url)
    wait_until(lambda: (other.write([entry(2)]), store.signs_of_life() != before)[1])
    other.close()


def test_the_job_row_follows_its_lines(store: JobLogStore, reader: JobLogReader) -> None:
    """Type, attempt, counts, times, status and closing are kept on the job's row."""
    store.write([entry(1, job_type="download", status="queued"), entry(5, level_no=30)])
    store.write([entry(3, level_no=40), entry(9, attempt=2, status="failed", level_no=40)])
    job = reader.job("job")
    assert job is not None
    assert (job.job_type, job.status, job.attempt, job.last_seq) == ("download", "failed", 2, 4)
    assert (job.warn_count, job.error_count, job.dropped_count) == (1, 2, 0)
    base = BASE_NS // 1000
    assert (job.first_us, job.last_us, job.closed_us) == (base + 1, base + 9, base + 9)
    assert job.closed
    store.write([entry(10, status="running", attempt=3)])
    reopened = reader.job("job")
    assert reopened is not None and not reopened.closed and reopened.closed_us is None


def test_ticks_move_the_progress_and_are_no_lines(store: JobLogStore, reader: JobLogReader) -> None:
    """A thousand ticks leave one line per change of status."""
    store.write([entry(0, status="running", progress=0.0)])
    store.write([entry(n, progress=n / 10, status="running") for n in range(1, 1000)])
    store.write([entry(1000, progress=100, status="finished")])
    job = reader.job("job")
    assert job is not None and (job.progress, job.status) == (100.0, "finished")
    assert [line.message for line in reader.lines("job")] == ["line 0", "line 1000"]


def test_a_job_of_ticks_alone_is_known_without_lines(
    store: JobLogStore, reader: JobLogReader
) -> None:
    """Progress before the first line makes the job."""
    store.write([entry(1, progress=3)])
    page = reader.page("job")
    assert (page.job.progress, page.items, page.has_more) == (3.0, [], False)


def test_entries_of_no_job_are_passed_over(store: JobLogStore, reader: JobLogReader) -> None:
    """Without an id and a default there is no row; with a default it gets them."""
    store.write([replace(entry(1), fields={})])
    assert reader.jobs().items == []


HOSTILE = [
    "plain",
    "NUL \x00 inside",
    "lone \ud800 surrogate",
    "emoji 🎵 and 日本語",
    "100 % %s %(x)s ? :name",
    "'; DROP TABLE job_logs; --",
    "line\nbreak\r\n\x1b[31mred",
    "\u2028\u202e",
    "",
]


def test_hostile_text_is_stored_and_read_back(store: JobLogStore, reader: JobLogReader) -> None:
    """NUL and lone surrogates come back escaped, all else as it was, in every column."""
    store.write(
        [
            replace(
                replace(entry(n), fields={"job_id": "job", "key": text, text: n}),
                message=text,
                logger=text or "root",
                thread=text,
                exception=text,
                source=text,
            )
            for n, text in enumerate(HOSTILE)
        ]
    )
    lines = list(reader.lines("job"))
    shown = [t.replace("\x00", "\\u0000").replace("\ud800", "\\ud800") for t in HOSTILE]
    assert [line.message for line in lines] == shown
    assert [line.thread for line in lines] == shown
    assert [line.logger for line in lines][1:-1] == shown[1:-1]
    for line, text in zip(lines, HOSTILE, strict=True):
        assert line.extra["key"] == (text if text != HOSTILE[2] else line.extra["key"])


@pytest.mark.parametrize("job_id", ["a", "A", "a ", "ä", "\x00", "%", "_", "🎵" * 100])
def test_job_ids_are_told_apart_exactly(
    store: JobLogStore, reader: JobLogReader, job_id: str
) -> None:
    """`a`, `A` and `a ` are three jobs, and any id finds its own lines only."""
    ids = ["a", "A", "a ", "ä", "\x00", "%", "_", "🎵" * 100]
    store.write([entry(n, each) for n, each in enumerate(ids)])
    assert [line.message for line in reader.lines(job_id)] == [f"line {ids.index(job_id)}"]


def test_a_long_message_is_cut_and_says_so(store: JobLogStore, reader: JobLogReader) -> None:
    """70 KB keep head and tail within the bound, and their size."""
    text = "head " + "x" * 70_000 + " tail"
    store.write([replace(entry(1), message=text, exception=text)])
    (line,) = reader.lines("job")
    assert line.orig_bytes == len(text)
    assert len(line.message.encode()) <= 65_536
    assert line.message.startswith("head ") and line.message.endswith(" tail")
    assert line.exc_text is not None and len(line.exc_text.encode()) <= 65_536


def test_big_fields_stay_valid_json(store: JobLogStore, reader: JobLogReader) -> None:
    """Fields beyond the bound are cut as values, never as text."""
    store.write([entry(1, blob=["y" * 1000] * 200, nan=float("nan"))])
    (line,) = reader.lines("job")
    assert line.extra_json is not None and len(line.extra_json) < 70_000
    assert isinstance(json.loads(line.extra_json), dict)


@settings(max_examples=sized(20, 200), deadline=None)
@given(st.lists(st.text(max_size=50), min_size=1, max_size=8))
def test_any_text_comes_back(tmp_path_factory: pytest.TempPathFactory, texts: list[str]) -> None:
    """What can be stored as it is, is read back as it was."""
    url = f"sqlite:///{tmp_path_factory.mktemp('any')}/jobs.db"
    store = JobLogStore(url)
    store.write([replace(entry(n), message=text) for n, text in enumerate(texts)])
    reader = JobLogReader(url)
    found = [line.message for line in reader.lines("job")]
    assert found == [text.replace("\x00", "\\u0000") for text in texts]
    reader.close()
    store.close()


def test_a_locked_database_is_transient(tmp_path: Path, store: JobLogStore) -> None:
    """Another process's lock asks for another try, and the same entries then arrive once."""
    store.open()
    with store.engine.begin() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout=20")  # the pool has this one connection
    blocker = sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    entries = [entry(1)]
    with pytest.raises(TransientError, match="locked"):
        store.write(entries)
    blocker.execute("ROLLBACK")
    blocker.close()
    store.write(entries)
    reader = JobLogReader(f"sqlite:///{tmp_path}/jobs.db")
    assert [line.message for line in reader.lines("job")] == ["line 1"]
    reader.close()


@pytest.mark.parametrize("committed", [True, False])
def test_an_ambiguous_commit_leaves_every_line_once(
    store: JobLogStore, reader: JobLogReader, committed: bool
) -> None:
    """The connection breaks at COMMIT, before or after it took effect: no loss, no double."""
    store.write([entry(0)])
    broken = True

    def break_commit(connection: object) -> None:
        nonlocal broken
        if broken:
            broken = False
            raw = connection.connection.driver_connection  # type: ignore[attr-defined]  # raw
            raw.execute("COMMIT" if committed else "ROLLBACK")
            raise OperationalError("COMMIT", {}, sqlite3.OperationalError("connection lost"))

    event.listen(store.engine, "commit", break_commit)
    entries = [entry(n, level_no=40) for n in range(1, 20)]
    with pytest.raises(TransientError, match="connection lost"):
        store.write(entries)
    store.write(entries)
    lines = list(reader.lines("job"))
    assert [line.message for line in lines] == [f"line {n}" for n in range(20)]
    assert [line.seq for line in lines] == list(range(1, 21))
    job = reader.job("job")
    assert job is not None and job.error_count == 19


def test_an_entry_that_the_database_refuses_leaves_a_placeholder(
    store: JobLogStore, reader: JobLogReader
) -> None:
    """The refusal is raised for the batch, and alone the entry's place says what is missing."""
    entries = [entry(1), entry(2)]
    store.write([entry(0)])
    with reader._engine.begin() as connection:
        connection.exec_driver_sql(
            "CREATE TRIGGER refuse BEFORE INSERT ON job_logs WHEN NEW.message = 'line 2'"
            " BEGIN SELECT RAISE(ABORT, 'not this one'); END"
        )
    with pytest.raises(IntegrityError):
        store.write(entries)
    store.write(entries[:1])
    with pytest.raises(IntegrityError):
        store.write(entries[1:])
    messages = [line.message for line in reader.lines("job")]
    assert messages[:2] == ["line 0", "line 1"]
    assert "could not be stored: IntegrityError" in messages[2]


def test_dropped_records_are_counted_and_said_in_the_job(
    store: JobLogStore, reader: JobLogReader
) -> None:
    """The next batch adds to dropped_count and writes one notice per job."""
    for number in range(5):
        store.note_dropped(entry(number, "busy"))
    store.note_dropped(entry(0, "other"))
    assert store.write([entry(9)]) == 2
    job = reader.job("busy")
    assert job is not None and job.dropped_count == 5
    (line,) = reader.lines("busy")
    assert (line.level, line.message) == (
        "WARNING",
        "5 records of this job dropped: the queue was full",
    )
    assert store.write([entry(10)]) == 0


def test_a_file_removed_behind_our_back_is_made_again(tmp_path: Path, store: JobLogStore) -> None:
    """After the database file is gone, the next batch goes into a new one."""
    store.write([entry(1)])
    for name in ("jobs.db", "jobs.db-wal", "jobs.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    store.write([entry(2)])
    reader = JobLogReader(f"sqlite:///{tmp_path}/jobs.db")
    assert [line.message for line in reader.lines("job")] == ["line 2"]
    reader.close()


def test_a_table_dropped_behind_our_back_is_made_again(
    store: JobLogStore, reader: JobLogReader
) -> None:
    """A missing table is transient: it is made at the next try."""
    store.write([entry(1)])
    with store.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE job_logs")
    entries = [entry(2)]
    with pytest.raises(TransientError, match="no such table"):
        store.write(entries)
    store.write(entries)
    assert [line.message for line in reader.lines("job")] == ["line 2"]


def test_a_forked_child_writes_through_a_connection_of_its_own(
    store: JobLogStore, reader: JobLogReader
) -> None:
    """Parent and child go on writing the same job after a fork, every line once."""
    store.write([entry(0)])
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        code = 1
        try:
            for number in range(1, 50):
                store.write([entry(number)])
            code = 0
        finally:
            os._exit(code)
    for number in range(50, 100):
        store.write([entry(number)])
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    lines = list(reader.lines("job"))
    assert sorted(int(line.message[5:]) for line in lines) == list(range(100))
    assert [line.seq for line in lines] == list(range(1, 101))


def test_an_unusable_place_is_named_at_once(tmp_path: Path) -> None:
    """A folder in the file's place is refused by the constructor, with place and cure."""
    (tmp_path / "jobs.db").mkdir()
    with pytest.raises(ConfigurationError, match="name another place"):
        JobLogStore(f"sqlite:///{tmp_path}/jobs.db")


def test_two_stores_share_one_job(url: str, reader: JobLogReader) -> None:
    """Interleaved writers never give a seq twice."""
    stores: list[JobLogStore] = [JobLogStore(url) for _ in range(2)]
    for number in range(40):
        stores[number % 2].write([entry(number)])
    assert [line.seq for line in reader.lines("job")] == list(range(1, 41))
    for each in stores:
        each.close()
