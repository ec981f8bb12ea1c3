"""The writer: one thread, and whatever the sink does to it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from sizes import sized
from waiting import wait_until
from worker_rig import entry, rig

from zotify_logging.exceptions import TransientError
from zotify_logging.ledger import Ledger
from zotify_logging.records import LogEntry
from zotify_logging.worker import Worker


def no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no thread of a writer start, as at the interpreter's exit."""

    def refuse(*args: object) -> int:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr("zotify_logging.worker.writer._thread.start_new_thread", refuse)


@contextmanager
def catching() -> Iterator[list[object]]:
    """Collect what threads die of instead of failing the test."""
    died: list[object] = []
    before, threading.excepthook = threading.excepthook, lambda args: died.append(args.exc_type)
    try:
        yield died
    finally:
        threading.excepthook = before


def test_an_incomplete_batch_is_written_after_the_interval() -> None:
    """One entry alone is written without a flush."""
    with rig(flush_interval=0.02) as r:
        r.worker.put(entry(1))
        wait_until(lambda: r.sink.messages == ["line 1"])


def test_a_poison_entry_is_isolated() -> None:
    """One entry that the sink cannot take costs that entry alone, and is reported."""

    def refuse(entries: Sequence[LogEntry]) -> BaseException | None:
        poisoned = any(e.message == "line 37" for e in entries)
        return ValueError("cannot take 37") if poisoned else None

    with rig(max_batch_size=50, flush_interval=10) as r:
        r.sink.refuse = refuse
        for number in range(100):
            r.worker.put(entry(number))
        assert r.worker.flush(10)
        assert r.sink.messages == [f"line {n}" for n in range(100) if n != 37]
        assert r.ledger.snapshot().failed == {"poison": 1}
        assert [(e.message if e else None, str(x)) for e, x in r.errors] == [
            ("line 37", "cannot take 37")
        ]


def test_a_transient_error_keeps_the_same_entries() -> None:
    """A sink that is away gets the very same batch again until it takes it; reported once."""
    seen: list[tuple[str, ...]] = []

    def refuse(entries: Sequence[LogEntry]) -> BaseException | None:
        seen.append(tuple(e.message for e in entries))
        return TransientError("gone") if len(seen) < 6 else None

    with rig(max_batch_size=3, flush_interval=10) as r:
        r.sink.refuse = refuse
        for number in range(3):
            r.worker.put(entry(number))
        assert r.worker.flush(10)
        assert seen == [("line 0", "line 1", "line 2")] * 6
        assert r.ledger.snapshot().written == 3
        assert [e for e, _ in r.errors] == [None]


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_the_writer_survives_what_is_no_exception(kind: type[BaseException]) -> None:
    """KeyboardInterrupt and its like in the writer thread are counted, and the thread lives."""
    with rig(max_batch_size=4, flush_interval=10) as r:
        r.sink.refuse = lambda es: kind() if any(e.created_ns == 2 for e in es) else None
        for number in range(4):
            r.worker.put(entry(number))
        assert r.worker.flush(10)
        assert r.ledger.snapshot().failed == {"interrupted": 1}
        r.worker.put(entry(9))
        assert r.worker.flush(10)
        assert r.sink.messages == ["line 0", "line 1", "line 3", "line 9"]


def test_a_failing_error_report_is_contained() -> None:
    """on_error that raises costs nothing but its own report."""
    ledger = Ledger()

    def complain(e: LogEntry | None, error: BaseException) -> None:
        raise RuntimeError("reporter broken")

    def write(entries: Sequence[LogEntry]) -> None:
        raise ValueError("no")

    worker = Worker(write, ledger, name="t", on_error=complain, flush_interval=0)
    worker.put(entry(1))
    assert worker.flush(10)
    worker.put(entry(2))
    assert worker.close(10)
    assert ledger.snapshot().failed == {"poison": 2}


def test_halves_of_a_refused_batch_count_as_taken() -> None:
    """While a batch is split, what its parts free is given to those who wait."""
    with rig(max_queue_size=10, max_batch_size=8, block_timeout=60) as r:
        r.shut()
        r.sink.refuse = lambda es: ValueError() if any(e.created_ns == 2 for e in es) else None
        for number in range(7):
            assert r.worker.put(entry(number))
        threads = [threading.Thread(target=r.worker.put, args=(entry(10 + n),)) for n in range(4)]
        for thread in threads:
            thread.start()
        wait_until(lambda: len(r.worker._queue.waiters) == 4)
        r.sink.gate.set()
        for thread in threads:
            thread.join(30)
        assert r.worker.flush(30)
        reading = r.ledger.snapshot()
        assert (reading.written, reading.failed, reading.dropped) == (11, {"poison": 1}, {})


def test_what_is_left_is_written_by_the_caller_when_no_thread_can_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At interpreter shutdown, flush() and close() write in the calling thread."""
    no_thread(monkeypatch)
    with rig() as r:
        r.worker.put(entry(1))
        assert r.worker.flush(10)
        r.worker.put(entry(2))
        assert r.worker.close(10)
        assert r.sink.messages == ["line 1", "line 2"]


def test_an_absent_sink_does_not_hold_up_an_exit_without_threads(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where the caller itself writes, a sink that is away is given up at the deadline."""
    no_thread(monkeypatch)
    with rig(first_backoff=0.01, max_backoff=0.01) as r:
        r.sink.refuse = lambda entries: TransientError("away")
        r.worker.put(entry(1))
        started = time.monotonic()
        assert r.worker.flush(0.05) is False
        assert r.worker.close(0.05) is False
        assert time.monotonic() - started < 5
        assert r.ledger.snapshot().dropped == {"shutdown": 1}


