"""DatabaseJobLogHandler: from a logger to rows that are read back."""

from __future__ import annotations

import logging
import logging.config
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from sizes import sized
from waiting import wait_until

from zotify_logging import (
    DatabaseJobLogHandler,
    JobIdError,
    MissingDependencyError,
    OptionError,
    SchemaMismatchError,
    job_context,
)
from zotify_logging.jobs import JobLogReader


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/logs/jobs.db"


@pytest.fixture
def handler(url: str) -> Iterator[DatabaseJobLogHandler]:
    made = DatabaseJobLogHandler(url, flush_interval=0.01)
    yield made
    made.close()


@pytest.fixture
def logger(handler: DatabaseJobLogHandler) -> logging.Logger:
    made = logging.getLogger("app.jobs")
    made.setLevel(logging.DEBUG)
    made.propagate = False
    made.addHandler(handler)
    return made


def messages(url: str, job_id: str) -> list[str]:
    reader = JobLogReader(url)
    try:
        return [line.message for line in reader.lines(job_id)]
    finally:
        reader.close()


def test_dict_config_alone_stores_the_lines_of_a_job(url: str) -> None:
    """Plain dictConfig, plain loggers: lines by context and by extra, each under its job."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {
                "jobs": {"class": "zotify_logging.DatabaseJobLogHandler", "url": url, "level": 10}
            },
            "root": {"level": "DEBUG", "handlers": ["jobs"]},
        }
    )
    log = logging.getLogger("app.download")
    with job_context("job-1", job_type="download", attempt=2):
        log.info("track %d of %d", 1, 2)
        log.error("odd one", extra={"job_id": "job-2", "track": "x"})
        try:
            raise ValueError("boom")
        except ValueError:
            log.exception("failed", extra={"status": "failed"})
    log.info("belongs to nobody")
    (handler,) = logging.root.handlers
    assert isinstance(handler, DatabaseJobLogHandler)
    assert handler.flush(30)
    reader = JobLogReader(url)
    first, second = reader.lines("job-1")
    assert (first.message, first.level, first.attempt) == ("track 1 of 2", "INFO", 2)
    assert first.source is not None and "test_database_job_log.py:" in first.source
    assert second.exc_text is not None and "ValueError: boom" in second.exc_text
    (other,) = reader.lines("job-2")
    assert other.extra == {"track": "x"}
    job = reader.job("job-1")
    assert job is not None and (job.job_type, job.status, job.error_count) == (
        "download",
        "failed",
        1,
    )
    statistics = handler.statistics()
    assert (statistics.accepted, statistics.written, statistics.ignored) == (3, 3, 1)
    reader.close()


def test_importing_the_handler_loads_no_sqlalchemy(tmp_path: Path) -> None:
    """The class can be imported without the extra; only a handler needs it."""
    code = (
        "import sys, zotify_logging.handlers.database_job_log, zotify_logging.jobs;"
        "assert not {'sqlalchemy', 'sqlite3'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60)


def test_a_missing_sqlalchemy_names_the_command(tmp_path: Path) -> None:
    """Without the extra, construction says what to install."""
    code = (
        "import sys; sys.modules['sqlalchemy'] = None\n"
        "from zotify_logging import DatabaseJobLogHandler, MissingDependencyError, jobs\n"
        "for make in (DatabaseJobLogHandler, lambda: jobs.JobLogReader):\n"
        "    try: make()\n"
        "    except MissingDependencyError as error: print(error)\n"
    ).replace(
        "MissingDependencyError, jobs", "MissingDependencyError\nimport zotify_logging.jobs as jobs"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, check=True, timeout=60, capture_output=True
    )
    assert found.stdout.decode().splitlines() == [
        'DatabaseJobLogHandler needs SQLAlchemy: pip install "zotify-logging[jobs]"',
        'zotify_logging.jobs.JobLogReader needs SQLAlchemy: pip install "zotify-logging[jobs]"',
    ]
    assert issubclass(MissingDependencyError, ImportError)


def test_wrong_options_are_all_named_at_once(tmp_path: Path) -> None:
    """Misspelt, out of range, not yet available: one error, each with its cure."""
    with pytest.raises(OptionError) as caught:
        DatabaseJobLogHandler(
            f"sqlite:///{tmp_path}/j.db",
            table_prefix="a-b",
            durability="spool",
            on_missing_job="rise",
            job_id="a/b",
            max_mesage_bytes=3,  # type: ignore[call-arg]  # the misspelt option
        )
    text = str(caught.value)
    for part in (
        "DatabaseJobLogHandler.table_prefix: 'a-b'",
        "'spool' is not available yet; use 'async'",
        "did you mean raise?",
        "without '/'",
        "max_mesage_bytes: unknown option",
    ):
        assert part in text
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_refused_by_name(tmp_path: Path) -> None:
    """Place, reason and cure, at construction."""
    (tmp_path / "logs").touch()
    with pytest.raises(OptionError, match="name another place") as caught:
        DatabaseJobLogHandler(f"sqlite:///{tmp_path}/logs/jobs.db")
    assert str(tmp_path / "logs" / "jobs.db") in str(caught.value)


def test_a_file_that_is_no_database_is_refused_by_name(tmp_path: Path) -> None:
    """Another program's file is not touched."""
    place = tmp_path / "jobs.db"
    place.write_bytes(b"somebody's notes\n" * 100)
    with pytest.raises(OptionError, match="not a database"):
        DatabaseJobLogHandler(f"sqlite:///{place}")
    assert place.read_bytes() == b"somebody's notes\n" * 100


