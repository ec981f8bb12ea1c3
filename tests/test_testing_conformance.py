"""The kit: our handlers pass it, stdlib's do as well as they can, broken ones fail their case."""

from __future__ import annotations

import copy
import io
import itertools
import json
import logging
import os
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from logging.handlers import MemoryHandler
from pathlib import Path

import pytest
from pythonjsonlogger.json import JsonFormatter as PythonJsonFormatter

from zotify_logging import (
    DatabaseJobLogHandler,
    FileStreamHandler,
    JsonAuditHandler,
    JsonFormatter,
    LogEntry,
    bound,
)
from zotify_logging.formatters import LineFormatter
from zotify_logging.handlers import error_ring
from zotify_logging.jobs import JobLogReader
from zotify_logging.testing import CASES, CapturingHandler, Violation, check_handler


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what the handlers say about themselves out of the output."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    monkeypatch.setattr(error_ring, "_next_line", float("inf"))


@pytest.fixture
def paths(tmp_path: Path) -> Iterator[Path]:
    """One new file name after the other."""
    return (tmp_path / f"sink-{number}" for number in itertools.count())


def lines_of_file(handler: logging.Handler) -> Sequence[str]:
    return Path(str(vars(handler)["baseFilename"])).read_text("utf-8").splitlines()


def lines_of_memory(handler: logging.Handler) -> Sequence[str]:
    assert isinstance(handler, CapturingHandler)
    return handler.lines


def broken(violations: list[Violation]) -> set[str]:
    return {violation.case for violation in violations}


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_the_stream_handler_passes(paths: Iterator[Path], delivery: str) -> None:
    """In its JSON layout, every case; the text layout shows no fields, as it says."""

    def make(layout: str) -> Callable[[], logging.Handler]:
        return lambda: FileStreamHandler(next(paths), format=layout, delivery=delivery)

    assert check_handler(make("json"), lines_of_file) == []
    assert broken(check_handler(make("text"), lines_of_file)) == {"extra"}


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_the_audit_handler_passes(paths: Iterator[Path], delivery: str) -> None:
    """But for what an event has no place for: level and logger, and any other form."""
    violations = check_handler(
        lambda: JsonAuditHandler(next(paths), delivery=delivery),
        lines_of_file,
        extra={"event_type": "check.ran"},
        without=["built_in_fields", "formatter"],
    )
    assert violations == []


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_the_job_log_handler_passes(paths: Iterator[Path], delivery: str) -> None:
    """But for the formatter: what is stored are columns, not a text."""
    url = f"sqlite:///{next(paths)}"

    def make() -> logging.Handler:
        return DatabaseJobLogHandler(url, job_id="check", delivery=delivery, flush_interval=0)

    def rows(handler: logging.Handler) -> Sequence[str]:
        page = JobLogReader(url).page("check", limit=500)
        return [
            json.dumps([one.level, one.logger, one.message, one.extra, one.exc_text])
            for one in page.items
        ]

    assert check_handler(make, rows, without=["formatter"]) == []


def test_a_plain_file_handler_fails_where_it_is_unsafe(paths: Iterator[Path]) -> None:
    """With a JSON formatter it passes; with stdlib's it loses fields and breaks lines."""

    def make(formatter: logging.Formatter | None) -> Callable[[], logging.Handler]:
        def factory() -> logging.Handler:
            handler = logging.FileHandler(next(paths), encoding="utf-8")
            handler.setFormatter(formatter)
            return handler

        return factory

    text = logging.Formatter("%(levelname)s %(name)s %(message)s")
    theirs = PythonJsonFormatter("%(levelname)s %(name)s %(message)s")
    assert check_handler(make(JsonFormatter()), lines_of_file) == []
    assert check_handler(make(theirs), lines_of_file) == []
    assert broken(check_handler(make(text), lines_of_file)) == {"extra", "injection"}
    assert broken(check_handler(make(None), lines_of_file)) == {
        "built_in_fields",
        "extra",
        "injection",
    }


def test_a_plain_stream_handler_is_judged_by_what_it_writes() -> None:
    """No file, no name: what read_back returns is all the kit knows."""

    def factory() -> logging.Handler:
        handler = logging.StreamHandler(io.StringIO())
        handler.setFormatter(JsonFormatter())
        return handler

    assert (
        check_handler(factory, lambda handler: vars(handler)["stream"].getvalue().splitlines())
        == []
    )


def test_a_memory_handler_is_caught_repeating_itself(paths: Iterator[Path]) -> None:
    """What it holds at a fork is written by both processes; its formatter is its target's."""

    class Holding(MemoryHandler):
        def __init__(self) -> None:
            self.file = logging.FileHandler(next(paths), encoding="utf-8")
            self.file.setFormatter(JsonFormatter())
            self.baseFilename = self.file.baseFilename
            super().__init__(100, target=self.file)

        def close(self) -> None:
            super().close()
            self.file.close()

    assert broken(check_handler(Holding, lines_of_file)) == {"fork", "formatter"}


