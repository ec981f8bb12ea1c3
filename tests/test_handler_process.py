"""Must survive: what a process does to its handlers: signals, exits, closed streams, pickles."""

from __future__ import annotations

import copy
import gc
import logging
import logging.config
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

import pytest
from line_sink import LineSink, balanced, last_words
from sizes import sized
from waiting import wait_until

from zotify_logging import (
    BaseLogHandler,
    DatabaseJobLogHandler,
    FileStreamHandler,
    JsonAuditHandler,
    registry,
)
from zotify_logging.handlers import error_ring
from zotify_logging.jobs.reader import JobLogReader

DELIVERIES = pytest.mark.parametrize("delivery", ["direct", "queued"])


@pytest.fixture
def logger() -> logging.Logger:
    return logging.Logger("process", logging.DEBUG)  # outside the tree


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(error_ring, "_next_line", float("inf"))
    yield


def run(script: str, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    return subprocess.run(
        [sys.executable, "-c", script, *arguments],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
    )


@DELIVERIES
def test_signal_handlers_and_del_that_log_at_any_moment(
    tmp_path: Path, logger: logging.Logger, delivery: str
) -> None:
    """Wherever they strike, nothing hangs, and every record is in exactly one place."""
    struck: list[int] = []

    class Dying:
        def __init__(self) -> None:
            self.itself = self  # only the garbage collector ends it

        def __del__(self) -> None:
            logger.info("from __del__")

    def on_signal(number: int, frame: FrameType | None) -> None:
        struck.append(number)
        logger.info("from a signal")

    handler = FileStreamHandler(tmp_path / "app.log", delivery=delivery, max_bytes=0)
    logger.addHandler(handler)
    previous, thresholds = signal.signal(signal.SIGALRM, on_signal), gc.get_threshold()
    logged = 0
    try:
        gc.set_threshold(5)
        signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
        while len(struck) < sized(150, 5_000):
            Dying()
            logger.info("main")
            logged += 1
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, previous)
        gc.set_threshold(*thresholds)
    gc.collect()
    assert handler.flush(20)
    reading = handler.statistics()
    assert balanced(reading) and reading.queued == 0
    assert reading.accepted >= logged + len(struck)
    lines = (tmp_path / "app.log").read_text().splitlines()
    assert len(lines) == reading.written
    # What was refused was inside another record; what came from the main line never was.
    assert last_words(lines).count("main") == logged


_LAST_WORDS = """
import atexit, logging, sys, threading
from zotify_logging import FileStreamHandler
log = logging.getLogger("last"); log.setLevel(10)
log.addHandler(FileStreamHandler("app.log", delivery=sys.argv[1], flush_interval=60))
class Leaving:
    def __del__(self):
        log.info("destroyed")
if sys.argv[2] == "more":
    kept = Leaving()
    atexit.register(log.info, "at exit")
    threading.Thread(target=lambda: (threading.main_thread().join(), log.info("thread"))).start()
log.info("statement")
"""


@DELIVERIES
def test_interpreter_shutdown_keeps_the_very_last_statement(tmp_path: Path, delivery: str) -> None:
    """A record logged by the last line of a script is in the file; nothing on stderr."""
    done = run(_LAST_WORDS, tmp_path, delivery, "only")
    assert (done.returncode, done.stderr) == (0, "")
    assert last_words((tmp_path / "app.log").read_text().splitlines()) == ["statement"]


_LAST_JOB = """
import logging
from zotify_logging import DatabaseJobLogHandler, job_context
log = logging.getLogger("last"); log.setLevel(10)
log.addHandler(DatabaseJobLogHandler("sqlite:///jobs.db", flush_interval=60))
with job_context("j"):
    log.info("statement")
"""


def test_interpreter_shutdown_keeps_the_last_line_of_a_job(tmp_path: Path) -> None:
    """The writer thread's way out of the interpreter leads through the database."""
    done = run(_LAST_JOB, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    page = JobLogReader(f"sqlite:///{tmp_path}/jobs.db").page("j", limit=10)
    assert [item.message for item in page.items] == ["statement"]


@DELIVERIES
def test_interpreter_shutdown_with_threads_exit_hooks_and_destructors(
    tmp_path: Path, delivery: str
) -> None:
    """What logs before logging shuts down is kept, what comes later does no harm."""
    done = run(_LAST_WORDS, tmp_path, delivery, "more")
    assert done.returncode == 0 and "Traceback" not in done.stderr
    words = last_words((tmp_path / "app.log").read_text().splitlines())
    assert words[0] == "statement" and {"thread", "exit"} <= set(words)


_NO_STDERR = """
import logging, os, sys
from zotify_logging import BaseLogHandler
class Refusing(BaseLogHandler):
    def write(self, entries):
        raise OSError(28, "No space left on device")
handler = Refusing(delivery=sys.argv[1]); logging.getLogger().addHandler(handler)
if sys.argv[2] == "closed":
    sys.stderr.close()
elif sys.argv[2] == "descriptor":
    os.close(2)
else:
    sys.stderr = None
logging.getLogger().error("lost")
handler.flush()
assert handler.statistics().failed == {"ENOSPC": 1}
print("fine")
"""


@DELIVERIES
@pytest.mark.parametrize("how", ["closed", "descriptor", "none"])
def test_stderr_closed_or_none(tmp_path: Path, delivery: str, how: str) -> None:
    """A failing handler has nowhere to say so, which is no failure of the program."""
    done = run(_NO_STDERR, tmp_path, delivery, how)
    assert done.stdout == "fine\n" and "Traceback" not in done.stderr
    assert done.returncode in (0, 120)  # 120: Python's own word for a stderr it could not flush


def test_dictconfig_applied_five_times_to_our_handlers(tmp_path: Path) -> None:
    """Each record is there once, whichever configuration was in force; no thread is left over."""
    config: dict[str, object] = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {
            "process-main": {
                "class": "zotify_logging.FileStreamHandler",
                "filename": str(tmp_path / "app.log"),
            },
            "process-queued": {
                "class": "zotify_logging.FileStreamHandler",
                "filename": str(tmp_path / "queued.log"),
                "delivery": "queued",
            },
        },
        "loggers": {"process": {"level": "INFO", "handlers": ["process-main", "process-queued"]}},
    }
    before = set(threading.enumerate())
    for number in range(5):
        logging.config.dictConfig(config)
        logging.getLogger("process").info("%d", number)
    for handler in logging.getLogger("process").handlers:
        handler.close()
    for name in ("app.log", "queued.log"):
        lines = (tmp_path / name).read_text().splitlines()
        assert last_words(lines) == ["0", "1", "2", "3", "4"]
    wait_until(lambda: set(threading.enumerate()) <= before)


