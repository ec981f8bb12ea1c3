"""structlog by one call: events arrive as fields, and like those of the spelled-out recipe."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import structlog
from structlog.processors import CallsiteParameter, CallsiteParameterAdder, StackInfoRenderer
from structlog.stdlib import (
    BoundLogger,
    LoggerFactory,
    PositionalArgumentsFormatter,
    ProcessorFormatter,
    filter_by_level,
)
from structlog.typing import EventDict, WrappedLogger

from zotify_logging import ConfigurationError, FileStreamHandler, bound, wrap
from zotify_logging.integrations.structlog import configure_structlog

CALLSITE = ("func_name", "lineno", "module")


def by_one_call() -> None:
    configure_structlog(callsite=CALLSITE, cache_logger_on_first_use=False)


def spelled_out() -> None:
    ours = ["zotify_logging"]
    structlog.configure(
        processors=[
            filter_by_level,
            PositionalArgumentsFormatter(),
            CallsiteParameterAdder(
                [CallsiteParameter(name) for name in CALLSITE], additional_ignores=ours
            ),
            StackInfoRenderer(ours),
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=LoggerFactory(),
        wrapper_class=BoundLogger,
        cache_logger_on_first_use=False,
    )


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


class Log:
    """A logger of structlog's before our handler on a real file."""

    def __init__(self, path: Path, name: str, delivery: str = "direct") -> None:
        self.path = path
        self.handler = FileStreamHandler(path, format="json", delivery=delivery)
        self.stdlib = logging.getLogger(name)
        self.stdlib.setLevel("INFO")
        self.stdlib.propagate = False
        self.stdlib.addHandler(self.handler)
        self.structlog: BoundLogger = structlog.get_logger(name)

    def lines(self) -> list[dict[str, object]]:
        assert self.handler.flush(20)
        return [json.loads(line) for line in self.path.read_text("utf-8").splitlines()]


def exercise(log: BoundLogger) -> None:
    """Log one event of each sort, each on a line of its own."""
    log.debug("below the level")
    log.info("plain")
    log.bind(user_id="u1").info("fields", track={"id": 7}, tags=("a", "b"), password="S3cr3t")
    log.warning("%d of %d", 1, 2, name="mine", level="mine", message="mine", event_type="x")
    log.info("%(a)s", {"a": 5})
    try:
        raise ValueError("boom")
    except ValueError as error:
        log.exception("failed")
        log.error("again", exc_info=error)
    log.info("with stack", stack_info=True)
    with bound(request_id="r1"), structlog.contextvars.bound_contextvars(zone="eu"):
        log.info("in context")


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_one_call_equals_the_recipe(tmp_path: Path, delivery: str) -> None:
    """Event by event, member by member, whichever way structlog was configured."""
    written = []
    for configure in (by_one_call, spelled_out):
        configure()
        log = Log(tmp_path / configure.__name__, f"equal.{delivery}.{configure.__name__}", delivery)
        exercise(log.structlog)
        lines = log.lines()
        for line in lines:
            del line["timestamp"], line["logger"]
            line.pop("stack", None)  # holds the line of the call in this test
        written.append(lines)
    assert written[0] == written[1]
    plain, fields, numbers, mapping, failed, again, stack, context = written[0]
    assert plain["message"] == "plain" and plain["func_name"] == "exercise"
    assert fields["track"] == {"id": 7} and fields["tags"] == ["a", "b"]
    assert (fields["user_id"], fields["password"]) == ("u1", "[REDACTED]")
    assert (numbers["message"], numbers["message_"], numbers["level_"]) == (
        "1 of 2",
        "mine",
        "mine",
    )
    assert (numbers["level"], numbers["name"], mapping["message"]) == ("WARNING", "mine", "5")
    for line in (failed, again):
        assert str(line["exception"]).endswith("ValueError: boom") and "exc_info" not in line
    assert "stack_info" not in stack
    assert (context["request_id"], context["zone"]) == ("r1", "eu")


def test_a_stack_ends_where_the_application_called(tmp_path: Path) -> None:
    """No frame of structlog's or ours is the last."""
    by_one_call()
    log = Log(tmp_path / "log", "stacked")
    log.structlog.info("with stack", stack_info=True)
    (line,) = log.lines()
    assert (
        str(line["stack"])
        .splitlines()[-2]
        .endswith("test_a_stack_ends_where_the_application_called")
    )


def test_no_frame_of_ours_is_where_the_application_called(tmp_path: Path) -> None:
    """A call through wrap() has one: neither name, line nor stack is that."""
    by_one_call()
    log = Log(tmp_path / "log", __name__)
    wrap(structlog.get_logger().info)("through us", stack_info=True)
    (line,) = log.lines()
    assert line["logger"] == __name__
    assert line["func_name"] == "test_no_frame_of_ours_is_where_the_application_called"
    assert str(line["stack"]).splitlines()[-2].endswith(str(line["func_name"]))


