"""What a sink is told, in an entry of its own, about the records it has not got."""

from __future__ import annotations

import json
import logging
import os
import resource
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from line_sink import LineSink, balanced, last_words, refuse
from set_clock import SetClock
from waiting import wait_until

from zotify_logging import (
    BaseLogHandler,
    DatabaseJobLogHandler,
    FileStreamHandler,
    JsonAuditHandler,
    JsonFormatter,
    LogEntry,
    job_context,
)
from zotify_logging.handlers import error_ring
from zotify_logging.handlers.gap_notice import GAP_INTERVAL

DELIVERIES = pytest.mark.parametrize("delivery", ["direct", "queued"])
START = "2026-11-22T10:00:00.000000Z"


@pytest.fixture
def logger() -> logging.Logger:
    return logging.Logger("gaps", logging.DEBUG)  # outside the tree


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(error_ring, "_next_line", float("inf"))
    yield


def disk_full(entries: Sequence[LogEntry]) -> None:
    raise OSError(28, "No space left on device")


def gaps(lines: Sequence[str]) -> list[str]:
    """Return the messages of the gap entries among lines of the text layout."""
    mark = " WARNING zotify_logging gap: "
    return [line.partition(mark)[2] for line in lines if mark in line]


@DELIVERIES
def test_a_sink_that_recovers_is_told_what_it_missed(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """One entry right behind the first record: how many, why, from when to when."""
    sink = LineSink(tmp_path / "log", disk_full, delivery=delivery)
    clock = sink.ledger.clock = SetClock()
    logger.addHandler(sink)
    for word in ("one", "two"):
        logger.info(word)
        assert sink.flush(20)
        clock.now += 1.5
    sink.during = None
    logger.info("three")
    lines = sink.lines()
    assert last_words(lines)[0] == "three" and len(lines) == 2
    reason = next(iter(sink.statistics().failed))
    assert lines[1].startswith("2026-11-22T10:00:03.000000Z WARNING zotify_logging gap: ")
    assert gaps(lines) == [
        f"2 records not written ({reason} 2) from {START} to 2026-11-22T10:00:01.500000Z"
    ]
    reading = sink.statistics()
    assert (reading.accepted, reading.written, reading.internal) == (3, 1, 1)
    assert balanced(reading)


@DELIVERIES
def test_at_most_one_entry_in_thirty_seconds(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """What is lost meanwhile is in the next one; nothing is told twice, nothing without a loss."""
    sink = LineSink(tmp_path / "log", delivery=delivery)
    clock = sink.ledger.clock = SetClock()
    logger.addHandler(sink)

    def lose_and_write(lost: int) -> list[str]:
        sink.during = refuse
        for _ in range(lost):
            logger.info("lost")
        assert sink.flush(20)
        sink.during = None
        logger.info("kept")
        return gaps(sink.lines())

    assert [text[:9] for text in lose_and_write(1)] == ["1 record "]
    clock.now += GAP_INTERVAL - 1
    assert len(lose_and_write(2)) == len(lose_and_write(3)) == 1
    clock.now += 1
    assert [text[:9] for text in lose_and_write(0)] == ["1 record ", "5 records"]
    clock.now += 1000
    assert len(lose_and_write(0)) == 2
    sink.close()
    assert len(gaps(sink.lines())) == 2 and sink.statistics().internal == 2


@DELIVERIES
def test_close_tells_the_rest(tmp_path: Path, logger: logging.Logger, delivery: str) -> None:
    """However short ago the latest entry is, and even if no record came after the loss."""
    sink = LineSink(tmp_path / "log", delivery=delivery)
    logger.addHandler(sink)
    for _ in range(2):
        sink.during = refuse
        logger.info("lost")
        assert sink.flush(20)
        sink.during = None
        logger.info("kept")
        assert sink.flush(20)
    assert len(gaps(sink.lines())) == 1
    sink.close()
    assert [text[:9] for text in gaps(sink.lines())] == ["1 record "] * 2
    assert balanced(sink.statistics()) and sink.released == 1


def test_close_tells_after_a_loss_at_the_very_end(tmp_path: Path, logger: logging.Logger) -> None:
    """The sink works again, though no record was there to show it."""
    sink = LineSink(tmp_path / "log", disk_full)
    logger.addHandler(sink)
    logger.info("lost")
    sink.during = None
    sink.close()
    assert len(gaps(sink.lines())) == 1


def test_a_sink_that_still_refuses_at_close_loses_only_the_entry(
    tmp_path: Path, logger: logging.Logger
) -> None:
    """It is released all the same, and no count goes with the entry."""
    sink = LineSink(tmp_path / "log", disk_full)
    logger.addHandler(sink)
    logger.info("lost")
    sink.close()
    assert sink.released == 1 and not sink.path.exists()
    sink.during = None
    logger.info("after")
    sink.close()
    assert [text[:9] for text in gaps(sink.lines())] == ["1 record "]


@DELIVERIES
def test_two_that_close_at_once_write_one_entry(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """And the sink is there until it is written."""
    inside, go_on = threading.Event(), threading.Event()
    released: list[int] = []

    def hang(entries: Sequence[LogEntry]) -> None:
        if entries[0].logger == "zotify_logging":
            inside.set()
            assert go_on.wait(60)
            released.append(sink.released)

    sink = LineSink(tmp_path / "log", refuse, delivery=delivery)
    sink.ledger.clock = SetClock()
    logger.addHandler(sink)
    for during in (refuse, None, refuse, hang):
        sink.during = during
        logger.info("record")
        assert sink.flush(20)
    closers = [threading.Thread(target=sink.close) for _ in range(2)]
    for closer in closers:
        closer.start()
    assert inside.wait(30)
    go_on.set()
    for closer in closers:
        closer.join(30)
    assert released == [0] and sink.released == 1
    assert len(gaps(sink.path.read_text().splitlines())) == 2


def test_what_a_full_queue_gave_up_is_told(tmp_path: Path, logger: logging.Logger) -> None:
    """By reason, the most frequent first."""
    inside, go_on = threading.Event(), threading.Event()

    def hang(entries: Sequence[LogEntry]) -> None:
        inside.set()
        assert go_on.wait(60)

    sink = LineSink(
        tmp_path / "log", hang, delivery="queued", max_queue_size=10, overflow="drop_new"
    )
    logger.addHandler(sink)
    for number in range(18):
        (logger.error if number >= 13 else logger.info)("record")
    go_on.set()
    assert inside.wait(30)
    assert gaps(sink.lines())[0].startswith("8 records not written (reserve 5, overflow 3) from ")


@DELIVERIES
def test_what_the_failover_has_is_no_gap(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """Neither here nor there."""
    backup = LineSink(tmp_path / "backup")
    backup.name = "gaps-backup"
    sink = LineSink(tmp_path / "log", refuse, delivery=delivery, failover="gaps-backup")
    logger.addHandler(sink)
    logger.info("handed over")
    assert sink.flush(20)
    wait_until(lambda: sink.statistics().failed_over)
    backup.enabled = False
    logger.info("lost")
    assert sink.flush(20)
    wait_until(lambda: len(sink.reported) == 2)
    sink.during = None
    logger.info("kept")
    sink.close()
    assert [text[:9] for text in gaps(sink.lines())] == ["1 record "]
    assert len(backup.lines()) == 1


@DELIVERIES
def test_nested_records_are_no_gap(tmp_path: Path, logger: logging.Logger, delivery: str) -> None:
    """They are refused whenever a sink's own library logs: nothing was wrong."""
    sink = LineSink(tmp_path / "log", lambda entries: logger.info("from write"), delivery=delivery)
    logger.addHandler(sink)
    logger.info("one")
    assert sink.flush(20)
    logger.info("two")
    sink.close()
    assert last_words(sink.lines()) == ["one", "two"]
    assert sink.statistics().dropped["reentrant"] == 2 and sink.health().status == "ok"


@DELIVERIES
def test_a_record_logged_while_the_entry_is_written_goes_no_further(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """At close as well."""

    def log_about_gaps(entries: Sequence[LogEntry]) -> None:
        if entries[0].logger == "zotify_logging":
            logger.info("from the entry's write")

    sink = LineSink(tmp_path / "log", refuse, delivery=delivery)
    logger.addHandler(sink)
    for _ in range(2):
        sink.during = refuse
        logger.info("lost")
        assert sink.flush(20)
        sink.during = log_about_gaps
        logger.info("kept")
        assert sink.flush(20)
    sink.close()
    reading = sink.statistics()
    assert reading.internal == 2 and balanced(reading)
    assert reading.dropped == {"reentrant": 2} and reading.written == 2


@pytest.mark.parametrize("formatter", [JsonFormatter(), logging.Formatter("%(gap_count)s!")])
@DELIVERIES
def test_the_entry_goes_through_the_formatter(
    tmp_path: Path, logger: logging.Logger, delivery: str, formatter: logging.Formatter
) -> None:
    """The counts are its fields."""
    sink = LineSink(tmp_path / "log", refuse, delivery=delivery)
    sink.ledger.clock = SetClock()
    logger.addHandler(sink)
    logger.info("lost")
    assert sink.flush(20)
    sink.during = None
    sink.setFormatter(formatter)
    logger.info("kept", extra={"gap_count": None})
    line = sink.lines()[1]
    if not isinstance(formatter, JsonFormatter):
        assert line == "1!"
        return
    told = json.loads(line)
    assert (told["level"], told["logger"]) == ("WARNING", "zotify_logging")
    assert told["gap_count"] == 1 and list(told["gap_reasons"].values()) == [1]
    assert told["gap_from"] == told["gap_to"] == told["timestamp"] == START


@pytest.mark.parametrize("error", [OSError(28, "full"), KeyboardInterrupt(), SystemExit()])
@DELIVERIES
def test_an_entry_that_fails_loses_no_count(
    tmp_path: Path, logger: logging.Logger, delivery: str, error: BaseException
) -> None:
    """Neither its own nor that of the record before it; Ctrl-C reaches the caller."""

    def fail_once(entries: Sequence[LogEntry]) -> None:
        if entries[0].logger == "zotify_logging":
            sink.during = None
            raise error

    sink = LineSink(tmp_path / "log", refuse, delivery=delivery)
    clock = sink.ledger.clock = SetClock()
    logger.addHandler(sink)
    logger.info("lost")
    assert sink.flush(20)
    sink.during = fail_once
    if delivery == "direct" and not isinstance(error, Exception):
        with pytest.raises(type(error)):
            logger.info("one")
    else:
        logger.info("one")
    assert gaps(sink.lines()) == [] and sink.statistics().internal == 0
    logger.info("two")
    assert gaps(sink.lines()) == []  # not with every record: the sink has just refused it
    clock.now += 1
    logger.info("three")
    assert len(gaps(sink.lines())) == 1
    reading = sink.statistics()
    assert (reading.accepted, reading.written, reading.internal) == (4, 3, 1)
    assert balanced(reading) and sum(reading.failed.values()) == 1


@DELIVERIES
def test_a_handler_may_opt_out(tmp_path: Path, logger: logging.Logger, delivery: str) -> None:
    """By one attribute of its class."""

    class Silent(LineSink):
        gap_entries = False

    sink = Silent(tmp_path / "log", refuse, delivery=delivery)
    logger.addHandler(sink)
    logger.info("lost")
    assert sink.flush(20)
    sink.during = None
    logger.info("kept")
    sink.close()
    assert last_words(sink.lines()) == ["kept"] and sink.statistics().internal == 0


@DELIVERIES
def test_a_forked_child_has_nothing_to_tell(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """The parent's losses are the parent's."""
    sink = LineSink(tmp_path / "log", refuse, delivery=delivery)
    logger.addHandler(sink)
    logger.info("lost")
    assert sink.flush(20)
    sink.during = None
    pid = os.fork()
    if pid == 0:
        logger.info("child")
        done = sink.flush(20) and not gaps(sink.lines())
        os._exit(7 if done and sink.statistics().internal == 0 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    logger.info("parent")
    assert len(gaps(sink.lines())) == 1


Step = tuple[bool, float]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.5, 3.0, 29.0, 31.0]))))
def test_every_loss_is_told_once(steps: list[Step]) -> None:
    """Whatever comes when: the entries, the last at close, add up to what was lost."""
    entries: list[LogEntry] = []
    clock = SetClock()

    class Failing(BaseLogHandler):
        broken = False

        def write(self, batch: Sequence[LogEntry]) -> None:
            if self.broken:
                raise OSError(28, "full")
            entries.extend(batch)

        def handleError(self, record: logging.LogRecord) -> None:
            """Say nothing."""

    handler = Failing()
    handler.ledger.clock = clock
    record = logging.makeLogRecord({"msg": "x"})
    for broken, seconds in steps:
        handler.broken = broken
        handler.handle(record)
        clock.now += seconds
    handler.broken = False
    handler.close()
    told = [entry for entry in entries if entry.logger == "zotify_logging"]
    counts = [entry.fields["gap_count"] for entry in told]
    lost = sum(broken for broken, _ in steps)
    assert sum(count for count in counts if isinstance(count, int)) == lost
    reading = handler.statistics()
    assert reading.internal == len(told) and reading.failed == ({"ENOSPC": lost} if lost else {})
    moments = [entry.created_ns for entry in told[:-1]]
    assert all(
        later - sooner >= GAP_INTERVAL * 1e9
        for sooner, later in zip(moments, moments[1:], strict=False)
    )


@DELIVERIES
def test_a_full_disk_that_has_room_again(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """FileStreamHandler on a file that may not grow: the gap is in the file afterwards."""
    path = tmp_path / "app.log"
    handler = FileStreamHandler(path, delivery=delivery)
    logger.addHandler(handler)
    logger.info("before")
    assert handler.flush(20)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))  # no byte more
    try:
        for _ in range(3):
            logger.info("lost")
        assert handler.flush(20)
        assert handler.health().status == "failing"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    logger.info("after")
    assert handler.flush(20)
    lines = path.read_text().splitlines()
    assert last_words(lines)[:2] == ["before", "after"]
    assert [text[:9] for text in gaps(lines)] == ["3 records"] and len(lines) == 3
    assert handler.health().status == "degraded"
    handler.close()


def test_audit_trail_and_job_log_keep_their_own_notices(tmp_path: Path) -> None:
    """They get no entry of the base: theirs is an event of the chain, a line of the job."""
    made: list[Callable[[], BaseLogHandler]] = [
        lambda: JsonAuditHandler(tmp_path / "audit.jsonl"),
        lambda: DatabaseJobLogHandler(f"sqlite:///{tmp_path}/jobs.db"),
    ]
    for make in made:
        handler = make()
        handler.ledger.accept()
        handler.ledger.fail("ENOSPC")
        with job_context("job"):
            handler.handle(logging.makeLogRecord({"msg": "x", "event_type": "user.login"}))
        handler.close()
        assert handler.statistics().internal == 0 and handler.statistics().written == 1
