"""Switching a handler off and on while it runs."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from line_sink import LineSink, balanced, last_words, refuse
from waiting import wait_until

from zotify_logging import DatabaseJobLogHandler, LogEntry, registry

DELIVERIES = pytest.mark.parametrize("delivery", ["direct", "queued"])


@pytest.fixture
def logger() -> logging.Logger:
    return logging.Logger("switched", logging.DEBUG)  # outside the tree


@DELIVERIES
def test_a_disabled_handler_counts_records_as_ignored(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """Until it is enabled again; its filters are not asked meanwhile."""
    asked: list[logging.LogRecord] = []

    def take_notes(record: logging.LogRecord) -> bool:
        asked.append(record)
        return True

    sink = LineSink(tmp_path / "log", delivery=delivery)
    logger.addHandler(sink)
    assert sink.enabled
    logger.info("one")
    sink.addFilter(take_notes)
    sink.enabled = False
    assert not sink.enabled
    logger.info("two")
    logger.info("three")
    sink.enabled = True
    logger.info("four")
    assert last_words(sink.lines()) == ["one", "four"] and len(asked) == 1
    reading = sink.statistics()
    assert (reading.accepted, reading.ignored, balanced(reading)) == (2, 2, True)


def test_what_is_queued_is_written_all_the_same(tmp_path: Path, logger: logging.Logger) -> None:
    """Disabling loses nothing that was accepted before."""
    inside, go_on = threading.Event(), threading.Event()

    def hang(entries: Sequence[LogEntry]) -> None:
        inside.set()
        assert go_on.wait(60)

    sink = LineSink(tmp_path / "log", hang, delivery="queued", max_batch_size=1)
    logger.addHandler(sink)
    for word in ("one", "two", "three"):
        logger.info(word)
    assert inside.wait(30)
    sink.enabled = False
    logger.info("four")
    go_on.set()
    assert last_words(sink.lines()) == ["one", "two", "three"]
    sink.close()
    assert sink.released == 1 and sink.statistics().ignored == 1


@DELIVERIES
def test_disabled_holds_across_a_close(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """A record does not open a disabled handler again; once enabled, it does."""
    sink = LineSink(tmp_path / "log", delivery=delivery)
    logger.addHandler(sink)
    sink.enabled = False
    sink.close()
    logger.info("ignored")
    assert sink.statistics().ignored == 1 and not sink.enabled
    sink.enabled = True
    logger.info("kept")
    assert last_words(sink.lines()) == ["kept"]


@DELIVERIES
def test_disabled_holds_in_a_forked_child(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """The child's handler is as its parent's was."""
    sink = LineSink(tmp_path / "log", delivery=delivery)
    logger.addHandler(sink)
    sink.enabled = False
    pid = os.fork()
    if pid == 0:
        logger.info("ignored")
        reading = sink.statistics()
        os._exit(7 if (reading.accepted, reading.ignored) == (0, 1) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7


def test_a_write_that_hangs_can_be_switched_off(tmp_path: Path, logger: logging.Logger) -> None:
    """The switch does not wait for the sink, and holds once the write returns."""
    inside, go_on = threading.Event(), threading.Event()

    def hang(entries: Sequence[LogEntry]) -> None:
        inside.set()
        assert go_on.wait(60)

    sink = LineSink(tmp_path / "log", hang)
    logger.addHandler(sink)
    thread = threading.Thread(target=logger.info, args=("slow",))
    thread.start()
    assert inside.wait(30)
    sink.enabled = False
    go_on.set()
    thread.join(30)
    logger.info("ignored")
    assert last_words(sink.lines()) == ["slow"] and sink.statistics().ignored == 1


@DELIVERIES
def test_a_write_may_switch_its_own_handler_off(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """The entry at hand is written, the next record ignored."""
    sink = LineSink(
        tmp_path / "log", lambda entries: setattr(sink, "enabled", False), delivery=delivery
    )
    logger.addHandler(sink)
    logger.info("last")
    wait_until(lambda: sink.statistics().written)
    logger.info("ignored")
    assert last_words(sink.lines()) == ["last"] and sink.statistics().ignored == 1


@DELIVERIES
def test_a_disabled_failover_takes_nothing(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """The record counts as failed and not handed over: it would be lost without a trace."""
    backup = LineSink(tmp_path / "backup", delivery=delivery)
    backup.name = "switched-backup"
    backup.enabled = False
    sink = LineSink(tmp_path / "log", refuse, failover="switched-backup")
    logger.addHandler(sink)
    logger.info("lost")
    reading = sink.statistics()
    assert (reading.failed_over, reading.failed) == (0, {"ValueError": 1})
    assert backup.statistics().accepted == 0


def test_a_disabled_job_log_asks_for_no_job(tmp_path: Path, logger: logging.Logger) -> None:
    """on_missing_job="raise" is about records that would be taken."""
    handler = DatabaseJobLogHandler(f"sqlite:///{tmp_path}/jobs.db", on_missing_job="raise")
    logger.addHandler(handler)
    handler.enabled = False
    logger.info("of no job")
    assert handler.statistics().ignored == 1


def test_the_registry_can_switch(tmp_path: Path) -> None:
    """Whoever knows a handler's name only has the same switch."""
    sink = LineSink(tmp_path / "log")
    sink.name = "switched-by-name"
    registry.find("switched-by-name").enabled = False
    assert not sink.enabled
