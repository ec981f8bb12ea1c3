"""The worker: nothing is lost uncounted, nothing hangs."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import sized
from waiting import wait_until
from worker_rig import balance, entry, rig

from zotify_logging.exceptions import TransientError
from zotify_logging.records import LogEntry
from zotify_logging.worker import Overflow


def test_entries_arrive_in_order_and_in_batches() -> None:
    """What is put is written once, in order, in batches of at most max_batch_size."""
    with rig(max_batch_size=7, flush_interval=10) as r:
        for number in range(100):
            assert r.worker.put(entry(number))
        assert r.worker.flush(10)
        assert r.sink.messages == [f"line {number}" for number in range(100)]
        assert max(r.sink.batches) <= 7
        assert r.ledger.snapshot().written == 100


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("emit"), st.integers(1, 30)),
        st.tuples(st.just("warn"), st.integers(1, 10)),
        st.tuples(st.sampled_from(["stall", "resume", "fail", "transient", "heal", "flush"])),
        st.tuples(st.just("read")),
    ),
    max_size=25,
)


@settings(max_examples=sized(40, 400), deadline=None)
@given(
    steps=STEPS,
    overflow=st.sampled_from(["block", "drop_new", "drop_oldest", "spill"]),
    spills=st.booleans(),
    close_stuck=st.booleans(),
)
def test_the_law_holds_under_any_schedule(
    steps: list[tuple[str, int] | tuple[str]], overflow: Overflow, spills: bool, close_stuck: bool
) -> None:
    """accepted = written + queued + dropped + failed, whatever happens in whatever order."""
    spilled: list[LogEntry] = []

    def spill(e: LogEntry) -> bool:
        spilled.append(e)
        return True

    with rig(
        overflow=overflow,
        max_queue_size=20,
        max_batch_size=5,
        flush_interval=0.0005,
        block_timeout=0.002,
        spill=spill if spills or overflow == "spill" else None,
    ) as r:
        emitted = 0
        for step in steps:
            if step[0] in ("emit", "warn"):
                for _ in range(step[1] if len(step) == 2 else 0):
                    r.worker.put(entry(emitted, 20 if step[0] == "emit" else 40))
                    emitted += 1
            elif step[0] == "stall":
                r.sink.gate.clear()
            elif step[0] == "resume":
                r.sink.gate.set()
            elif step[0] == "fail":
                r.sink.refuse = lambda es: ValueError() if es[0].created_ns % 3 == 0 else None
            elif step[0] == "transient":
                r.sink.refuse = lambda es: TransientError("away")
            elif step[0] == "heal":
                r.sink.refuse = lambda es: None
            elif step[0] == "flush":
                r.worker.flush(0.002)
            assert balance(r.ledger.snapshot()) == 0
        if not close_stuck:
            r.sink.gate.set()
        closed = r.worker.close(0.02)
        reading = r.ledger.snapshot()
        assert balance(reading) == 0
        assert reading.accepted == emitted
        assert reading.queued == reading.spooled == len(spilled)
        assert r.worker.depth == 0
        assert closed == ("shutdown" not in reading.dropped)
        assert len(set(r.sink.messages)) == len(r.sink.messages)
        assert len(r.sink.messages) == reading.written


def test_close_keeps_its_deadline_with_a_stuck_write() -> None:
    """close() returns in time, counts what is left, and a late write is not counted twice."""
    with rig(max_batch_size=1) as r:
        r.shut()
        for number in range(10):
            r.worker.put(entry(number))
        started = time.monotonic()
        assert r.worker.close(0.1) is False
        assert time.monotonic() - started < 5
        assert r.ledger.snapshot().dropped == {"shutdown": 11}
        r.sink.gate.set()
        wait_until(lambda: r.sink.messages == ["stuck"])
        assert r.worker.close(1) is False
        assert balance(r.ledger.snapshot()) == 0
        assert r.ledger.snapshot().written == 0


def test_close_with_an_absent_sink_keeps_its_deadline() -> None:
    """A sink that is away for ever does not hold up close()."""
    with rig(first_backoff=30.0, max_backoff=30.0) as r:
        r.sink.refuse = lambda entries: TransientError("away")
        r.worker.put(entry(1))
        wait_until(lambda: r.errors)
        assert r.worker.close(0.2) is False
        assert r.ledger.snapshot().dropped == {"shutdown": 1}


def test_after_close_entries_are_counted_as_closed() -> None:
    """put() after close() refuses, counts, and closing again is harmless."""
    with rig() as r:
        r.worker.put(entry(1))
        assert r.worker.close(10) is True
        assert r.worker.close(10) is True
        assert r.worker.put(entry(2)) is False
        assert r.ledger.snapshot().dropped == {"closed": 1}
        assert r.sink.messages == ["line 1"]


def test_records_from_the_writer_thread_are_refused() -> None:
    """A sink that logs cannot feed itself."""
    with rig() as r:
        seen: list[bool] = []

        def refuse(entries: Sequence[LogEntry]) -> None:
            seen.append(r.worker.is_writer_thread())
            seen.append(r.worker.put(entry(99)))
            seen.append(r.worker.flush(1))

        r.sink.refuse = refuse
        r.worker.put(entry(1))
        assert r.worker.flush(10)
        assert seen == [True, False, False]
        assert not r.worker.is_writer_thread()
        reading = r.ledger.snapshot()
        assert (reading.dropped, reading.written) == ({"reentrant": 1}, 1)


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
def test_a_signal_handler_that_logs_neither_hangs_nor_loses_a_count() -> None:
    """Signals that log in the middle of put(), flush() and statistics keep the law."""
    with rig(max_queue_size=50, block_timeout=0.001) as r:
        nested = 0

        def on_signal(signum: int, frame: object) -> None:
            nonlocal nested
            nested += 1
            r.worker.put(entry(-nested))

        previous = signal.signal(signal.SIGALRM, on_signal)
        signal.setitimer(signal.ITIMER_REAL, 0.0002, 0.0002)
        emitted = 0
        try:
            deadline = time.monotonic() + 60
            while nested < 300 and time.monotonic() < deadline:
                r.worker.put(entry(emitted))
                emitted += 1
                if emitted % 100 == 0:
                    r.worker.flush(1)
                    assert balance(r.ledger.snapshot()) == 0
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        assert r.worker.flush(10)
        reading = r.ledger.snapshot()
        assert nested >= 300
        assert balance(reading) == 0
        assert reading.accepted == emitted + nested


def test_a_fork_from_inside_a_write_leaves_a_child_that_can_log() -> None:
    """The child's copy of the writer ends; its own entries get a thread of their own."""
    with rig() as r:
        codes: list[int] = []

        def refuse(entries: Sequence[LogEntry]) -> None:
            if entries[0].message != "fork":
                return
            child = os.fork()
            if child == 0:  # pragma: no cover - another process
                code = 1
                try:
                    r.sink.messages = []
                    taken = r.worker.put(entry(77)) and r.worker.flush(10)
                    law = balance(r.ledger.snapshot()) == 0
                    code = 0 if taken and law and r.sink.messages == ["line 77"] else 2
                finally:
                    os._exit(code)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))

        r.sink.refuse = refuse
        r.worker.put(entry(1, message="fork"))
        assert r.worker.flush(30)
        assert codes == [0]


