"""The law of the ledger under whatever schedule of emit, stall, fail, flush, fork and close."""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Unpack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from line_sink import balanced
from sizes import sized

from zotify_logging import BaseLogHandler, LogEntry
from zotify_logging.exceptions import TransientError
from zotify_logging.handlers import error_ring
from zotify_logging.handlers.base import HandlerOptions

DIRECT = ("info", "error", "burst", "ok", "fail", "nested", "flush", "close", "off", "on", "fork")
QUEUED = (*DIRECT, "away", "stuck")


class Moody(BaseLogHandler):
    """A sink in memory that takes, refuses, is away, hangs, or logs itself, as it is told."""

    def __init__(self, **options: Unpack[HandlerOptions]) -> None:
        self.mood = "ok"
        self.go_on = threading.Event()
        self.taken: list[LogEntry] = []
        super().__init__(**options)

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Do as the mood is."""
        if self.mood == "fail":
            raise OSError(28, "No space left on device")
        if self.mood == "away":
            raise TransientError("away")
        if self.mood == "stuck":
            assert self.go_on.wait(60)
        if self.mood == "nested":
            self.handle(record(logging.ERROR))
        self.taken.extend(entries)

    def change(self, mood: str) -> None:
        """Change the mood; what hangs goes on."""
        self.mood = mood
        self.go_on.set()
        self.go_on = threading.Event()


def record(level: int) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": "x", "levelno": level})


def child_is_sound(handler: Moody) -> bool:
    """In a forked child: counters from zero, and one more record is written."""
    handler.change("ok")
    handler.enabled = True
    reading = handler.statistics()
    if reading.accepted or reading.queued:
        return False
    handler.handle(record(logging.INFO))
    done = handler.flush(20)
    reading = handler.statistics()
    return done and (reading.accepted, reading.written, reading.queued) == (1, 1, 0)


def step(handler: Moody, action: str) -> None:
    if action in ("ok", "fail", "away", "stuck", "nested"):
        handler.change(action)
    elif action == "burst":
        for number in range(12):
            handler.handle(record(logging.WARNING if number % 3 else logging.DEBUG))
    elif action == "flush":
        handler.flush(0.01)
    elif action == "close":
        handler.close(0.02)
    elif action in ("off", "on"):
        handler.enabled = action == "on"
    elif action == "fork":
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                status = 0 if child_is_sound(handler) else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    else:
        handler.handle(record(logging.ERROR if action == "error" else logging.INFO))


@contextmanager
def silence() -> Iterator[None]:
    before, error_ring._next_line = error_ring._next_line, float("inf")
    raising, logging.raiseExceptions = logging.raiseExceptions, False
    try:
        yield
    finally:
        error_ring._next_line, logging.raiseExceptions = before, raising


def run(handler: Moody, actions: Sequence[str]) -> None:
    """Go through a schedule, reading after each step; end with a sink that works."""
    with silence():
        for action in actions:
            step(handler, action)
            reading = handler.statistics()
            assert balanced(reading), (action, reading)
            handler.health()
        handler.change("ok")
        handler.enabled = True
        handler.handle(record(logging.INFO))  # shows that the sink works again
        assert handler.flush(30)
        handler.close()
    reading = handler.statistics()
    assert balanced(reading) and reading.queued == 0, reading
    own = sum(entry.logger == "zotify_logging" for entry in handler.taken)
    assert own == reading.internal
    if "shutdown" in reading.dropped:  # a write that hung at close may have gone on afterwards
        assert len(handler.taken) - own >= reading.written
    else:
        assert len(handler.taken) - own == reading.written
        told = [entry.fields["gap_count"] for entry in handler.taken if "gap_count" in entry.fields]
        lost = sum(reading.dropped.values()) + sum(reading.failed.values())
        nested = reading.dropped.get("reentrant", 0)
        assert sum(count for count in told if isinstance(count, int)) == lost - nested


@settings(
    max_examples=sized(25, 150),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.lists(st.sampled_from(DIRECT), max_size=25))
def test_direct_delivery(actions: list[str]) -> None:
    """Each record is in exactly one place after each step, and every loss is told in the sink."""
    run(Moody(), actions)


@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
@settings(
    max_examples=sized(25, 150),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(
    st.lists(st.sampled_from(QUEUED), max_size=25),
    st.sampled_from(["drop_new", "drop_oldest"]),
    st.integers(1, 8),
)
def test_queued_delivery(actions: list[str], overflow: str, batch: int) -> None:
    """As above, with a queue that is soon full."""
    handler = Moody(
        delivery="queued",
        max_queue_size=8,
        max_batch_size=batch,
        overflow=overflow,
        flush_interval=0.0,
    )
    run(handler, actions)
