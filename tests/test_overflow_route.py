"""What becomes of an entry that finds no room."""

from __future__ import annotations

import asyncio
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import pytest
from waiting import wait_until
from worker_rig import Rig, balance, entry, rig

from zotify_logging.records import LogEntry
from zotify_logging.worker import Overflow


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
        assert r.worker.is_stalled()
        started = time.monotonic()
        for number in range(1000):
            assert r.worker.put(entry(number, 40)) is False
        assert time.monotonic() - started < 1000 * 0.05
        r.sink.gate.set()
        assert r.worker.flush(10)
        assert not r.worker.is_stalled()
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
        assert r.worker.is_stalled()
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
        assert not r.worker.is_stalled()


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


def test_what_is_evicted_goes_to_the_failover_too() -> None:
    """drop_oldest offers the entries it gives up, in order, and without the lock."""
    seen: list[str] = []

    def failover(e: LogEntry) -> bool:
        seen.append(e.message)
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(r.ledger.snapshot).result(10).accepted > 0
        return e.created_ns % 2 == 0

    with rig(max_queue_size=5, overflow="drop_oldest", failover=failover, max_batch_size=1) as r:
        r.shut()
        taken = [r.worker.put(entry(number)) for number in range(7)]
        assert taken == [True] * 7
        assert seen == [f"line {n}" for n in range(4)]
        reading = r.ledger.snapshot()
        assert (reading.failed, reading.failed_over) == ({"overflow": 2}, 2)
        assert (reading.dropped, balance(reading)) == ({"overflow": 2}, 0)


def test_a_listener_that_fails_costs_no_count() -> None:
    """on_drop that raises is noted as the latest error; the drop is counted all the same."""
    with rig(max_queue_size=1, overflow="drop_new") as r:

        def listen(e: LogEntry) -> None:
            raise ZeroDivisionError

        r.worker.on_drop = listen
        r.shut()
        assert not r.worker.put(entry(1))
        reading = r.ledger.snapshot()
        assert (reading.dropped, balance(reading)) == ({"overflow": 1}, 0)
        assert reading.last_error is not None and "ZeroDivisionError" in reading.last_error
