"""The handler contract, on small handlers with real sinks."""

from __future__ import annotations

import gc
import logging
import os
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Unpack

import pytest
from line_sink import LineSink, balanced
from sizes import sized

from zotify_logging import BaseLogHandler, LogEntry, OptionError
from zotify_logging.handlers import error_ring
from zotify_logging.handlers.base import HandlerOptions
from zotify_logging.options import OptionReader

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
def test_the_law_holds_from_many_threads(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """accepted = written + queued + dropped + failed, read at any moment from beside."""

    def fail_some(entries: Sequence[LogEntry]) -> None:
        if any(entry.message.endswith("7") for entry in entries):
            raise ValueError

    sink = Sink(tmp_path / "log", fail_some, delivery=delivery, flush_interval=0)
    logger.addHandler(sink)

    def run() -> None:
        for number in range(RECORDS):
            logger.info("record %d", number)

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        assert balanced(sink.statistics())
    lines = sink.lines()
    reading = sink.statistics()
    poison = sum(str(number).endswith("7") for number in range(RECORDS)) * 4
    assert balanced(reading) and reading.queued == 0
    assert (reading.accepted, reading.written) == (RECORDS * 4, len(lines))
    assert sum(reading.failed.values()) == poison == len(sink.reported)


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_filters_and_selection_are_counted_as_ignored(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """What they refuse is not accepted; a filter that raises costs its record, not the caller."""

    class Selective(Sink):
        def selects(self, record: logging.LogRecord) -> bool:
            return record.msg != "not selected"

    def only(record: logging.LogRecord) -> bool:
        if record.msg == "raise":
            raise RuntimeError
        return record.msg != "filtered"

    # From 3.12 on a filter may be a function that returns a record; the types of 3.11 say no.
    sink = Selective(tmp_path / "log", delivery=delivery, filters=[only])  # type: ignore[list-item]
    logger.addHandler(sink)
    for message in ("kept", "filtered", "not selected", "raise"):
        logger.info(message)
    assert len(sink.lines()) == 1
    reading = sink.statistics()
    assert (reading.accepted, reading.ignored) == (2, 2)
    assert reading.failed == {"RuntimeError": 1} and len(sink.reported) == 1


def test_a_filter_may_replace_the_record(tmp_path: Path) -> None:
    """As Python 3.12 allows; before, the filter's result is only true."""

    def replace(record: logging.LogRecord) -> logging.LogRecord:
        return logging.makeLogRecord({**record.__dict__, "msg": "replaced"})

    sink = Sink(tmp_path / "log")
    sink.addFilter(replace)  # type: ignore[arg-type,unused-ignore]  # 3.12
    sink.handle(logging.makeLogRecord({"msg": "original"}))
    expected = "replaced" if sys.version_info >= (3, 12) else "original"
    assert sink.lines()[0].endswith(expected)


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_records_from_inside_are_refused_and_counted(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """A write, a message's __str__ and a __del__ that log never recurse."""

    class Loud:
        def __str__(self) -> str:
            logger.info("from __str__")
            logger.info("again %s", self)
            return "loud"

    class Dying:
        def __del__(self) -> None:
            logger.info("from __del__")

    def inside(entries: Sequence[LogEntry]) -> None:
        logger.info("from write")
        Dying()
        gc.collect()

    sink = Sink(tmp_path / "log", inside, delivery=delivery)
    logger.addHandler(sink)
    logger.info("%s", Loud())
    assert [line.rpartition(" ")[2] for line in sink.lines()] == ["loud"]
    reading = sink.statistics()
    assert balanced(reading) and reading.dropped["reentrant"] == 4 and reading.written == 1


def test_a_signal_handler_that_logs_during_a_write(tmp_path: Path, logger: logging.Logger) -> None:
    """The interrupted write goes on; the signal's record is counted."""

    def on_signal(number: int, frame: FrameType | None) -> None:
        logger.warning("signalled")

    def inside(entries: Sequence[LogEntry]) -> None:
        os.kill(os.getpid(), signal.SIGUSR1)

    sink = Sink(tmp_path / "log", inside)
    logger.addHandler(sink)
    previous = signal.signal(signal.SIGUSR1, on_signal)
    try:
        logger.info("first")
    finally:
        signal.signal(signal.SIGUSR1, previous)
    assert len(sink.lines()) == 1
    assert sink.statistics().dropped == {"reentrant": 1}


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_the_writer_thread_is_counted_and_the_thread_lives(
    tmp_path: Path, logger: logging.Logger, error: type[BaseException]
) -> None:
    """Only the entry that it met is lost; the caller hears nothing of it."""

    def interrupt(entries: Sequence[LogEntry]) -> None:
        if any(entry.message == "interrupted" for entry in entries):
            raise error

    sink = Sink(tmp_path / "log", interrupt, delivery="queued")
    logger.addHandler(sink)
    for word in ("before", "interrupted", "after"):
        logger.info(word)
    assert [line.split()[-1] for line in sink.lines()] == ["before", "after"]
    logger.info("later")
    assert len(sink.lines()) == 3
    assert sink.statistics().failed == {"interrupted": 1} and balanced(sink.statistics())


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_in_a_direct_write_is_counted_and_raised(
    tmp_path: Path, logger: logging.Logger, error: type[BaseException]
) -> None:
    """Guard and lock are free afterwards."""

    def interrupt(entries: Sequence[LogEntry]) -> None:
        raise error

    sink = Sink(tmp_path / "log", interrupt)
    logger.addHandler(sink)
    with pytest.raises(error):
        logger.info("interrupted")
    with pytest.raises(error):
        sink.receive(next(entries_of("handed over")))
    assert sink.statistics().failed == {"interrupted": 2}
    sink.during = None
    thread = threading.Thread(target=logger.info, args=("next",))
    thread.start()
    thread.join(10)
    assert len(sink.lines()) == 1 and balanced(sink.statistics())


def entries_of(*messages: str) -> Iterator[LogEntry]:
    """Make entries by letting a handler receive records."""
    for message in messages:
        taken: list[LogEntry] = []
        with_list = Collecting(taken)
        with_list.handle(logging.makeLogRecord({"msg": message, "levelname": "INFO"}))
        yield taken[0]


class Collecting(BaseLogHandler):
    def __init__(self, taken: list[LogEntry], **options: Unpack[HandlerOptions]) -> None:
        super().__init__(**options)
        self.taken = taken

    def write(self, entries: Sequence[LogEntry]) -> None:
        self.taken.extend(entries)


def test_records_from_inside_a_queued_write_cost_nothing_and_go_nowhere(
    tmp_path: Path, logger: logging.Logger
) -> None:
    """No snapshot is taken of them, and the failover does not get them."""
    backup = Sink(tmp_path / "backup")
    backup.name = "base-backup"
    shown: list[object] = []

    class Shown:
        def __str__(self) -> str:
            shown.append(self)
            return "shown"

    def inside(entries: Sequence[LogEntry]) -> None:
        logger.error("%s", Shown())

    sink = Sink(tmp_path / "log", inside, delivery="queued", failover="base-backup")
    logger.addHandler(sink)
    logger.error("first")
    assert len(sink.lines()) == 1 and not shown and not backup.lines()
    reading = sink.statistics()
    assert reading.dropped == {"reentrant": 1} and reading.failed_over == 0 and balanced(reading)


def test_all_wrong_options_are_reported_at_once(tmp_path: Path) -> None:
    """With near matches, and nothing is left of the handler."""

    class Own(BaseLogHandler):
        def __init__(self, colour: str = "red", **options: Unpack[HandlerOptions]) -> None:
            reader = OptionReader("Own")
            reader.choice("colour", colour, ("red", "blue"))
            super().__init__(reader=reader, **options)

        def write(self, entries: Sequence[LogEntry]) -> None:
            """Take them."""

    wrong: dict[str, object] = {
        "colour": "bleu",
        "delivery": "quued",
        "levle": "INFO",
        "max_queue_size": 0,
        "close_timeout": "soon",
        "redact": 5,
        "filters": [5],
        "formatter": "text",
        "file_mode": "rw",
        "level": "LOUD",
    }
    before = len(logging._handlerList)  # type: ignore[attr-defined]  # the one list
    with pytest.raises(OptionError) as caught:
        Own(**wrong)  # type: ignore[arg-type]  # what is tested
    problems = caught.value.problems
    assert {problem.split(":")[0].removeprefix("Own.") for problem in problems} == set(wrong)
    text = str(caught.value)
    assert "did you mean blue" in text and "did you mean level" in text
    assert len(logging._handlerList) == before  # type: ignore[attr-defined]  # the one list
