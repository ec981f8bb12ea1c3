"""The ledger of a whole handler, under schedules that nobody would think of."""

from __future__ import annotations

import logging
import os
import queue
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Unpack

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sizes import sized
from waiting import wait_until
from worker_rig import balance

from zotify_logging import BaseLogHandler, LogEntry
from zotify_logging.exceptions import TransientError
from zotify_logging.handlers.handler_options import HandlerOptions
from zotify_logging.worker import Worker

FAILURES: dict[str, Callable[[Sequence[LogEntry]], BaseException | None]] = {
    "healthy": lambda entries: None,
    "away": lambda entries: TransientError("away"),
    "full": lambda entries: OSError(28, "no space"),
    "poison": lambda entries: (
        ValueError("poison") if any(number_of(one) % 3 == 0 for one in entries) else None
    ),
}


def number_of(entry: LogEntry) -> int:
    return int(entry.message.split("-")[1]) if entry.logger == "app" else 1


class Moody(BaseLogHandler):
    """A handler with a sink in memory that gets stuck, refuses, and logs by itself."""

    def __init__(self, **options: Unpack[HandlerOptions]) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.mood = "healthy"
        self.talks = False
        self.nested = 0
        self.notices = 0
        self.stored: list[str] = []
        self.late: list[str] = []
        self.reported = 0
        super().__init__(**options)

    def _new_worker(self) -> Worker:
        worker = super()._new_worker()  # quicker to lose patience, or each example takes seconds
        worker._route._block_timeout = 0.002
        worker._writer._first_backoff = worker._writer._max_backoff = 0.001
        return worker

    def write(self, entries: Sequence[LogEntry]) -> None:
        writer = self._worker._writer if self._worker is not None else None
        if self.talks:
            self.nested += 1
            log.handlers[0].handle(log.makeRecord("app", 40, "app.py", 1, "within", (), None))
        # The test's own thread writes what close() has left to tell, and must not wait for itself.
        assert threading.current_thread() is threading.main_thread() or self.gate.wait(60)
        error = FAILURES[self.mood](entries)
        if error is not None:
            raise error
        given_up = writer is not None and writer.abandoned
        place = self.late if given_up else self.stored
        place.extend(one.message for one in entries if one.logger == "app")
        self.notices += sum(one.logger != "app" for one in entries)  # its own, of gaps

    def handleError(self, record: logging.LogRecord) -> None:
        self.reported += 1


log = logging.Logger("app")


