"""What the parts of one log call cost, one more handler, and a queue in between.

Prints S1 (guard, redaction and safe output on clean text, each beside E1), S2 (two and three
handlers on one logger, and behind one dispatching service), and S3 (queued against direct: what the
caller pays, and what it takes until all is written), with their peers in the same run.
``harness.py`` says how the figures are made.
"""

from __future__ import annotations

import logging
import logging.handlers
import queue
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import (
    Figures,
    Goal,
    Peer,
    Plan,
    Target,
    machine_line,
    measure,
    print_goals,
    print_table,
    read_plan,
    take_turn,
)
from peers import KEEP, formatted, stdlib_target

from zotify_logging import BaseLogHandler, FileStreamHandler, LogEntry, LoggingService
from zotify_logging.redaction import Redactor
from zotify_logging.sanitizing import escape_line

OURS = "FileStreamHandler"
E1 = "E1 one logger.info, text"
GUARD = "re-entrancy guard and state"
REDACTION = "redaction, clean line"
FOUND = "redaction, line with a secret"
SAFE = "safe output, clean line"
ESCAPED = "safe output, line with an escape sequence"


class Hollow(BaseLogHandler):
    """Our base handler with nothing to write."""

    def write_record(self, record: logging.LogRecord) -> None:
        """Take the record and do nothing."""

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Take the entries and do nothing."""


class Unguarded(Hollow):
    """The same with the lock and the counters, but neither guard nor error report."""

    def emit(self, record: logging.LogRecord) -> None:
        """Count the record as written."""
        ledger = self.ledger
        with ledger.lock:
            ledger.accepted += 1
            self.write_record(record)
            ledger.written += 1


def per_call(work: Callable[[str], object], texts: Sequence[str]) -> float:
    """Return the seconds that ``work`` takes for one text, the loop not included."""
    began = time.perf_counter()
    for text in texts:
        work(text)
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    for _text in texts:
        pass
    return (seconds - (time.perf_counter() - began)) / len(texts)


def emit_seconds(handler: logging.Handler, records: int) -> float:
    """Return the seconds that one ``handler.handle`` takes."""
    record = logging.LogRecord("bench", logging.INFO, __file__, 1, "a message", (), None)
    handle = handler.handle
    began = time.perf_counter()
    for _ in range(records):
        handle(record)
    return (time.perf_counter() - began) / records


def show_parts(plan: Plan) -> None:
    """S1: parts of the call, each by itself and as a share of E1."""
    bodies = [
        f"INFO bench.emit user {n} downloaded track {n} in 0.125 seconds"
        for n in range(plan.records)
    ]
    secret = [f"{body} for token=abc{n}" for n, body in enumerate(bodies)]
    hostile = [f"{body} \x1b[31mred" for body in bodies]
    redact = Redactor().text
    parts: dict[str, Callable[[], float]] = {
        E1: lambda: take_turn(Peer(OURS, start_files(plan, 1)), plan, plan.records),
        GUARD: lambda: emit_seconds(Hollow(), plan.records)
        - emit_seconds(Unguarded(), plan.records),
        REDACTION: lambda: per_call(redact, bodies),
        FOUND: lambda: per_call(redact, secret),
        SAFE: lambda: per_call(str.isprintable, bodies),
        ESCAPED: lambda: per_call(escape_line, hostile),
    }
    figures = {name: Figures(name) for name in parts}
    for number in range(plan.rounds):
        for name in parts if number % 2 == 0 else reversed(parts):
            figures[name].samples.append(parts[name]())
    print_table("S1 parts of one call", figures)
    print_goals("S1", [Goal(name, E1) for name in parts if name != E1], figures)


def start_files(plan: Plan, count: int) -> Callable[[Path], Target]:
    """Return a start of so many of our handlers on one logger."""

    def start(directory: Path) -> Target:
        return several([ours(directory / f"{n}.log", plan.max_bytes) for n in range(count)])

    return start


def start_stdlib_files(count: int) -> Callable[[Path], Target]:
    """Return a start of so many of stdlib's handlers on one logger."""

    def start(directory: Path) -> Target:
        files = [directory / f"{n}.log" for n in range(count)]
        return several([formatted(logging.FileHandler(one, encoding="utf-8")) for one in files])

    return start