class Good(CapturingHandler):
    """Passes; each handler below breaks one thing."""

    def default_formatter(self) -> LineFormatter:
        return JsonFormatter()

    def write(self, entries: Sequence[LogEntry]) -> None:
        self.lines += [text for entry in entries for text in self.edit(self.format_entry(entry))]

    def edit(self, line: str) -> Sequence[str]:
        return [line]


class Members(Good):
    """Edits the members of its JSON lines."""

    def edit(self, line: str) -> Sequence[str]:
        if not line.startswith("{"):
            return [line]
        members = json.loads(line)
        self.change(members)
        return [json.dumps(members)]

    def change(self, members: dict[str, object]) -> None:
        raise NotImplementedError


class MergesNoArguments(Good):
    def handle(self, record: logging.LogRecord) -> bool:
        other = copy.copy(record)
        other.args = ()
        return super().handle(other)


class ShowsNoLevel(Members):
    def change(self, members: dict[str, object]) -> None:
        del members["level"]


class DropsExtra(Members):
    def change(self, members: dict[str, object]) -> None:
        for name in [name for name in members if name.startswith("check_")]:
            del members[name]


class LetsFieldsReplace(Members):
    def change(self, members: dict[str, object]) -> None:
        if "level_" in members:
            members["level"] = members.pop("level_")


class DropsTracebacks(Members):
    def change(self, members: dict[str, object]) -> None:
        members.pop("exception", None)


class ChangesRecords(Good):
    def handle(self, record: logging.LogRecord) -> bool:
        passed = super().handle(record)
        record.levelname = "CHANGED"
        return passed


class KeepsItsLevel(Good):
    def setLevel(self, level: int | str) -> None:
        pass


class TakesNoFilter(Good):
    def addFilter(self, filter: object) -> None:
        pass


class TakesNoFormatter(Good):
    def setFormatter(self, fmt: logging.Formatter | None) -> None:
        pass


class TellsTwice(Good):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            record.getMessage()
        except Exception:
            self.handleError(record)
            self.handleError(record)
            return
        super().emit(record)


class SwallowsErrors(Good):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            record.getMessage()
        except TypeError:
            return
        except Exception:
            pass
        super().emit(record)


class ClosesOnce(Good):
    closed = False

    def close(self, timeout: float | None = None) -> None:
        self.closed = not self.closed
        if not self.closed:
            raise ValueError("closed twice")
        super().close(timeout)


class RaisesAfterClose(Good):
    closed = False

    def close(self, timeout: float | None = None) -> None:
        self.closed = True
        super().close(timeout)

    def emit(self, record: logging.LogRecord) -> None:
        if self.closed:
            raise RuntimeError("closed")
        super().emit(record)


class KnowsOneProcess(Good):
    def __init__(self) -> None:
        super().__init__()
        self.pid = os.getpid()

    def emit(self, record: logging.LogRecord) -> None:
        if os.getpid() == self.pid:
            super().emit(record)


class HoldsALockAtAFork(Good):
    def __init__(self) -> None:
        super().__init__()
        self.own = threading.RLock()

    def handle(self, record: logging.LogRecord) -> bool:
        with self.own:
            return super().handle(record)


class HangsOnItself(Good):
    ended = threading.Event()

    def __init__(self) -> None:
        super().__init__()
        self.busy: set[int] = set()

    def handle(self, record: logging.LogRecord) -> bool:
        me = threading.get_ident()
        if me in self.busy:  # what a lock that is not re-entrant does, but for the end of the test
            self.ended.wait(60)
        self.busy.add(me)
        try:
            return super().handle(record)
        finally:
            self.busy.discard(me)


class RaisesIntoTheCaller(Good):
    def emit(self, record: logging.LogRecord) -> None:
        assert str(record.msg) is not None
        super().emit(record)


class LosesSurrogates(Good):
    def emit(self, record: logging.LogRecord) -> None:
        try:
            record.getMessage().encode()
        except UnicodeEncodeError:
            return
        except Exception:
            pass
        super().emit(record)


class ShowsControls(Good):
    def edit(self, line: str) -> Sequence[str]:
        return [line.replace("\\u0000", "\0").replace("\\u202e", "\u202e")]


class BreaksLines(Good):
    def edit(self, line: str) -> Sequence[str]:
        return line.replace("\\n", "\n").splitlines()


class HasOneName(Good):
    names: set[str] = set()

    def set_name(self, name: str | None) -> None:
        if name in self.names:
            raise ValueError("that name is taken")
        if name:
            self.names.add(name)
        super().set_name(name)

    name = property(Good.get_name, set_name)


