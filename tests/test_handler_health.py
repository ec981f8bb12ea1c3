"""What a handler says about itself: ok, degraded, failing, and why."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from line_sink import LineSink, refuse
from set_clock import SetClock
from waiting import wait_until

from zotify_logging import LogEntry
from zotify_logging.exceptions import TransientError
from zotify_logging.handlers.sink_handler import POISON
from zotify_logging.ledger import HandlerHealth

DELIVERIES = pytest.mark.parametrize("delivery", ["direct", "queued"])


@pytest.fixture
def logger() -> logging.Logger:
    return logging.Logger("healthy", logging.DEBUG)  # outside the tree


def disk_full(entries: Sequence[LogEntry]) -> None:
    raise OSError(28, "No space left on device: token=S3cr3t")


@DELIVERIES
def test_a_handler_that_writes_is_ok(tmp_path: Path, logger: logging.Logger, delivery: str) -> None:
    """Before its first record, after it, and after close."""
    sink = LineSink(tmp_path / "log", delivery=delivery)
    logger.addHandler(sink)
    assert sink.health() == HandlerHealth("ok")
    logger.info("one")
    assert sink.lines() and sink.health() == HandlerHealth("ok", ())
    sink.close()
    assert sink.health().status == "ok"


@DELIVERIES
def test_a_refusing_sink_is_failing_then_degraded_then_ok(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """Failing until it takes a record again, degraded for five minutes more; no secret shows."""
    sink = LineSink(tmp_path / "log", disk_full, delivery=delivery)
    clock = sink.ledger.clock = SetClock()
    logger.addHandler(sink)
    logger.info("lost")
    assert sink.flush(20)
    wait_until(lambda: sink.health().status == "failing")
    text = str(sink.health().reasons)
    assert "No space left" in text and "S3cr3t" not in text
    sink.during = None
    logger.info("kept")
    assert sink.flush(20)
    assert sink.health() == HandlerHealth(
        "degraded", ("records were not written in the last 5 minutes",)
    )
    clock.now += 301
    assert sink.health().status == "ok"


@DELIVERIES
def test_one_refused_record_is_no_failing_sink_three_are(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """It may have been its own fault, which says nothing about the next one."""
    sink = LineSink(tmp_path / "log", refuse, delivery=delivery)
    logger.addHandler(sink)
    seen = []
    for count in (1, 2, 3):
        logger.info("refused")
        assert sink.flush(20)
        wait_until(lambda: len(sink.reported) == count)  # noqa: B023 - called at once
        seen.append(sink.health().status)
    assert seen == ["degraded", "degraded", "failing"]
    sink.during = None
    logger.info("kept")
    assert sink.flush(20) and sink.health().status == "degraded"


def test_poison_is_no_failing_sink(tmp_path: Path, logger: logging.Logger) -> None:
    """However much of it there is: the handler says that the record was to blame."""

    class Picky(LineSink):
        def reason_of(self, error: BaseException) -> str:
            return POISON

    sink = Picky(tmp_path / "log", refuse)
    logger.addHandler(sink)
    for _ in range(5):
        logger.info("poison")
    assert sink.health().status == "degraded" and sink.statistics().failed == {"poison": 5}


def test_a_sink_that_is_away_is_failing(tmp_path: Path, logger: logging.Logger) -> None:
    """While its entries wait for another try, and not afterwards: nothing was lost."""
    away = threading.Event()
    away.set()

    def answer(entries: Sequence[LogEntry]) -> None:
        if away.is_set():
            raise TransientError("no route to host")

    sink = LineSink(tmp_path / "log", answer, delivery="queued")
    logger.addHandler(sink)
    logger.info("patient")
    wait_until(lambda: sink.health().status == "failing")
    assert "no route to host" in sink.health().reasons[0]
    away.clear()
    assert sink.flush(20) and sink.health() == HandlerHealth("ok")


def test_a_nearly_full_queue_is_degraded(tmp_path: Path, logger: logging.Logger) -> None:
    """Above 80 % of its room."""
    go_on = threading.Event()
    sink = LineSink(
        tmp_path / "log", lambda entries: go_on.wait(60), delivery="queued", max_queue_size=10
    )
    logger.addHandler(sink)
    try:
        for _ in range(9):
            logger.error("waits")
        assert sink.health() == HandlerHealth("degraded", ("the queue is 90% full",))
    finally:
        go_on.set()
    assert len(sink.lines()) == 9


def test_a_stuck_queue_is_failing(tmp_path: Path, logger: logging.Logger) -> None:
    """Once a wait for room has failed, and while one write takes too long."""
    inside, go_on = threading.Event(), threading.Event()

    def hang(entries: Sequence[LogEntry]) -> None:
        inside.set()
        assert go_on.wait(60)

    sink = LineSink(tmp_path / "log", hang, delivery="queued", max_queue_size=1)
    clock = sink.ledger.clock = SetClock()
    logger.addHandler(sink)
    logger.error("stuck")
    assert inside.wait(30)
    assert sink.health().status == "degraded"  # full, but waiting may help
    logger.error("waits in vain")
    clock.now += 6
    health = sink.health()
    assert health.status == "failing" and health.reasons[:2] == (
        "the queue is full, and the sink takes nothing",
        "a write has been under way for 6 s",
    )
    go_on.set()
    assert sink.flush(20) and sink.health().status == "degraded"


def test_a_forked_child_does_not_hang_with_its_parent(
    tmp_path: Path, logger: logging.Logger
) -> None:
    """The write under way is the parent's."""
    inside, go_on = threading.Event(), threading.Event()

    def hang(entries: Sequence[LogEntry]) -> None:
        inside.set()
        assert go_on.wait(60)

    sink = LineSink(tmp_path / "log", hang, delivery="queued")
    clock = sink.ledger.clock = SetClock()
    logger.addHandler(sink)
    logger.error("stuck")
    assert sink.flush(0) is False and inside.wait(30)
    clock.now += 6
    assert sink.health().status == "failing"
    pid = os.fork()
    if pid == 0:
        os._exit(7 if sink.health() == HandlerHealth("ok") else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    go_on.set()
    assert sink.flush(20)


def test_a_busy_handler_is_not_failing(tmp_path: Path, logger: logging.Logger) -> None:
    """However long one has to wait for a turn: records get written meanwhile."""
    sink = LineSink(tmp_path / "log")
    logger.addHandler(sink)
    held, done = threading.Event(), threading.Event()

    def write_slowly() -> None:
        with sink.ledger.lock:  # as if writes of others followed each other without a pause
            held.set()
            while not done.wait(0.01):
                logger.info("one of many")

    thread = threading.Thread(target=write_slowly)
    thread.start()
    assert held.wait(30)
    assert sink.health().status == "ok"
    done.set()
    thread.join(30)


def test_a_hanging_direct_write_is_failing(tmp_path: Path, logger: logging.Logger) -> None:
    """And asking does not hang."""
    inside, go_on = threading.Event(), threading.Event()

    def hang(entries: Sequence[LogEntry]) -> None:
        inside.set()
        assert go_on.wait(60)

    sink = LineSink(tmp_path / "log", hang)
    logger.addHandler(sink)
    thread = threading.Thread(target=logger.info, args=("slow",))
    thread.start()
    assert inside.wait(30)
    assert sink.health() == HandlerHealth("failing", ("a write has been under way for 0.1 s",))
    go_on.set()
    thread.join(30)
    assert sink.health().status == "ok"
