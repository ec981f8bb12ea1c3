"""A handler opens, flushes, closes, and opens again."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from logging.config import dictConfig
from pathlib import Path

import pytest
from line_sink import LineSink, balanced, refuse

from zotify_logging import LogEntry, registry
from zotify_logging.handlers import error_ring


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


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_an_interrupt_while_opening_again_leaves_the_handler_closed(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """Ctrl-C reaches the caller; the next record opens the handler."""

    class Interrupted(Sink):
        interrupt = True

        def open(self) -> None:
            if self.interrupt:
                raise KeyboardInterrupt

    sink = Interrupted(tmp_path / "log", delivery=delivery)
    logger.addHandler(sink)
    sink.close()
    with pytest.raises(KeyboardInterrupt):
        logger.info("interrupted")
    sink.interrupt = False
    logger.info("after")
    assert [line.split()[-1] for line in sink.lines()] == ["after"]
    assert balanced(sink.statistics())


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_an_entry_of_another_handler_opens_a_closed_one(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """A failover that dictConfig has closed is a failover still."""
    backup = Sink(tmp_path / "backup", delivery=delivery)
    backup.name = "lifecycle-backup"
    origin = Sink(tmp_path / "log", refuse, failover="lifecycle-backup")
    logger.addHandler(origin)
    logger.info("one")
    backup.close()
    registry.register("lifecycle-backup", backup)  # close() has taken its name away
    logger.info("two")
    assert [line.split()[-1] for line in backup.lines()] == ["one", "two"]
    assert origin.statistics().failed_over == 2 and balanced(backup.statistics())
