"""The handler contract, on small handlers with real sinks."""

from __future__ import annotations

import gc
import logging
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from logging.config import dictConfig
from pathlib import Path
from types import FrameType
from typing import Unpack

import pytest
from sizes import sized
from waiting import wait_until

from zotify_logging import BaseLogHandler, LogEntry, OptionError, registry
from zotify_logging.handlers import error_ring
from zotify_logging.handlers.base import HandlerOptions
from zotify_logging.ledger import HandlerStatistics
from zotify_logging.options import OptionReader

RECORDS = sized(200, 20_000)


class Sink(BaseLogHandler):
    """Appends lines to a real file; ``during`` runs inside each write."""

    def __init__(
        self,
        path: Path,
        during: Callable[[Sequence[LogEntry]], None] | None = None,
        **options: Unpack[HandlerOptions],
    ) -> None:
        super().__init__(**options)
        self.path = path
        self.during = during
        self.reported: list[logging.LogRecord] = []
        self.released = 0

    def write(self, entries: Sequence[LogEntry]) -> None:
        if self.during is not None:
            self.during(entries)
        with self.path.open("a") as file:
            file.writelines(f"{self.format_entry(entry)}\n" for entry in entries)

    def release_sink(self) -> None:
        self.released += 1

    def handleError(self, record: logging.LogRecord) -> None:
        self.reported.append(record)
        super().handleError(record)

    def lines(self) -> list[str]:
        assert self.flush(20)
        return self.path.read_text().splitlines() if self.path.exists() else []


def balanced(reading: HandlerStatistics) -> bool:
    lost = sum(reading.dropped.values()) + sum(reading.failed.values())
    return reading.accepted == reading.written + reading.queued + lost


def refuse(entries: Sequence[LogEntry]) -> None:
    raise ValueError("token=S3cr3t refused")