BROKEN: dict[type[Good], str] = {
    MergesNoArguments: "message",
    ShowsNoLevel: "built_in_fields",
    DropsExtra: "extra",
    LetsFieldsReplace: "reserved_names",
    DropsTracebacks: "exc_info",
    ChangesRecords: "record_not_mutated",
    KeepsItsLevel: "level",
    TakesNoFilter: "filter",
    TakesNoFormatter: "formatter",
    TellsTwice: "handle_error_once",
    SwallowsErrors: "handle_error_once",
    ClosesOnce: "flush_and_close",
    RaisesAfterClose: "emit_after_close",
    KnowsOneProcess: "fork",
    HoldsALockAtAFork: "fork",
    HangsOnItself: "reentrancy",
    RaisesIntoTheCaller: "hostile_objects",
    LosesSurrogates: "hostile_objects",
    BreaksLines: "injection",
    ShowsControls: "injection",
    HasOneName: "dictconfig_twice",
}


def test_there_is_a_broken_handler_for_every_case() -> None:
    """And a good one that passes them all."""
    assert set(BROKEN.values()) == set(CASES)
    assert check_handler(Good, lines_of_memory) == []


@pytest.mark.parametrize("handler", BROKEN, ids=lambda handler: str(handler.__name__))
def test_a_broken_handler_fails_its_case_and_no_other(handler: type[Good]) -> None:
    """Also one that hangs: its case ends in time, and says so."""
    HangsOnItself.ended.clear()
    try:
        violations = check_handler(handler, lines_of_memory, timeout=2.0)
    finally:
        HangsOnItself.ended.set()
        for thread in threading.enumerate():
            if thread.name.startswith("check-"):
                thread.join(20)
    assert broken(violations) == {BROKEN[handler]}, violations
    if handler is HangsOnItself:
        assert violations[-1].found == "not done within 2 s: it hangs"
        assert str(violations[-1]).startswith("reentrancy: not done within 2 s: it hangs (rule: ")


def test_a_sink_may_be_shared_and_hold_other_things(tmp_path: Path) -> None:
    """Cases look at what came since, and find their own records in it."""
    path = tmp_path / "shared"
    path.write_text("something\nelse\n")
    for _ in range(2):
        assert check_handler(lambda: FileStreamHandler(path, format="json"), lines_of_file) == []


def test_a_sink_may_be_out_of_sight_of_a_child() -> None:
    """A server in the test's own process: what the child sends is seen there alone."""
    got: list[str] = []
    receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    receiver.bind(("127.0.0.1", 0))
    receiver.setblocking(False)

    class Sending(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            try:
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
                    sender.sendto(self.format(record).encode(), receiver.getsockname())
            except Exception:
                self.handleError(record)

    def factory() -> logging.Handler:
        handler = Sending()
        handler.setFormatter(JsonFormatter())
        return handler

    parent = os.getpid()

    def read_back(handler: logging.Handler) -> Sequence[str]:
        while os.getpid() == parent:
            try:
                got.append(receiver.recv(1 << 20).decode())
            except BlockingIOError:
                break
        return got

    with receiver:
        assert check_handler(factory, read_back) == []


def test_cases_see_the_context_of_the_caller() -> None:
    """A handler that needs a bound field has it."""

    class Needing(Good):
        def write(self, entries: Sequence[LogEntry]) -> None:
            assert all(entry.context == {"tenant": "t1"} for entry in entries)
            super().write(entries)

    with bound(tenant="t1"):
        assert check_handler(Needing, lines_of_memory) == []
    assert "message" in broken(check_handler(Needing, lines_of_memory))


def test_the_programs_own_logging_is_left_alone(tmp_path: Path) -> None:
    """dictConfig would close every handler there is."""
    mine = FileStreamHandler(tmp_path / "mine")
    mine.set_name("mine")
    before = list(logging.Logger.manager.loggerDict)
    assert check_handler(Good, lines_of_memory) == []
    assert logging._handlers["mine"] is mine  # type: ignore[attr-defined]  # what is tested
    assert list(logging.Logger.manager.loggerDict) == before
    mine.handle(logging.makeLogRecord({"msg": "still open"}))
    assert mine.statistics().written == 1


def test_every_case_is_on_the_page_that_explains_the_kit() -> None:
    """By its name and in the words of its rule."""
    page = Path(__file__).parents[1] / "docs/recipes/write_your_own_handler.md"
    text = page.read_text("utf-8").split("| Case | Rule |\n| --- | --- |\n")[1]
    rows = [row.strip("| ").split(" | ") for row in text.split("\n\n")[0].splitlines()]
    said = {case.strip("`"): rule.replace("`", "") for case, rule in rows}
    assert said == dict(CASES) and list(said) == list(CASES)


def test_a_case_that_does_not_exist_cannot_be_left_out() -> None:
    """With the name that was probably meant."""
    with pytest.raises(ValueError, match="'forks' is no case; did you mean fork"):
        check_handler(Good, lines_of_memory, without=["forks"])


def test_a_factory_that_fails_is_told_case_by_case() -> None:
    """What it raises is in the violation."""

    def factory() -> logging.Handler:
        raise OSError("no sink")

    violations = check_handler(factory, lines_of_memory)
    assert broken(violations) == set(CASES)
    assert {violation.found for violation in violations} == {"raised OSError: no sink"}