def test_two_callers_without_a_thread_write_nothing_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them writes, the other waits for it."""
    no_thread(monkeypatch)
    with rig(max_batch_size=1) as r:
        for number in range(50):
            r.worker.put(entry(number))
        r.sink.gate.clear()
        done: list[bool] = []
        threads = [threading.Thread(target=lambda: done.append(r.worker.flush())) for _ in range(4)]
        for thread in threads:
            thread.start()
        assert r.sink.entered.wait(10)
        r.sink.gate.set()
        for thread in threads:
            thread.join(30)
        assert done == [True] * 4
        assert r.sink.messages == [f"line {n}" for n in range(50)]


def test_a_thread_that_starts_late_takes_turns_with_a_caller_that_writes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Threads were short for a moment: the new one waits for the write that is under way."""
    with rig(max_batch_size=1) as r:
        with monkeypatch.context() as short:
            no_thread(short)
            for number in range(5):
                r.worker.put(entry(number))
            r.sink.gate.clear()
            flushing = threading.Thread(target=r.worker.flush)
            flushing.start()
            assert r.sink.entered.wait(10)
        for number in range(5, 10):
            assert r.worker.put(entry(number))
        r.sink.gate.set()
        flushing.join(30)
        assert r.worker.flush(30)
        assert r.sink.messages == [f"line {n}" for n in range(10)]


def test_a_thread_that_ends_against_all_odds_is_replaced() -> None:
    """Should the writer's own code fail, the entries in its hands are the next thread's."""
    with rig() as r:
        broken = threading.Event()

        def pause(delay: float) -> float:
            broken.set()
            raise MemoryError

        r.worker._writer._pause = pause  # type: ignore[method-assign]  # a fault
        with catching() as died:
            r.sink.refuse = lambda entries: TransientError("away")
            r.worker.put(entry(1))
            assert broken.wait(10)
            wait_until(lambda: not r.worker._writer.started)
            wait_until(lambda: died)
        del r.worker._writer._pause
        r.sink.refuse = lambda entries: None
        r.worker.put(entry(2))
        assert r.worker.flush(30)
        assert r.sink.messages == ["line 1", "line 2"]


@pytest.mark.parametrize(
    ("reason_of", "reason"),
    [(lambda error: "ENOSPC", "ENOSPC"), (lambda error: 1 // 0, "poison")],
)
def test_the_owner_names_the_reason_of_a_poison_entry(
    reason_of: Callable[[Exception], str], reason: str
) -> None:
    """It is counted under that name, and as poison if even the naming fails."""
    with rig(reason_of=reason_of) as r:
        r.sink.refuse = lambda entries: OSError(28, "full")
        r.worker.put(entry(1))
        assert r.worker.flush(10)
        assert r.ledger.snapshot().failed == {reason: 1}


EXIT = """
import atexit, logging, sys
from zotify_logging import BaseLogHandler
from zotify_logging.ledger import Ledger
from zotify_logging.records import LogEntry
from zotify_logging.worker import Worker

class ToFile(BaseLogHandler):
    default_delivery = "queued"
    def write(self, entries):
        with open("handler.log", "a") as file:
            file.writelines(f"{entry.message}\\n" for entry in entries)

def write(entries):
    with open("worker.log", "a") as file:
        file.writelines(f"{entry.message}\\n" for entry in entries)

def closing():
    assert worker.close(30)
    reading = ledger.snapshot()
    assert (reading.accepted, reading.written) == (1, 1), reading

entry = LogEntry(
    timestamp="2026-11-22T10:00:00.000000Z", created_ns=1, level="INFO", level_no=20,
    logger="app", message="put at the very end", exception=None, stack=None, fields={},
    context={}, pid=1, thread="MainThread", source="app.py:1",
)
ledger = Ledger()
worker = Worker(write, ledger, name="zotify-exit", on_error=lambda entry, error: None)
atexit.register(closing)
log = logging.getLogger("app")
log.addHandler(ToFile())
log.setLevel("INFO")
if sys.argv[1] == "worker":
    worker.put(entry)
else:
    atexit.unregister(closing)
    log.info("logged at the very end")
"""


@pytest.mark.parametrize("last", ["worker", "handler"])
def test_the_last_statement_of_a_program_may_be_a_log_call(last: str, tmp_path: Path) -> None:
    """Nothing is lost though the interpreter exits while the writer thread is about to start."""
    rounds = sized(3, 20)
    for _ in range(rounds):
        done = subprocess.run(
            [sys.executable, "-c", EXIT, last],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")
    lines = (tmp_path / f"{last}.log").read_text().splitlines()
    assert len(lines) == rounds
    assert len(set(lines)) == 1


def test_a_thread_that_is_already_there_writes_itself_when_no_other_may_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The interpreter began to exit between the raw thread's start and the proper one's."""

    class Refused:
        """A thread that cannot start any more."""

        def __init__(self, **arguments: object) -> None: ...

        def start(self) -> None:
            raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr("zotify_logging.worker.writer.threading", SimpleNamespace(Thread=Refused))
    with rig() as r:
        r.worker.put(entry(1))
        wait_until(lambda: r.sink.messages == ["line 1"])
        assert r.worker.close(10)


def test_what_close_has_given_up_is_not_reported_once_more() -> None:
    """A write that fails after the deadline of close() is neither counted nor handed on again."""
    with rig() as r:
        r.shut()
        assert r.worker.close(0.02) is False
        r.sink.refuse = lambda entries: OSError(28, "full")
        r.sink.gate.set()
        wait_until(lambda: r.worker._writer.ident == 0)
        assert r.errors == []
        reading = r.ledger.snapshot()
        assert (reading.dropped, reading.failed) == ({"shutdown": 1}, {})