@pytest.fixture
def logger() -> logging.Logger:
    return logging.Logger(
        "based", logging.DEBUG
    )  # outside the tree: nobody else formats its records


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


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_close_is_idempotent_and_what_comes_after_opens_again(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """Released once, from however many threads; a record after that is kept, as with stdlib."""
    sink = Sink(tmp_path / "log", delivery=delivery)
    logger.addHandler(sink)
    logger.info("before")
    threads = [threading.Thread(target=sink.close) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    sink.close()
    assert sink.released == 1 and sink.flush() is True and sink.flush(-1) is True
    logger.info("after")
    assert [line.split()[-1] for line in sink.lines()] == ["before", "after"]
    reading = sink.statistics()
    assert balanced(reading) and reading.written == 2 and not reading.dropped
    sink.close()
    assert sink.released == 2


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_a_handler_that_cannot_open_again_counts_the_record(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """`dropped{closed}`, and nothing raises."""

    class Gone(Sink):
        def open(self) -> None:
            raise OSError(13, "Permission denied")

    sink = Gone(tmp_path / "log", delivery=delivery)
    logger.addHandler(sink)
    sink.close()
    logger.info("after")
    reading = sink.statistics()
    assert balanced(reading) and reading.dropped == {"closed": 1}


_EXIT = """
import logging, sys, threading, time
from zotify_logging import BaseLogHandler
class Stuck(BaseLogHandler):
    def write(self, entries):
        threading.Event().wait()
log = logging.getLogger("stuck"); log.setLevel(10)
log.addHandler(Stuck(delivery="queued", close_timeout=0.6, flush_interval=0))
for number in range(500):
    log.info("line %d", number)
began = time.monotonic()
logging.shutdown()
print(f"{time.monotonic() - began:.2f}")
"""


def test_an_exit_has_one_deadline_and_says_what_it_left(tmp_path: Path) -> None:
    """logging.shutdown flushes and closes: one close_timeout for both, one last line on stderr."""
    done = subprocess.run(
        [sys.executable, "-c", _EXIT], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert 0.5 < float(done.stdout) < 1.1
    assert done.stderr == "zotify_logging: Stuck: 500 of 500 records not written: shutdown 500\n"


def test_a_hanging_direct_write_hangs_neither_statistics_nor_close(
    tmp_path: Path, logger: logging.Logger
) -> None:
    """The record inside shows as queued; close gives up at its deadline and leaves the sink."""
    inside, go_on = threading.Event(), threading.Event()

    def hang(entries: Sequence[LogEntry]) -> None:
        inside.set()
        go_on.wait(60)

    sink = Sink(tmp_path / "log", hang)
    logger.addHandler(sink)
    thread = threading.Thread(target=logger.info, args=("slow",))
    thread.start()
    assert inside.wait(10)
    reading = sink.statistics()
    assert balanced(reading) and (reading.accepted, reading.queued) == (1, 1)
    sink.close(0.05)
    assert sink.released == 0
    go_on.set()
    thread.join(10)
    assert sink.statistics().written == 1 and len(sink.lines()) == 1


def test_flush_tells_whether_all_went(tmp_path: Path, logger: logging.Logger) -> None:
    """False while the sink is stuck, true afterwards."""
    go_on = threading.Event()
    sink = Sink(
        tmp_path / "log", lambda entries: None if go_on.wait(60) else None, delivery="queued"
    )
    logger.addHandler(sink)
    logger.info("stuck")
    assert sink.flush(0.05) is False
    go_on.set()
    assert sink.flush(20) is True


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


def test_overflow_spill_is_refused_without_a_spool() -> None:
    """It would silently drop; the error names the choices."""
    with pytest.raises(OptionError, match="overflow: 'spill' needs a spool.*drop_new"):
        Collecting([], overflow="spill")


CONFIG: dict[str, object] = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"own": {"format": "%(levelname)s|%(message)s"}},
    "loggers": {"based": {"level": "DEBUG", "handlers": ["base-configured"]}},
}


@pytest.mark.parametrize("times", [1, 2, 5])
def test_dictconfig_applied_any_number_of_times(tmp_path: Path, times: int) -> None:
    """The latest handler has the name, the earlier ones are closed, each record is there once."""
    made: list[Sink] = []

    def factory(**options: object) -> Sink:
        made.append(Sink(tmp_path / "log"))
        return made[-1]

    config = {**CONFIG, "handlers": {"base-configured": {"()": factory, "formatter": "own"}}}
    for number in range(times):
        dictConfig(config)
        logging.getLogger("based").info("round %d", number)
    assert registry.find("base-configured") is made[-1]
    assert [sink.released for sink in made] == [1] * (times - 1) + [0]
    assert made[-1].lines() == [f"INFO|round {number}" for number in range(times)]


def test_a_constructor_that_fails_leaves_nothing(tmp_path: Path) -> None:
    """dictConfig says why, and the name is free."""

    def factory(**options: object) -> Sink:
        return Sink(tmp_path / "log", **options)  # type: ignore[arg-type]  # as dictConfig

    config = {**CONFIG, "handlers": {"base-configured": {"()": factory, "delivry": "direct"}}}
    with pytest.raises(ValueError) as caught:
        dictConfig(config)
    assert "did you mean delivery" in str(caught.value.__cause__)
    gc.collect()
    assert "base-configured" not in registry.names()


def test_fork_while_another_thread_writes(tmp_path: Path) -> None:
    """The child logs at once, with counters at zero, behind both deliveries."""
    script = """
import logging, os, sys, threading
from zotify_logging import BaseLogHandler
class Sink(BaseLogHandler):
    inside, go_on = threading.Event(), threading.Event()
    hang = True
    def write(self, entries):
        if self.hang:
            self.inside.set(); self.go_on.wait(60)
log = logging.getLogger("forked"); log.setLevel(10)
sink = Sink(delivery=sys.argv[1], flush_interval=0); log.addHandler(sink)
threading.Thread(target=log.info, args=("parent",)).start()
assert sink.inside.wait(30)
pid = os.fork()
if pid == 0:
    Sink.hang = False
    assert sink.statistics().accepted == 0
    log.info("child")
    ok = sink.flush(20) and sink.statistics().accepted == sink.statistics().written == 1
    os._exit(7 if ok else 1)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sink.go_on.set()
assert sink.flush(20)
raise SystemExit(code)
"""
    for delivery in ("direct", "queued"):
        command = [sys.executable, "-c", script, delivery]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
        assert done.returncode == 7, done.stderr


def test_a_fork_inside_a_direct_write_goes_on_in_both(tmp_path: Path) -> None:
    """The lock that logging renewed is released all the same, and the child's ledger agrees."""
    script = """
import logging, os, sys, threading
from zotify_logging import BaseLogHandler
pids = []
class Sink(BaseLogHandler):
    def write(self, entries):
        if entries[0].message == "fork":
            pids.append(os.fork())
            if sys.argv[1] == "fails":
                raise ValueError(entries[0].message)
log = logging.getLogger("forked"); log.setLevel(10); logging.raiseExceptions = False
sink = Sink(); log.addHandler(sink)
log.info("fork")
def other():
    log.info("by another thread")
thread = threading.Thread(target=other); thread.start(); thread.join(30)
log.info("again")
reading = sink.statistics()
lost = sum(reading.failed.values())
assert (reading.accepted, reading.written, reading.queued) == (3, 3 - lost, 0), reading
assert lost == (sys.argv[1] == "fails") and not reading.dropped, reading
if pids[0] == 0:
    os._exit(7)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pids[0], 0)[1]))
"""
    for what in ("returns", "fails"):
        command = [sys.executable, "-c", script, what]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
        assert done.returncode == 7, done.stderr


def test_stderr_none_at_interpreter_shutdown(tmp_path: Path) -> None:
    """A failing handler in a program without stderr ends without a word and without an error."""
    script = """
import logging, sys
from zotify_logging import BaseLogHandler
class Sink(BaseLogHandler):
    def write(self, entries): raise OSError(28, "No space left on device")
logging.getLogger().addHandler(Sink())
sys.stderr = None
logging.getLogger().error("lost")
assert logging.getLogger().handlers[0].statistics().failed == {"ENOSPC": 1}
print("fine")
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, timeout=60
    )
    assert (done.returncode, done.stdout.strip(), done.stderr) == (0, b"fine", b"")