def test_below_the_level_no_processor_runs(tmp_path: Path) -> None:
    """What is not logged costs nothing; whether loggers are kept is as it was asked for."""
    ran: list[object] = []

    def count(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        ran.append(event["event"])
        return event

    configure_structlog(count, cache_logger_on_first_use=False)
    assert structlog.get_config()["cache_logger_on_first_use"] is False
    log = Log(tmp_path / "log", "counted")
    log.structlog.debug("below")
    log.structlog.info("above")
    assert ran == ["above"]
    configure_structlog()
    assert structlog.get_config()["cache_logger_on_first_use"] is True


def test_records_of_loggers_that_were_there_before_know_their_line(tmp_path: Path) -> None:
    """A logger that a configuration has named is no reason to blame structlog's line."""
    log = Log(tmp_path / "log", "named.before")
    by_one_call()
    records: list[logging.LogRecord] = []

    def keep(record: logging.LogRecord) -> bool:
        records.append(record)
        return True

    log.handler.addFilter(keep)
    log.structlog.info("from structlog")
    log.stdlib.info("from the standard library")
    asyncio.run(log.structlog.ainfo("from a task"))
    assert [record.pathname for record in records[:2]] == [__file__] * 2
    assert {record.funcName for record in records[:2]} == {
        "test_records_of_loggers_that_were_there_before_know_their_line"
    }
    assert [line["message"] for line in log.lines()][-1] == "from a task"


def test_a_processor_formatter_finds_no_frame_of_ours(tmp_path: Path) -> None:
    """Behind either delivery, with structlog's own parameters."""
    configure_structlog(cache_logger_on_first_use=False)
    adder = CallsiteParameterAdder(
        [CallsiteParameter.FUNC_NAME], additional_ignores=["zotify_logging"]
    )
    formatter = ProcessorFormatter(
        foreign_pre_chain=[adder],
        processors=[
            adder,
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(),
        ],
    )
    for delivery in ("direct", "queued"):
        log = Log(tmp_path / delivery, f"formatted.{delivery}", delivery)
        log.handler.setFormatter(formatter)
        log.structlog.info("from structlog")
        log.stdlib.info("from the standard library")
        assert [line["func_name"] for line in log.lines()] == [
            "test_a_processor_formatter_finds_no_frame_of_ours"
        ] * 2


def test_arguments_that_do_not_fit_raise_nothing(tmp_path: Path) -> None:
    """They are shown beside the event, as for a record of the standard library."""
    by_one_call()
    log = Log(tmp_path / "log", "unfit")
    log.structlog.info("%d tracks", "many", n=1)
    (line,) = log.lines()
    assert str(line["message"]).startswith("%d tracks [arguments (many) do not fit: ")
    assert line["n"] == 1 and "positional_args" not in line


def test_processors_of_ones_own_run_last(tmp_path: Path) -> None:
    """They see the event with its arguments merged, and may change or drop it."""

    def shout(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        if event["event"] == "2 dropped":
            raise structlog.DropEvent
        return {**event, "event": str(event["event"]).upper()}

    configure_structlog(shout, cache_logger_on_first_use=False)
    log = Log(tmp_path / "log", "processed")
    log.structlog.info("%d kept", 1)
    log.structlog.info("%d dropped", 2)
    assert [line["message"] for line in log.lines()] == ["1 KEPT"]


@pytest.mark.parametrize("way", ["log", "alog", "info", "ainfo"])
def test_tasks_carry_their_context(tmp_path: Path, way: str) -> None:
    """structlog's asynchronous methods log in another thread, with the fields of the task."""
    by_one_call()
    log = Log(tmp_path / "log", f"tasks.{way}")

    async def main() -> None:
        with bound(request_id="r1"):
            method: Callable[..., object] = getattr(log.structlog, way)
            result = method(logging.INFO, "done") if "log" in way else method("done")
            if asyncio.iscoroutine(result):
                await result

    asyncio.run(main())
    (line,) = log.lines()
    assert (line["message"], line["request_id"], line["func_name"]) == ("done", "r1", "main")


def test_unknown_callsite_parameters_are_told_at_once() -> None:
    """With the name that was probably meant."""
    with pytest.raises(ConfigurationError) as caught:
        configure_structlog(callsite=["line_no", "nothing"])
    assert caught.value.problems == (
        "callsite: 'line_no' is no callsite parameter of structlog; did you mean lineno?",
        "callsite: 'nothing' is no callsite parameter of structlog",
    )