def test_a_forked_child_starts_clean_and_the_parent_loses_nothing() -> None:
    """fork with a full queue and a stuck writer: the child logs by itself, the parent goes on."""
    with rig(max_queue_size=20, overflow="drop_new") as r:
        r.shut()
        for number in range(12):
            assert r.worker.put(entry(number))
        child = os.fork()
        if child == 0:  # pragma: no cover - another process
            code = 1
            try:
                clean = r.worker.depth == 0 and r.ledger.snapshot().accepted == 0
                r.sink.gate = threading.Event()
                r.sink.gate.set()
                r.sink.messages = []
                taken = r.worker.put(entry(77)) and r.worker.flush(10)
                code = 0 if clean and taken and r.sink.messages == ["line 77"] else 2
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        assert os.waitstatus_to_exitcode(status) == 0
        r.sink.gate.set()
        assert r.worker.flush(10)
        assert r.sink.messages == ["stuck", *(f"line {n}" for n in range(12))]
        assert r.ledger.snapshot().written == 13


def test_a_flush_without_a_deadline_ends_when_another_thread_gives_up() -> None:
    """It says that not everything was written, rather than wait for ever for what is counted."""
    with rig() as r:
        r.shut()
        r.worker.put(entry(1))
        done: list[bool] = []
        thread = threading.Thread(target=lambda: done.append(r.worker.flush()))
        thread.start()
        wait_until(lambda: r.worker._queue._marks)
        assert r.worker.close(0.05) is False
        thread.join(30)
        assert done == [False]
        assert r.worker.flush() is True


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="needs interval timers")
@pytest.mark.parametrize("overflow", ["block", "drop_new", "drop_oldest", "spill"])
def test_ctrl_c_anywhere_in_a_call_leaves_every_record_accounted_for(overflow: Overflow) -> None:
    """An exception out of a signal handler, at any point of put(), costs at most its record."""
    kept: list[str] = []
    handed: list[str] = []

    def spill(e: LogEntry) -> bool:
        kept.append(e.message)
        return len(kept) % 2 == 0

    def failover(e: LogEntry) -> bool:
        handed.append(e.message)
        return len(handed) % 2 == 0

    with rig(
        max_queue_size=8,
        max_batch_size=3,
        block_timeout=0.001,
        flush_interval=0,
        overflow=overflow,
        spill=spill if overflow == "spill" else None,
        failover=failover,
    ) as r:
        struck, armed = 0, False

        def strike(signum: int, frame: object) -> None:
            nonlocal struck
            if armed:
                struck += 1
                raise KeyboardInterrupt

        wanted = sized(150, 5_000)
        number = 0
        previous = signal.signal(signal.SIGALRM, strike)
        deadline = time.monotonic() + 60
        try:
            while struck < wanted and time.monotonic() < deadline:
                # Once each: none strikes while the one before is being dealt with.
                signal.setitimer(signal.ITIMER_REAL, 0.00005 + number % 97 * 1e-6)
                try:
                    armed = True
                    for _ in range(20):
                        number += 1
                        r.worker.put(entry(number, 40 if number % 3 == 0 else 20))
                    armed = False
                except KeyboardInterrupt:
                    armed = False
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
        assert struck >= wanted
        assert r.worker.flush(30)
        reading = r.ledger.snapshot()
        assert balance(reading) == 0
        assert reading.queued == reading.spooled
        assert reading.written == len(r.sink.messages) == len(set(r.sink.messages))
        assert r.sink.messages == sorted(r.sink.messages, key=lambda text: int(text.split()[1]))
        assert not r.worker._queue.waiters
        assert r.worker.depth == 0


