"""The worker: nothing is lost uncounted, nothing hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import sized
from waiting import wait_until

from zotify_logging.exceptions import TransientError
from zotify_logging.ledger import HandlerStatistics, Ledger
from zotify_logging.records import LogEntry
from zotify_logging.worker import Overflow, Worker, entry_size


def entry(number: int, level_no: int = 20, message: str | None = None) -> LogEntry:
    return LogEntry(
        timestamp="2026-11-22T10:00:00.000000Z",
        created_ns=number,
        level="INFO" if level_no < 30 else "ERROR",
        level_no=level_no,
        logger="app",
        message=f"line {number}" if message is None else message,
        exception=None,
        stack=None,
        fields={},
        context={},
        pid=1,
        thread="MainThread",
        source="app.py:1",
    )


class Sink:
    """A sink whose gate can be shut, and that can be told to refuse."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.refuse: Callable[[Sequence[LogEntry]], BaseException | None] = lambda entries: None

    def write(self, entries: Sequence[LogEntry]) -> None:
        self.entered.set()
        assert self.gate.wait(60)
        error = self.refuse(entries)
        if error is not None:
            raise error
        self.batches.append(len(entries))
        self.messages.extend(e.message for e in entries)


class Rig:
    """A worker on a sink, with what it reported."""

    def __init__(self, **options: object) -> None:
        self.sink = Sink()
        self.ledger = Ledger()
        self.errors: list[tuple[LogEntry | None, BaseException]] = []
        arguments: dict[str, object] = {"flush_interval": 0.01, "first_backoff": 0.001, **options}
        self.worker = Worker(
            self.sink.write,
            self.ledger,
            name="test-writer",
            on_error=lambda e, error: self.errors.append((e, error)),
            **arguments,  # type: ignore[arg-type]
        )

    def shut(self) -> None:
        """Let the writer run into a stuck write, holding one entry."""
        self.sink.gate.clear()
        self.sink.entered.clear()
        assert self.worker.put(entry(-1, message="stuck"))
        assert self.sink.entered.wait(10)


@contextmanager
def rig(**options: object) -> Iterator[Rig]:
    made = Rig(**options)
    try:
        yield made
    finally:
        made.sink.refuse = lambda entries: None
        made.sink.gate.set()
        made.worker.close(10)


def stalled(r: Rig) -> bool:
    return r.worker._queue.stalled


def balance(reading: HandlerStatistics) -> int:
    lost = sum(reading.dropped.values()) + sum(reading.failed.values())
    return reading.accepted - reading.written - reading.queued - lost


def test_entries_arrive_in_order_and_in_batches() -> None:
    """What is put is written once, in order, in batches of at most max_batch_size."""
    with rig(max_batch_size=7, flush_interval=10) as r:
        for number in range(100):
            assert r.worker.put(entry(number))
        assert r.worker.flush(10)
        assert r.sink.messages == [f"line {number}" for number in range(100)]
        assert max(r.sink.batches) <= 7
        assert r.ledger.snapshot().written == 100


def test_an_incomplete_batch_is_written_after_the_interval() -> None:
    """One entry alone is written without a flush."""
    with rig(flush_interval=0.02) as r:
        r.worker.put(entry(1))
        wait_until(lambda: r.sink.messages == ["line 1"])


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


def test_ctrl_c_while_waiting_for_room_is_counted_and_raised() -> None:
    """KeyboardInterrupt in put() reaches the caller; the record counts as interrupted."""
    with rig(max_queue_size=1, block_timeout=60) as r:
        r.shut()
        main = threading.main_thread().ident
        assert main is not None

        def interrupt() -> None:
            wait_until(lambda: r.worker._queue.waiters)
            signal.pthread_kill(main, signal.SIGINT)

        thread = threading.Thread(target=interrupt)
        thread.start()
        with pytest.raises(KeyboardInterrupt):
            r.worker.put(entry(1, 40))
        thread.join(10)
        reading = r.ledger.snapshot()
        assert (reading.failed, balance(reading)) == ({"interrupted": 1}, 0)


def test_a_full_queue_waits_once_then_not_until_a_batch_was_taken() -> None:
    """After a wait that failed, calls return at once until the sink takes a batch again."""
    with rig(max_queue_size=2, block_timeout=0.05, max_batch_size=1) as r:
        r.shut()
        assert r.worker.put(entry(1, 40))
        assert r.worker.put(entry(2, 40)) is False
        assert stalled(r)
        started = time.monotonic()
        for number in range(1000):
            assert r.worker.put(entry(number, 40)) is False
        assert time.monotonic() - started < 1000 * 0.05
        r.sink.gate.set()
        assert r.worker.flush(10)
        assert not stalled(r)
        assert r.ledger.snapshot().dropped == {"overflow": 1001}