def start_service(plan: Plan, count: int) -> Callable[[Path], Target]:
    """Return a start of so many of our handlers behind one dispatching service."""

    def start(directory: Path) -> Target:
        service = LoggingService()
        for number in range(count):
            service.register(f"{number}", ours(directory / f"{number}.log", plan.max_bytes))
        target = stdlib_target(service)

        def close() -> None:
            target.close()
            service.shutdown()

        return Target(log=target.log, close=close)

    return start


def ours(path: Path, max_bytes: int) -> FileStreamHandler:
    """Return our handler with its defaults, rotating as in E1."""
    return FileStreamHandler(path, max_bytes=max_bytes, keep=KEEP)


def several(handlers: Sequence[logging.Handler]) -> Target:
    """Attach all handlers to the one logger of the benchmark."""
    targets = [stdlib_target(handler) for handler in handlers]

    def close() -> None:
        for target in targets:
            target.close()

    return Target(log=targets[0].log, close=close)


def show_handlers(plan: Plan) -> None:
    """S2: one, two and three handlers."""
    kinds: dict[str, Callable[[int], Callable[[Path], Target]]] = {
        OURS: lambda count: start_files(plan, count),
        "FileHandler": start_stdlib_files,
        "LoggingService": lambda count: start_service(plan, count),
    }
    names = {count: f"{count} handler" + "s" * (count > 1) for count in (1, 2, 3)}
    peers = [
        Peer(f"{kind}: {names[count]}", start(count), copies=count)
        for kind, start in kinds.items()
        for count in names
    ]
    figures = measure(peers, plan)
    more: dict[str, Figures] = {}
    for kind in kinds:
        name = f"{kind}: one more"
        one, three = (figures[f"{kind}: {names[count]}"].samples for count in (1, 3))
        more[name] = Figures(name, samples=[(b - a) / 2 for a, b in zip(one, three, strict=True)])
    figures |= more
    print_table("S2 one, two and three handlers", figures)
    floor = "FileHandler: one more"
    print_goals("S2", [Goal(name, floor) for name in more if name != floor], figures)


def start_queued(plan: Plan, delivery: str) -> Callable[[Path], Target]:
    """Return a start of our handler; its queue has room for the whole turn."""

    def start(directory: Path) -> Target:
        return stdlib_target(
            FileStreamHandler(
                directory / "app.log",
                max_bytes=plan.max_bytes,
                keep=KEEP,
                delivery=delivery,
                max_queue_size=plan.records * 2 + 1_000,
                max_queue_bytes="1 GB",
                close_timeout=300,
            )
        )

    return start


def start_listener(directory: Path) -> Target:
    """Stdlib's QueueHandler and QueueListener before a FileHandler, as its cookbook has it."""
    records: queue.Queue[object] = queue.Queue(-1)
    file = formatted(logging.FileHandler(directory / "app.log", encoding="utf-8"))
    listener = logging.handlers.QueueListener(records, file)
    listener.start()
    target = stdlib_target(logging.handlers.QueueHandler(records))

    def close() -> None:
        target.close()
        listener.stop()
        file.close()

    return Target(log=target.log, close=close)


def show_queue(plan: Plan) -> None:
    """S3: a queue and a writer thread against the caller's own write."""
    direct, queued = f"{OURS}, direct", f"{OURS}, queued"
    listener, file = "QueueHandler and QueueListener", "FileHandler"
    peers = [
        Peer(direct, start_queued(plan, "direct")),
        Peer(queued, start_queued(plan, "queued")),
        Peer(listener, start_listener),
        Peer(file, start_stdlib_files(1)),
    ]
    goals = [Goal(queued, direct), Goal(queued, listener), Goal(listener, file)]
    for title, whole in (("in the caller", False), ("until all is written", True)):
        figures = measure(peers, plan, whole=whole)
        print_table(f"S3 queued against direct, {title}", figures)
        print_goals("S3", goals, figures)


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all that this script measures."""
    plan = read_plan("What the parts of one log call cost, and a queue in between.", arguments)
    print(machine_line(("zotify-logging",)))
    print(f"{plan.rounds} rounds of {plan.records} records each, files below {plan.directory}")
    if plan.rounds < 5:
        print("fewer than 5 rounds: this proves that the script runs, and nothing about speed")
    show_parts(plan)
    show_handlers(plan)
    show_queue(plan)


if __name__ == "__main__":
    main()