class Caller(threading.Thread):
    """One of the application's threads: logs what it is told to, in that order."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self.orders: queue.SimpleQueue[int | None] = queue.SimpleQueue()
        self.given = self.made = 0

    def order(self, level: int, count: int) -> None:
        for _ in range(count):
            self.given += 1
            self.orders.put(level)

    def run(self) -> None:
        while (level := self.orders.get()) is not None:
            log.log(level, f"{self.name}-{self.made}")
            self.made += 1


class Schedules(RuleBasedStateMachine):
    """Drives a handler, its callers, and one thread that never stops reading."""

    delivery = "direct"

    @initialize(
        overflow=st.sampled_from(["block", "drop_new", "drop_oldest"]),
        size=st.integers(1, 12),
        batch=st.integers(1, 6),
        fails_over=st.booleans(),
    )
    def start(self, overflow: str, size: int, batch: int, fails_over: bool) -> None:
        self.other = Moody()
        self.other.set_name("other")
        self.handler = Moody(
            delivery=self.delivery,
            overflow=overflow,
            max_queue_size=size,
            max_batch_size=batch,
            flush_interval=0.0005,
            failover="other" if fails_over else None,
        )
        self.handler.addFilter(lambda record: record.levelno > 10)
        log.handlers[:] = [self.handler]
        self.callers = [Caller(name) for name in "abc"]
        self.violations: list[object] = []
        self.done = threading.Event()
        self.reader = threading.Thread(target=self.read, daemon=True)
        for thread in (*self.callers, self.reader):
            thread.start()

    def read(self) -> None:
        """Read and read; note each reading that breaks the law, or takes something back."""
        accepted = written = 0
        while not self.done.wait(0.0001):
            one = self.handler.statistics()
            lost = [*one.dropped.values(), *one.failed.values()]
            if balance(one) or min([one.queued, *lost]) < 0:
                self.violations.append(one)
            if one.accepted < accepted or one.written < written:
                self.violations.append((accepted, written, one))
            accepted, written = one.accepted, one.written

    @property
    def stuck(self) -> bool:
        return not self.handler.gate.is_set()

    def settle_callers(self) -> None:
        """Wait until the callers have done what they were told, if they can."""
        if not (self.stuck and self.delivery == "direct"):
            wait_until(lambda: all(one.made == one.given for one in self.callers))

    @rule(level=st.sampled_from([10, 20, 30, 40]), count=st.integers(1, 15), all_=st.booleans())
    def emit(self, level: int, count: int, all_: bool) -> None:
        for caller in self.callers if all_ else self.callers[:1]:
            caller.order(level, count)
        self.settle_callers()

    @rule()
    def stall(self) -> None:
        self.handler.gate.clear()

    @rule()
    def resume(self) -> None:
        self.handler.gate.set()
        self.settle_callers()

    @rule(mood=st.sampled_from(sorted(FAILURES)), talks=st.booleans())
    def turn(self, mood: str, talks: bool) -> None:
        self.handler.mood, self.handler.talks = mood, talks

    @rule(on=st.booleans())
    def switch(self, on: bool) -> None:
        self.handler.enabled = on

    @rule(seconds=st.sampled_from([0.0, 0.002]))
    def flush(self, seconds: float) -> None:
        if self.handler.flush(seconds) and self.delivery == "queued":
            assert self.handler.statistics().queued == 0

    @rule(seconds=st.sampled_from([0.0, 0.01]))
    def close(self, seconds: float) -> None:
        self.handler.close(seconds)

    @rule()
    def fork(self) -> None:
        child = os.fork()
        if child == 0:  # pragma: no cover - another process
            code = 1
            try:
                code = 0 if self.stands_alone() else 2
            finally:
                os._exit(code)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

    def stands_alone(self) -> bool:  # pragma: no cover - another process
        handler = self.handler
        before = handler.statistics()
        handler.gate = threading.Event()
        handler.gate.set()
        handler.stored, handler.mood, handler.talks, handler.enabled = [], "healthy", False, True
        for number in range(3):
            log.warning(f"child-{number}")
        reading = handler.statistics() if handler.flush(10) else before
        os.write(2, f"child: {before} {reading} {handler.stored}\n".encode())
        return (
            before.accepted == before.queued == balance(before) == balance(reading) == 0
            and reading.accepted == 3
            and reading.written == len(handler.stored) >= 1
            and handler.stored == sorted(set(handler.stored))
        )

    @invariant()
    def holds(self) -> None:
        """No reading of the other thread has broken the law."""
        assert not getattr(self, "violations", [])

    def teardown(self) -> None:
        if not hasattr(self, "handler"):
            return
        handler = self.handler
        handler.mood, handler.talks = "healthy", False
        handler.gate.set()
        try:
            for caller in self.callers:
                caller.orders.put(None)
            for caller in self.callers:
                caller.join(60)
            assert handler.flush(60)
            self.account()
        finally:
            self.done.set()
            self.reader.join(60)
            handler.close()
            self.other.close()
            log.handlers.clear()
        assert not self.violations

    def account(self) -> None:
        """Find every record in the one place where it is."""
        handler = self.handler
        reading = handler.statistics()
        given = sum(caller.given for caller in self.callers)
        assert reading.queued == balance(reading) == 0
        assert reading.accepted + reading.ignored == given + handler.nested
        assert reading.dropped.get("reentrant", 0) <= handler.nested
        assert reading.internal <= handler.notices
        # What was in a stuck write when close() gave up counts as lost; the sink may have it yet.
        shutdown = reading.dropped.get("shutdown", 0)
        assert 0 <= len(handler.stored) - reading.written <= shutdown
        assert len(handler.late) <= shutdown
        everywhere = Counter([*handler.stored, *handler.late])
        assert not everywhere or max(everywhere.values()) == 1
        elsewhere = self.other.stored
        assert len(elsewhere) == reading.failed_over == self.other.statistics().accepted
        assert not everywhere.keys() & set(elsewhere)
        for caller in self.callers:
            mine = [int(one[2:]) for one in handler.stored if one.startswith(f"{caller.name}-")]
            assert mine == sorted(mine)
        no_room = sum(reading.failed.get(reason, 0) for reason in ("overflow", "reserve"))
        assert handler.reported == sum(reading.failed.values()) - no_room


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_every_record_is_in_exactly_one_place(delivery: str) -> None:
    """Under any schedule of emit, stall, fail, flush, switch, fork, close and opening again.

    accepted = written + queued + dropped + failed in every reading of another thread; in the end
    what is written is in the sink, each once and in order, and what was handed over is over there.
    """

    class Machine(Schedules):
        """The schedules of one delivery."""

    Machine.delivery = delivery
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=sized(20, 40), stateful_step_count=sized(20, 40), deadline=None
        ),
    )
