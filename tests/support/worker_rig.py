"""A worker on a sink that can be stuck, and refuse."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from zotify_logging.ledger import HandlerStatistics, Ledger
from zotify_logging.records import LogEntry
from zotify_logging.worker import Worker

__all__ = ["Rig", "Sink", "balance", "entry", "rig"]


def entry(number: int, level_no: int = 20, message: str | None = None) -> LogEntry:
    """Return an entry that says ``line <number>``."""
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
        """Wait for the gate, then refuse or keep the entries."""
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
    """Have a worker for the length of the block; its sink takes everything at the end."""
    made = Rig(**options)
    try:
        yield made
    finally:
        made.sink.refuse = lambda entries: None
        made.sink.gate.set()
        made.worker.close(10)


def balance(reading: HandlerStatistics) -> int:
    """Return by how much the law of the ledger is broken."""
    lost = sum(reading.dropped.values()) + sum(reading.failed.values())
    return reading.accepted - reading.written - reading.queued - lost