def leave(correct: bool) -> None:
    """End a forked child; its exit code tells whether it was as it should be."""
    os._exit(0 if correct else 2)


def test_a_fork_inside_the_failover_leaves_a_child_whose_ledger_holds() -> None:
    """The record that was being handed over is the parent's; the child counts from zero."""
    codes: list[int] = []
    parent = os.getpid()

    def failover(e: LogEntry) -> bool:
        child = os.fork()
        if child:
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        return True

    with rig(max_queue_size=1, overflow="drop_new", failover=failover) as r:
        r.shut()
        r.worker.put(entry(1, 40))
        if os.getpid() != parent:  # pragma: no cover - another process
            try:
                reading = r.ledger.snapshot()
                leave((reading.accepted, reading.queued, balance(reading)) == (0, 0, 0))
            finally:
                os._exit(1)
        assert codes == [0]
        reading = r.ledger.snapshot()
        assert (reading.failed, reading.failed_over, balance(reading)) == ({"overflow": 1}, 1, 0)


def test_a_fork_by_a_signal_handler_while_a_call_waits() -> None:
    """In the child the call ends and nothing is counted; in the parent it goes on waiting."""
    codes: list[int] = []
    parent, main = os.getpid(), threading.main_thread().ident
    assert main is not None

    def on_signal(signum: int, frame: object) -> None:
        child = os.fork()
        if child:
            codes.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
            r.sink.gate.set()

    def strike() -> None:
        wait_until(lambda: r.worker._queue.waiters)
        signal.pthread_kill(main, signal.SIGUSR1)

    with rig(max_queue_size=1, block_timeout=60) as r:
        r.shut()
        previous = signal.signal(signal.SIGUSR1, on_signal)
        striking = threading.Thread(target=strike)
        try:
            striking.start()
            taken = r.worker.put(entry(1, 40))
            if os.getpid() != parent:  # pragma: no cover - another process
                try:
                    r.sink.gate = threading.Event()
                    r.sink.gate.set()
                    clean = not taken and r.ledger.snapshot().accepted == 0
                    r.worker.put(entry(2))
                    leave(clean and r.worker.flush(10) and balance(r.ledger.snapshot()) == 0)
                finally:
                    os._exit(1)
        finally:
            striking.join(30)
            signal.signal(signal.SIGUSR1, previous)
        assert codes == [0]
        assert taken
        assert r.worker.flush(30)
        assert r.ledger.snapshot().written == 2