def test_64_threads_while_handlers_come_go_and_change_level(tmp_path: Path) -> None:
    """Nothing raises, nothing hangs, and every ledger is even; one that stays has every record."""
    logger = logging.Logger("process", logging.DEBUG)
    staying = FileStreamHandler(tmp_path / "staying.log", max_bytes=0)
    logger.addHandler(staying)
    each, count = sized(40, 2_000), 64
    errors: list[BaseException] = []
    done = threading.Event()

    def log(name: int) -> None:
        try:
            for number in range(each):
                logger.info("%d %d", name, number)
        except BaseException as error:  # noqa: B036 - shown by the test
            errors.append(error)

    went: list[BaseLogHandler] = []

    def come_and_go() -> None:
        number = 0
        while not done.is_set():
            number += 1
            delivery = ("direct", "queued")[number % 2]
            handler = FileStreamHandler(tmp_path / f"{number % 4}.log", delivery=delivery)
            handler.name = f"process-{number % 4}"
            logger.addHandler(handler)
            handler.setLevel(logging.WARNING if number % 3 else logging.DEBUG)
            handler.enabled = bool(number % 5)
            registry.find(f"process-{number % 4}").setLevel("DEBUG")
            handler.enabled = True
            logger.removeHandler(handler)
            handler.close()
            went.append(handler)

    threads = [threading.Thread(target=log, args=(name,)) for name in range(count)]
    mover = threading.Thread(target=come_and_go)
    mover.start()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    done.set()
    mover.join(30)
    assert not errors and not mover.is_alive() and len(went) > 1
    for handler in went:
        handler.close()  # a record that was on its way may have opened it again
        assert balanced(handler.statistics())
    assert staying.statistics().written == each * count
    staying.close()
    lines = (tmp_path / "staying.log").read_text().splitlines()
    seen = sorted(tuple(map(int, line.split()[-2:])) for line in lines)
    assert seen == [(name, number) for name in range(count) for number in range(each)]


def test_pickling_a_handler_says_what_to_do(tmp_path: Path) -> None:
    """A handler is not copied either: two would write one file by one descriptor."""
    handlers: list[BaseLogHandler] = [
        FileStreamHandler(tmp_path / "app.log"),
        JsonAuditHandler(tmp_path / "audit.jsonl"),
        DatabaseJobLogHandler(f"sqlite:///{tmp_path}/jobs.db"),
        LineSink(tmp_path / "log"),
    ]
    for handler in handlers:
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match=f"{type(handler).__name__}.*pass its name"):
                attempt(handler)
        handler.handle(logging.makeLogRecord({"msg": "still fine", "event_type": "a.b"}))
        assert balanced(handler.statistics())
        handler.close()


@DELIVERIES
def test_caplog_and_a_handler_side_by_side(
    tmp_path: Path, delivery: str, caplog: pytest.LogCaptureFixture
) -> None:
    """pytest sees the caller's own record, ours has its line; each has a level of its own."""
    logger = logging.getLogger("process.caplog")
    handler = FileStreamHandler(tmp_path / "app.log", delivery=delivery)
    logger.addHandler(handler)
    with caplog.at_level(logging.DEBUG, logger="process.caplog"):
        logger.debug("secret is %s", "password=Tr0ub4dor")
    with caplog.at_level(logging.ERROR, logger="process.caplog"):
        logger.warning("too low")
    caplog.set_level(logging.INFO, logger="process.caplog")
    handler.setLevel(logging.ERROR)
    logger.info("for caplog only")
    assert handler.flush(20)
    assert [record.args for record in caplog.records] == [("password=Tr0ub4dor",), ()]
    assert "password=Tr0ub4dor" in caplog.text  # only our copy is redacted
    lines = (tmp_path / "app.log").read_text().splitlines()
    assert [line.rpartition("secret is ")[2] for line in lines] == ["password=[REDACTED]"]