def test_a_waiting_caller_gets_the_room_that_the_writer_makes() -> None:
    """With a live sink a burst beyond the queue's size loses nothing."""
    with rig(max_queue_size=50, max_batch_size=10, block_timeout=30.0) as r:
        threads = [
            threading.Thread(target=lambda: [r.worker.put(entry(n)) for n in range(500)])
            for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert r.worker.flush(30)
        assert len(r.sink.messages) == 2000


def test_a_slow_sink_holds_callers_up_and_loses_nothing() -> None:
    """As long as the sink takes a batch within each wait, a call goes on waiting for its room."""
    with rig(max_queue_size=8, max_batch_size=1, block_timeout=1.0) as r:
        r.sink.refuse = lambda entries: time.sleep(0.02)
        threads = [
            threading.Thread(target=lambda: [r.worker.put(entry(n)) for n in range(3)])
            for _ in range(40)  # the last in line waits much longer than block_timeout
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert r.worker.flush(30)
        reading = r.ledger.snapshot()
        assert (reading.written, reading.dropped) == (120, {})


def test_those_who_wait_come_in_by_turns_and_warnings_first() -> None:
    """Room goes to the longest wait; only what has the reserve passes those who have not."""
    with rig(max_queue_size=5, max_batch_size=1, block_timeout=60) as r:
        r.shut()
        for number in range(3):
            assert r.worker.put(entry(number))
        threads = []
        for waiting, number in enumerate(range(3, 9), 1):
            thread = threading.Thread(target=r.worker.put, args=(entry(number),))
            thread.start()
            threads.append(thread)
            wait_until(lambda: len(r.worker._queue.waiters) == waiting)  # noqa: B023
        assert r.worker.put(entry(100, 30))
        r.sink.gate.set()
        for thread in threads:
            thread.join(60)
        assert r.worker.flush(30)
        assert r.sink.messages == ["stuck", *(f"line {n}" for n in (0, 1, 2, 100, *range(3, 9)))]


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


def test_life_of_the_sink_elsewhere_prolongs_a_wait_but_not_for_ever() -> None:
    """A sink that serves others is not stuck; one that never comes back to us is."""
    with rig(max_queue_size=1, block_timeout=0.01) as r:
        r.shut()
        looks: list[int] = []

        def look() -> int:
            looks.append(len(looks))
            if len(looks) == served:
                r.sink.gate.set()
            return len(looks)

        r.worker.signs_of_life = look
        served = 1000
        assert r.worker.put(entry(1, 40)) is False
        assert 10 < len(looks) < 40
        assert stalled(r)
        r.sink.gate.set()
        assert r.worker.flush(10)
        r.shut()
        looks.clear()
        served = 6
        assert r.worker.put(entry(2, 40)) is True
        assert r.worker.flush(10)
        assert r.ledger.snapshot().dropped == {"overflow": 1}


def test_close_sends_those_away_who_wait_for_room() -> None:
    """A caller that waits is told by close(), and its record is counted as closed."""
    with rig(max_queue_size=1, block_timeout=60) as r:
        r.shut()
        taken: list[bool] = []
        thread = threading.Thread(target=lambda: taken.append(r.worker.put(entry(1, 40))))
        thread.start()
        wait_until(lambda: r.worker._queue.waiters)
        r.worker.close(0.01)
        thread.join(10)
        assert taken == [False]
        reading = r.ledger.snapshot()
        assert (reading.dropped, balance(reading)) == ({"closed": 1, "shutdown": 1}, 0)


def test_nothing_waits_in_an_event_loop_thread() -> None:
    """A full queue is not waited for where an asyncio loop runs."""
    with rig(max_queue_size=1, block_timeout=60) as r:
        r.shut()

        async def log() -> bool:
            return r.worker.put(entry(1, 40))

        started = time.monotonic()
        assert asyncio.run(log()) is False
        assert time.monotonic() - started < 30
        assert not r.worker._queue.stalled


def test_the_reserve_belongs_to_warnings() -> None:
    """From 80 % full on, records below WARNING are refused and those above are not."""
    with rig(max_queue_size=10, overflow="drop_new", max_batch_size=1) as r:
        r.shut()
        taken = [r.worker.put(entry(n, 20)) for n in range(9)]
        assert taken == [True] * 7 + [False] * 2
        assert [r.worker.put(entry(n, 30)) for n in range(4)] == [True, True, False, False]
        assert r.ledger.snapshot().dropped == {"reserve": 2, "overflow": 2}


def test_the_reserve_counts_bytes_too() -> None:
    """The queue's memory is bounded, whatever the number of entries."""
    big = entry(1, 20, "x" * 10_000)
    with rig(max_queue_bytes=entry_size(big) * 10, overflow="drop_new", max_batch_size=1) as r:
        r.shut()
        taken = [r.worker.put(big) for _ in range(20)]
        assert sum(taken) == 7
        assert sum(r.worker.put(entry(n, 40, "y" * 10_000)) for n in range(20)) == 2


def test_drop_oldest_evicts_below_warning_first() -> None:
    """drop_oldest gives up the oldest lesser records, and one for one."""
    with rig(max_queue_size=10, overflow="drop_oldest", max_batch_size=1) as r:
        r.shut()
        for number in range(3):
            r.worker.put(entry(number, 20, f"info {number}"))
        for number in range(6):
            r.worker.put(entry(number, 40, f"error {number}"))
        assert r.worker.put(entry(3, 20, "info 3"))
        assert r.worker.put(entry(6, 40, "error 6"))
        r.sink.gate.set()
        assert r.worker.flush(10)
        assert "info 0" not in r.sink.messages
        assert all(f"error {n}" in r.sink.messages for n in range(7))
        assert r.sink.messages[-2:] == ["info 3", "error 6"]


def test_spill_takes_what_the_queue_cannot() -> None:
    """A spilled entry counts as queued and spooled; a spill that raises drops the entry."""
    kept: list[str] = []

    def spill(e: LogEntry) -> bool:
        if e.message == "bad":
            raise OSError("disk full")
        kept.append(e.message)
        return True

    with rig(max_queue_size=1, overflow="spill", spill=spill) as r:
        r.shut()
        assert r.worker.put(entry(1, 20, "good")) is True
        assert r.worker.put(entry(2, 20, "bad")) is False
        reading = r.ledger.snapshot()
        assert kept == ["good"]
        assert (reading.spooled, reading.queued, balance(reading)) == (1, 2, 0)
        assert reading.last_error == "OSError: disk full"


def test_spill_without_a_place_to_spill_to_is_refused() -> None:
    """It would drop at once what the caller believes to be kept."""
    with pytest.raises(ValueError, match="needs spill=.*choose block"):
        Rig(overflow="spill")


@pytest.mark.parametrize("policy", ["block", "drop_new", "drop_oldest"])
def test_what_the_failover_takes_counts_as_failed(policy: Overflow) -> None:
    """failed{reason} with failed_over beside it; what it refuses or breaks on is dropped."""
    seen: list[str] = []

    def failover(e: LogEntry) -> bool:
        seen.append(e.message)
        if e.message == "broken":
            raise OSError("no room there either")
        return e.message == "taken"

    with rig(max_queue_size=2, overflow=policy, block_timeout=0, failover=failover) as r:
        gone: list[str] = []
        r.worker.on_drop = lambda e: gone.append(e.message)
        r.shut()
        assert r.worker.put(entry(1, 40, "full"))
        for message in ("taken", "refused", "broken"):
            assert not r.worker.put(entry(2, 20, message))
        assert gone == seen == ["taken", "refused", "broken"]
        reading = r.ledger.snapshot()
        assert (reading.failed, reading.failed_over) == ({"overflow": 1}, 1)
        assert (reading.dropped, balance(reading)) == ({"overflow": 2}, 0)
        assert reading.last_error == "OSError: no room there either"


def test_only_what_has_no_room_goes_to_the_failover() -> None:
    """Neither what comes after close, nor what the writer thread itself logs."""
    seen: list[LogEntry] = []

    def failover(e: LogEntry) -> bool:
        seen.append(e)
        return True

    with rig(failover=failover) as r:

        def refuse(entries: Sequence[LogEntry]) -> None:
            r.worker.put(entry(99))

        r.sink.refuse = refuse
        r.worker.put(entry(1))
        assert r.worker.close(10)
        assert not r.worker.put(entry(2))
        reading = r.ledger.snapshot()
        assert (reading.dropped, reading.failed_over) == ({"reentrant": 1, "closed": 1}, 0)
        assert not seen


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


def test_what_is_left_is_written_by_the_caller_when_no_thread_can_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At interpreter shutdown, flush() and close() write in the calling thread."""

    def refuse(*args: object) -> int:
        raise RuntimeError("can't create new thread at interpreter shutdown")

    monkeypatch.setattr("zotify_logging.worker.writer._thread.start_new_thread", refuse)
    with rig() as r:
        r.worker.put(entry(1))
        assert r.worker.flush(10)
        r.worker.put(entry(2))
        assert r.worker.close(10)
        assert r.sink.messages == ["line 1", "line 2"]


def test_a_stuck_sink_holds_a_bounded_queue() -> None:
    """A flood into a stuck sink is dropped and counted, one by one, in bounded memory."""
    flood = sized(20_000, 1_000_000)
    with rig(max_queue_size=1_000, block_timeout=0.01) as r:
        r.shut()
        for number in range(flood):
            r.worker.put(entry(number))
        reading = r.ledger.snapshot()
        assert r.worker.depth <= 1_000
        assert reading.accepted == flood + 1
        assert balance(reading) == 0
        assert r.worker.close(0.1) is False


def test_the_size_of_an_entry_follows_its_content() -> None:
    """Messages, tracebacks and nested fields all weigh."""
    plain = entry_size(entry(1, message=""))
    assert entry_size(entry(1, message="x" * 5_000)) >= plain + 5_000
