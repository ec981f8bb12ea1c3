"""What becomes of a record that its handler could not keep."""

from __future__ import annotations

import gc
import logging
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from line_sink import LineSink, balanced, refuse
from sizes import sized
from waiting import wait_until

from zotify_logging import LogEntry, registry
from zotify_logging.handlers import error_ring

RECORDS = sized(200, 20_000)


class Sink(LineSink):
    gap_entries = False  # only what was logged is in the file


@pytest.fixture
def logger() -> logging.Logger:
    return logging.Logger("based", logging.DEBUG)  # outside the tree


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(error_ring, "_next_line", float("inf"))
    yield


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_a_failing_write_is_reported_once_and_handed_over(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """The failover has the record, both ledgers agree, and no secret shows in the error."""
    backup = Sink(tmp_path / "backup")
    backup.name = "base-backup"
    sink = Sink(tmp_path / "log", refuse, delivery=delivery, failover="base-backup")
    logger.addHandler(sink)
    logger.info("keep me %d", 1)
    assert sink.lines() == []
    wait_until(lambda: sink.statistics().failed_over)
    assert [line.rpartition("based ")[2] for line in backup.lines()] == ["keep me 1"]
    assert len(sink.reported) == 1
    reading = sink.statistics()
    assert balanced(reading) and reading.failed_over == 1 and sum(reading.failed.values()) == 1
    assert "S3cr3t" not in str(reading.last_error)
    assert "S3cr3t" not in str(error_ring.recent_problems()[-1])


def test_what_a_full_queue_hands_over_is_failed_not_dropped(
    tmp_path: Path, logger: logging.Logger
) -> None:
    """failed{overflow} here with failed_over beside it, accepted there; else it is dropped."""
    backup = Sink(tmp_path / "backup")
    backup.name = "base-backup"
    inside, go_on = threading.Event(), threading.Event()

    def hang(entries: Sequence[LogEntry]) -> None:
        inside.set()
        assert go_on.wait(60)

    sink = Sink(
        tmp_path / "log",
        hang,
        delivery="queued",
        failover="base-backup",
        max_queue_size=1,
        overflow="drop_new",
    )
    logger.addHandler(sink)
    try:
        logger.error("stuck")
        assert inside.wait(30)
        logger.error("handed over")
        backup.close()
        backup.name = None
        logger.error("lost")
    finally:
        go_on.set()
    assert [line.rpartition("based ")[2] for line in backup.lines()] == ["handed over"]
    assert len(sink.lines()) == 1
    reading = sink.statistics()
    assert (reading.failed, reading.failed_over) == ({"overflow": 1}, 1)
    assert (reading.dropped, balanced(reading)) == ({"overflow": 1}, True)


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_a_failover_that_is_not_there_is_reported(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """The caller notices nothing."""
    sink = Sink(tmp_path / "log", refuse, delivery=delivery, failover="base-nowhere")
    logger.addHandler(sink)
    logger.info("lost")
    assert sink.lines() == [] and sink.statistics().failed_over == 0
    wait_until(lambda: "base-nowhere" in error_ring.recent_problems()[-1].text)


@pytest.mark.parametrize("made", ["before", "after"])
def test_a_failover_that_no_logger_has_is_kept_alive(
    tmp_path: Path, logger: logging.Logger, made: str
) -> None:
    """dictConfig leaves nobody else to hold it; one that was closed is opened again."""
    kept = Sink(tmp_path / "kept")
    kept.name = "base-kept" if made == "before" else None
    sink = Sink(tmp_path / "log", refuse, failover="base-kept")
    kept.name = "base-kept"
    del kept
    gc.collect()
    registry.find("base-kept").close()
    logger.addHandler(sink)
    logger.info("kept")
    assert (tmp_path / "kept").read_text().endswith("kept\n")
    assert sink.statistics().failed_over == 1


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_a_failover_cycle_ends(tmp_path: Path, logger: logging.Logger, delivery: str) -> None:
    """A→B→C→A: each tries once."""
    names = ["base-a", "base-b", "base-c"]
    sinks = [
        Sink(tmp_path / name, refuse, delivery=delivery, failover=names[(index + 1) % 3])
        for index, name in enumerate(names)
    ]
    for name, sink in zip(names, sinks, strict=True):
        sink.name = name
    logger.addHandler(sinks[0])
    logger.info("round and round")
    wait_until(lambda: all(sum(sink.statistics().failed.values()) == 1 for sink in sinks))
    assert all(sink.flush(10) and balanced(sink.statistics()) for sink in sinks)
    assert [sink.statistics().accepted for sink in sinks] == [1, 1, 1]
    wait_until(lambda: [sink.statistics().failed_over for sink in sinks] == [1, 1, 0])


def test_two_that_are_each_others_failover_do_not_wait_for_each_other(tmp_path: Path) -> None:
    """No handler holds its own lock while another one takes over."""
    sinks = [
        Sink(tmp_path / "one", refuse, failover="base-two"),
        Sink(tmp_path / "two", refuse, failover="base-one"),
    ]
    sinks[0].name, sinks[1].name = "base-one", "base-two"
    record = logging.makeLogRecord({"msg": "x"})

    def run(sink: Sink) -> None:
        for _ in range(RECORDS):
            sink.handle(record)

    threads = [threading.Thread(target=run, args=(sink,), daemon=True) for sink in sinks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive(), "deadlock"
    assert [sink.statistics().accepted for sink in sinks] == [RECORDS * 2] * 2


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_a_reason_of_that_raises_stays_inside(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """The record is counted under some name, reported once and handed over."""

    class Nameless(Sink):
        def reason_of(self, error: BaseException) -> str:
            raise RuntimeError

    backup = Sink(tmp_path / "backup")
    backup.name = "base-nameless-backup"
    sink = Nameless(tmp_path / "log", refuse, delivery=delivery, failover="base-nameless-backup")
    logger.addHandler(sink)
    logger.info("still here")
    assert sink.flush(20)
    wait_until(lambda: sink.statistics().failed_over)
    assert sum(sink.statistics().failed.values()) == 1 and balanced(sink.statistics())
    assert len(backup.lines()) == 1 and len(sink.reported) == 1


def test_a_handle_error_that_raises_stays_inside(tmp_path: Path, logger: logging.Logger) -> None:
    """The log call returns, and the failover still has the record."""

    class Raising(Sink):
        def handleError(self, record: logging.LogRecord) -> None:
            raise RuntimeError

    backup = Sink(tmp_path / "backup")
    backup.name = "base-raising-backup"
    logger.addHandler(Raising(tmp_path / "log", refuse, failover="base-raising-backup"))
    logger.info("still here")
    assert len(backup.lines()) == 1
