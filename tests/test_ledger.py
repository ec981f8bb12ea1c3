"""The ledger: every record is in exactly one place."""

from __future__ import annotations

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sizes import sized

from zotify_logging.ledger import HandlerStatistics, Ledger


def balance(reading: HandlerStatistics) -> int:
    dropped = sum(reading.dropped.values())
    failed = sum(reading.failed.values())
    return reading.accepted - reading.written - reading.queued - dropped - failed


def test_a_new_ledger_is_empty() -> None:
    """A reading of a new ledger has zeros and no reasons."""
    reading = Ledger().snapshot()
    assert (reading.accepted, reading.written, reading.bytes) == (0, 0, 0)
    assert dict(reading.dropped) == {} and dict(reading.failed) == {}
    assert reading.last_error is None


@given(
    st.lists(st.sampled_from(["write", "drop", "fail", "reenter", "ignore", "queue"]), max_size=60)
)
def test_the_law_holds_after_any_sequence(steps: list[str]) -> None:
    """accepted = written + queued + dropped + failed after any mix of outcomes."""
    ledger = Ledger()
    for step in steps:
        if step == "reenter":
            ledger.reenter()
        elif step == "ignore":
            ledger.ignore()
        else:
            ledger.accept()
            if step == "write":
                ledger.write(1, 10)
            elif step == "drop":
                ledger.drop("overflow")
            elif step == "fail":
                ledger.fail("poison")
            else:
                with ledger.lock:
                    ledger.queued += 1
    reading = ledger.snapshot()
    assert balance(reading) == 0
    assert reading.accepted == len(steps) - steps.count("ignore")
    assert reading.dropped.get("reentrant", 0) == steps.count("reenter")
    assert reading.bytes == 10 * steps.count("write")


def test_reentrant_records_are_counted_from_many_threads_without_the_lock() -> None:
    """No re-entrant count is lost, even while another thread holds the lock."""
    ledger = Ledger()

    def nest() -> None:
        for _ in range(2_000):
            ledger.reenter()

    with ledger.lock:
        threads = [threading.Thread(target=nest) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert ledger.snapshot().dropped == {"reentrant": 8_000}


def test_the_last_error_is_kept_as_text() -> None:
    """An error is remembered by type and text, and a hostile __str__ does no harm."""

    class Hostile(Exception):
        def __str__(self) -> str:
            raise ValueError("no text for you")

    ledger = Ledger()
    ledger.fail("poison", error=OSError(28, "No space left on device"))
    assert ledger.snapshot().last_error == "OSError: [Errno 28] No space left on device"
    ledger.fail("poison", error=Hostile())
    assert ledger.snapshot().last_error == "Hostile"


def test_reset_starts_from_zero_with_a_free_lock() -> None:
    """After reset, a lock that a dead thread held is no longer in the way."""
    ledger = Ledger()
    holder = threading.Thread(target=ledger.lock.acquire)
    holder.start()
    holder.join(10)
    ledger.accepted = 5
    ledger.reset()
    assert ledger.lock.acquire(timeout=1)
    ledger.lock.release()
    assert ledger.snapshot().accepted == 0


def test_a_lock_passed_in_is_used_and_kept_over_reset() -> None:
    """The handler's lock guards the ledger, until the handler passes another one."""
    lock = threading.RLock()
    ledger = Ledger(lock)
    assert ledger.lock is lock
    ledger.reset()
    assert ledger.lock is lock
    renewed = threading.RLock()
    ledger.reset(renewed)
    assert ledger.lock is renewed


def test_a_reading_that_a_signal_handler_falls_into_is_taken_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What logs, or closes, in the middle of a reading does not tear it."""
    ledger = Ledger()
    ledger.accept(3)
    ledger.queued = 3
    read = Ledger._reentered

    def interrupted(self: Ledger) -> int:
        if self.queued:
            self.queued -= 3
            self.drop("shutdown", 3)
        return read(self)

    monkeypatch.setattr(Ledger, "_reentered", interrupted)
    reading = ledger.snapshot()
    assert (reading.queued, reading.dropped, balance(reading)) == (0, {"shutdown": 3}, 0)


def test_readings_hold_while_many_threads_count() -> None:
    """One lock makes one consistent reading, however many add to it at the time."""
    ledger = Ledger()
    stop = threading.Event()

    def count() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            with ledger.lock:
                ledger.accepted += 1
                ledger.queued += 1
            with ledger.lock:
                ledger.queued -= 1
                if number % 3:
                    ledger.written += 1
                else:
                    ledger.drop(f"reason {number % 5}")
            ledger.reenter()

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(sized(50, 5_000)):
            assert balance(ledger.snapshot()) == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join(60)
    assert balance(ledger.snapshot()) == ledger.snapshot().queued == 0