def test_a_table_in_another_shape_is_refused_at_start(tmp_path: Path) -> None:
    """The remedy is in the message."""
    raw = sqlite3.connect(tmp_path / "jobs.db")
    raw.execute("CREATE TABLE job_logs (line TEXT)")
    raw.close()
    with pytest.raises(SchemaMismatchError, match="set table_prefix"):
        DatabaseJobLogHandler(f"sqlite:///{tmp_path}/jobs.db")
    DatabaseJobLogHandler(f"sqlite:///{tmp_path}/jobs.db", table_prefix="our_").close()


def test_records_without_a_job_are_ignored_warned_about_or_raised(
    url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each setting of on_missing_job does what it says."""
    log = logging.getLogger("app.nojob")
    log.propagate = False
    for setting in ("ignore", "warn", "raise"):
        handler = DatabaseJobLogHandler(url, on_missing_job=setting)
        log.addHandler(handler)
        if setting == "raise":
            with pytest.raises(JobIdError, match="job_context"):
                log.warning("no job")
        else:
            log.warning("no job")
        log.removeHandler(handler)
        handler.close()
        assert handler.statistics().ignored == 1


def test_a_wrong_job_id_is_counted_and_never_raised(
    logger: logging.Logger, handler: DatabaseJobLogHandler, url: str
) -> None:
    """failed{job_id}, and the next record goes on."""
    logger.warning("x", extra={"job_id": "a/b"})
    logger.warning("x", extra={"job_id": ""})
    logger.warning("y", extra={"job_id": "fine"})
    assert handler.flush(30)
    statistics = handler.statistics()
    assert (statistics.accepted, statistics.written) == (3, 1)
    assert statistics.failed == {"job_id": 2}
    assert statistics.last_error is not None and "without '/'" in statistics.last_error


def test_a_default_job_takes_what_names_none(url: str) -> None:
    """job_id= is the last resort."""
    handler = DatabaseJobLogHandler(url, job_id="main")
    handler.handle(logging.makeLogRecord({"msg": "hello", "levelno": 20}))
    handler.close()
    assert messages(url, "main") == ["hello"]


def test_secrets_are_not_stored(
    logger: logging.Logger, handler: DatabaseJobLogHandler, tmp_path: Path
) -> None:
    """Message, fields and traceback are redacted before they are queued."""
    try:
        raise ValueError("password=hunter2hunter2")
    except ValueError:
        logger.exception(
            "token=%s", "s3cr3t-value-1", extra={"job_id": "j", "password": "hunter3hunter3"}
        )
    handler.close()
    stored = b"".join(p.read_bytes() for p in (tmp_path / "logs").iterdir())
    assert b"REDACTED" in stored
    for secret in (b"hunter2hunter2", b"s3cr3t-value-1", b"hunter3hunter3"):
        assert secret not in stored


def test_hostile_values_lose_no_record(
    logger: logging.Logger, handler: DatabaseJobLogHandler, url: str
) -> None:
    """NUL, lone surrogates, 70 KB, wrong arguments, raising __str__, cycles: all are rows."""

    class Hostile:
        def __str__(self) -> str:
            raise RuntimeError("no")

        __repr__ = __str__

    cycle: list[object] = []
    cycle.append(cycle)
    with job_context("j"):
        logger.info("nul \x00 and \ud800")
        logger.info("x" * 70_000)
        for text, argument in (("100 % %d", "no number"), ("%s", Hostile())):
            # Not through the logger: pytest's own capturing handler would fail on them.
            record = logger.makeRecord("app", 20, "app.py", 1, text, (argument,), None)
            handler.handle(record)
        logger.info("fields", extra={"a": Hostile(), "b": cycle, "c": float("nan"), "d": {1, 2}})
        logger.info("progress of a kind", extra={"progress": Hostile(), "status": cycle})
    assert handler.flush(30)
    assert handler.statistics().written == 6
    found = messages(url, "j")
    assert len(found) == 6
    assert found[0] == "nul \\u0000 and \\ud800"


def test_structlog_events_arrive_as_messages_with_fields(
    logger: logging.Logger, handler: DatabaseJobLogHandler, url: str
) -> None:
    """structlog's stdlib recipe reaches the table undamaged."""
    log = structlog.wrap_logger(
        logger,
        processors=[structlog.stdlib.render_to_log_kwargs],
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    log.bind(job_id="s").info("track stored", track="a", size=3)
    assert handler.flush(30)
    reader = JobLogReader(url)
    (line,) = reader.lines("s")
    assert (line.message, line.extra) == ("track stored", {"track": "a", "size": 3})
    reader.close()


def test_sqlalchemy_at_debug_on_the_root_does_not_feed_itself(url: str) -> None:
    """What the writer thread logs is refused, even with a default job for everything."""
    handler = DatabaseJobLogHandler(url, job_id="all", flush_interval=0.01)
    logging.root.addHandler(handler)
    logging.root.setLevel(logging.DEBUG)
    for name in ("sqlalchemy.engine", "sqlalchemy.pool"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    try:
        logging.getLogger("app").info("one")
        assert handler.flush(30)
        logging.getLogger("app").info("two")
        assert handler.flush(30)
    finally:
        for name in ("sqlalchemy.engine", "sqlalchemy.pool"):
            logging.getLogger(name).setLevel(logging.NOTSET)
        logging.root.removeHandler(handler)
        handler.close()
    found = messages(url, "all")
    assert [m for m in found if m in ("one", "two")] == ["one", "two"]
    assert len(found) < 20


def test_a_locked_database_holds_nobody_up_and_loses_nothing(
    logger: logging.Logger, handler: DatabaseJobLogHandler, url: str, tmp_path: Path
) -> None:
    """While another process has the write lock, records wait in the queue, then arrive."""
    blocker = sqlite3.connect(tmp_path / "logs" / "jobs.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    with job_context("j"):
        for number in range(1_000):
            logger.info("line %d", number)
    assert handler.flush(0.05) is False
    assert handler.statistics().queued == 1_000
    blocker.execute("COMMIT")
    blocker.close()
    assert handler.flush(30)
    assert messages(url, "j") == [f"line {number}" for number in range(1_000)]


def test_what_a_full_queue_drops_is_said_in_the_job(url: str, tmp_path: Path) -> None:
    """dropped_count and a notice row tell the reader that lines are missing."""
    handler = DatabaseJobLogHandler(
        url, job_id="j", max_queue_size=10, overflow="drop_new", flush_interval=0
    )
    blocker = sqlite3.connect(tmp_path / "logs" / "jobs.db", isolation_level=None)
    blocker.execute("BEGIN IMMEDIATE")
    for number in range(50):
        handler.handle(logging.makeLogRecord({"msg": f"line {number}", "levelno": 20}))
    dropped = sum(handler.statistics().dropped.values())
    assert dropped == 42
    blocker.execute("COMMIT")
    blocker.close()
    assert handler.flush(30)
    handler.close()
    reader = JobLogReader(url)
    job = reader.job("j")
    assert job is not None and job.dropped_count == dropped
    notices = [line.message for line in reader.lines("j", logger="zotify_logging")]
    assert notices == [f"{dropped} records of this job dropped: the queue was full"]
    assert handler.statistics().internal == 1
    reader.close()


WRITER = """
import logging, sys
from zotify_logging import DatabaseJobLogHandler
url, name, count, room = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
handler = DatabaseJobLogHandler(url, max_queue_size=room)
log = logging.getLogger("writer")
log.setLevel(logging.INFO)
log.addHandler(handler)
for number in range(count):
    log.info("%s %d", name, number, extra={"job_id": "shared" if number % 2 else f"own-{name}"})
assert handler.flush(300)
handler.close()
statistics = handler.statistics()
assert statistics.written == count and not statistics.dropped, statistics
"""


def test_four_processes_fill_one_file_without_a_loss(url: str, tmp_path: Path) -> None:
    """At full speed into full queues: every row once, nothing dropped, seq without holes."""
    count = sized(3_000, 20_000)
    room = sized(1_000, 10_000)  # the default is 10,000; the small run must fill it, too
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, url, str(n), str(count), str(room)], cwd=tmp_path
        )
        for n in range(4)
    ]
    assert [process.wait(600) for process in processes] == [0] * 4
    reader = JobLogReader(url)
    shared = list(reader.lines("shared"))
    assert [line.seq for line in shared] == list(range(1, 2 * count + 1))
    assert len({line.uid for line in shared}) == 2 * count
    for name in range(4):
        expected = [f"{name} {number}" for number in range(1, count, 2)]
        assert [m.message for m in shared if m.message.startswith(f"{name} ")] == expected
        own = list(reader.lines(f"own-{name}"))
        assert [line.message for line in own] == [f"{name} {n}" for n in range(0, count, 2)]
        assert [line.seq for line in own] == list(range(1, count // 2 + 1))
    reader.close()
    raw = sqlite3.connect(tmp_path / "logs" / "jobs.db")
    assert raw.execute("SELECT count(*) FROM job_logs").fetchone() == (4 * count,)
    raw.close()


KILLED = """
import logging, sys
from zotify_logging import DatabaseJobLogHandler, job_context
handler = DatabaseJobLogHandler(sys.argv[1])
log = logging.getLogger("writer")
log.setLevel(logging.INFO)
log.addHandler(handler)
with job_context("killed"):
    for number in range(300):
        log.info("line %d", number)
    assert handler.flush(60)
    print("flushed", flush=True)
    while True:
        log.info("more")
"""


def test_kill_9_keeps_what_was_flushed(url: str, tmp_path: Path) -> None:
    """Every line before a flush that returned True is there; seq has no holes beyond it either."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, url], cwd=tmp_path, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"flushed\n"
    process.send_signal(signal.SIGKILL)
    process.wait(60)
    process.stdout.close()
    reader = JobLogReader(url)
    lines = list(reader.lines("killed"))
    assert [line.message for line in lines[:300]] == [f"line {number}" for number in range(300)]
    assert [line.seq for line in lines] == list(range(1, len(lines) + 1))
    reader.close()


def test_parent_and_forked_child_log_through_one_handler(
    logger: logging.Logger, handler: DatabaseJobLogHandler, url: str
) -> None:
    """A fork in the middle of writing: both go on, every line once."""
    with job_context("forked"):
        for number in range(100):
            logger.info("before %d", number)
        child = os.fork()
        if child == 0:  # pragma: no cover - another process
            code = 1
            try:
                for number in range(100):
                    logger.info("child %d", number)
                code = 0 if handler.flush(60) else 2
            finally:
                os._exit(code)
        for number in range(100):
            logger.info("parent %d", number)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert handler.flush(30)
    found = messages(url, "forked")
    assert sorted(found) == sorted(
        f"{who} {number}" for who in ("before", "child", "parent") for number in range(100)
    )


def test_forks_in_the_middle_of_transactions_stop_nobody(url: str) -> None:
    """A child never inherits a write lock that none of its threads will release."""
    rounds = sized(15, 300)
    handler = DatabaseJobLogHandler(url, job_id="busy", flush_interval=0, max_batch_size=5)
    log = logging.getLogger("app.busy")
    log.setLevel(logging.INFO)
    log.propagate = False
    log.addHandler(handler)
    for _ in range(rounds):
        for _ in range(30):
            log.info("parent")
        child = os.fork()
        if child == 0:  # pragma: no cover - another process
            code = 1
            try:
                log.info("child")
                code = 0 if handler.flush(60) else 2
            finally:
                os._exit(code)
        for _ in range(30):
            log.info("parent")
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
    assert handler.flush(30)
    log.removeHandler(handler)
    handler.close()
    found = messages(url, "busy")
    assert (found.count("parent"), found.count("child")) == (60 * rounds, rounds)


def test_threads_log_under_their_own_jobs(
    logger: logging.Logger, handler: DatabaseJobLogHandler, url: str
) -> None:
    """Eight threads, eight jobs, one handler."""

    def work(job: int) -> None:
        with job_context(f"job-{job}"):
            for number in range(100):
                logger.info("%d of %d", number, job)

    threads = [threading.Thread(target=work, args=(job,)) for job in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert handler.flush(30)
    for job in range(8):
        assert messages(url, f"job-{job}") == [f"{number} of {job}" for number in range(100)]


def test_a_line_is_readable_while_the_job_runs(
    logger: logging.Logger, handler: DatabaseJobLogHandler, url: str
) -> None:
    """Without any flush, a line appears after flush_interval."""
    logger.info("now", extra={"job_id": "live"})
    wait_until(lambda: handler.statistics().written == 1)
    assert messages(url, "live") == ["now"]


def test_close_is_idempotent_and_a_later_record_opens_again(
    logger: logging.Logger, handler: DatabaseJobLogHandler, url: str
) -> None:
    """Closing flushes; what is logged afterwards is kept, as with stdlib's file handlers."""
    logger.info("first", extra={"job_id": "j"})
    handler.close()
    handler.close()
    logger.info("late", extra={"job_id": "j"})
    assert handler.flush(20)
    assert messages(url, "j") == ["first", "late"]
    assert not handler.statistics().dropped
    handler.close()


def test_flushes_while_dictconfig_holds_the_lock_of_logging(tmp_path: Path) -> None:
    """dictConfig flushes handlers under logging's own lock: the writer must not ask for it."""
    handler = DatabaseJobLogHandler(f"sqlite:///{tmp_path}/jobs.db", flush_interval=60)
    record = logging.makeLogRecord({"msg": "one", "job_id": "j"})
    handler.handle(record)
    logging.root.manager._clear_cache()  # type: ignore[attr-defined]  # as dictConfig does
    with logging._lock:  # type: ignore[attr-defined]  # as dictConfig does
        assert handler.flush(20)
    handler.close()
