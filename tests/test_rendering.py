"""The user's own formatters: structlog's, python-json-logger's and stdlib's pass undamaged."""

from __future__ import annotations

import copy
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from typing import NoReturn

import pytest
import structlog
from pythonjsonlogger.json import JsonFormatter as PythonJsonFormatter

from zotify_logging import BaseLogHandler, LogEntry
from zotify_logging.handlers.rendering import render_with
from zotify_logging.redaction import Redactor

REDACTOR = Redactor()


class Lines(BaseLogHandler):
    """Keeps the final text of everything in a list."""

    def write(self, entries: Sequence[LogEntry]) -> None:
        self.__dict__.setdefault("lines", []).extend(map(self.format_entry, entries))

    def read(self) -> list[str]:
        assert self.flush(10)
        return list(self.__dict__.get("lines", []))


@pytest.fixture(params=["direct", "queued"])
def handler(request: pytest.FixtureRequest) -> Iterator[Lines]:
    lines = Lines(delivery=request.param, flush_interval=0)
    logger = logging.getLogger("rendered")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(lines)
    yield lines
    lines.close()
    structlog.reset_defaults()


def json_events() -> structlog.stdlib.ProcessorFormatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )


def test_structlog_events_reach_their_formatter_undamaged(handler: Lines) -> None:
    """Event dictionary, bound fields and exception, behind both deliveries; secrets are gone."""
    handler.setFormatter(json_events())
    structlog.configure(
        processors=[
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    log = structlog.get_logger("rendered")
    log.info("download", track=7, tags=("a", "b"), password="S3cr3t")
    try:
        raise ValueError("boom token=S3cr3t")
    except ValueError:
        log.exception("failed")
        log.error("triple", exc_info=sys.exc_info())
    first, second, third = map(json.loads, handler.read())
    assert first == {
        "event": "download",
        "level": "info",
        "track": 7,
        "tags": ["a", "b"],
        "password": "[REDACTED]",
    }
    for event in (second, third):
        assert "ValueError: boom token=[REDACTED]" in event["exception"]


def test_foreign_records_pass_structlogs_formatter(handler: Lines) -> None:
    """Plain logging calls through ProcessorFormatter."""
    handler.setFormatter(json_events())
    logging.getLogger("rendered").warning("plain %s", "text")
    assert json.loads(handler.read()[0])["event"] == "plain text"


def test_python_json_logger_passes_undamaged(handler: Lines) -> None:
    """Message, extra, mapping messages and exceptions."""
    handler.setFormatter(PythonJsonFormatter("%(levelname)s %(message)s"))
    logger = logging.getLogger("rendered")
    logger.info("a %d", 1, extra={"user": "ann", "api_key": "S3cr3t", "t": (1, 2)})
    logger.info({"message": "m", "n": {"token": "S3cr3t"}})
    try:
        raise ValueError("boom")
    except ValueError:
        logger.exception("failed")
    first, second, third = map(json.loads, handler.read())
    expected = {"levelname": "INFO", "message": "a 1", "user": "ann", "t": [1, 2]}
    assert first == {**expected, "api_key": "[REDACTED]"}
    assert second == {"levelname": "INFO", "message": "m", "n": {"token": "[REDACTED]"}}
    assert "ValueError: boom" in third["exc_info"]


def test_without_a_formatter_events_are_read_too(handler: Lines) -> None:
    """The own layout shows a structlog event's message."""
    logging.getLogger("rendered").info({"event": "done", "n": 1})
    assert handler.read()[0].endswith("INFO rendered done")


def test_stdlib_formats_are_one_redacted_line(handler: Lines) -> None:
    """Whatever the formatter returns is escaped; a failing one costs the record its looks only."""
    handler.setFormatter(logging.Formatter("%(message)s|%(missing)s"))
    logging.getLogger("rendered").info("token=S3cr3t\nx")
    handler.setFormatter(logging.Formatter("%(message)s"))
    logging.getLogger("rendered").info("token=S3cr3t\nx")
    first, second = handler.read()
    assert first.endswith("INFO rendered token=[REDACTED]\\nx")
    assert second == "token=[REDACTED]\\nx"
    assert handler.statistics().written == 2


@pytest.mark.parametrize("multiline", [True, False])
def test_the_record_is_never_changed(multiline: bool) -> None:
    """stdlib's formatter leaves its marks on our copy."""
    try:
        raise ValueError("boom")
    except ValueError:
        record = logging.LogRecord("a", 20, "f", 1, "%s\n", ("x",), sys.exc_info())
    record.__dict__["fields"] = {"password": ["S3cr3t"]}
    before = copy.copy(record.__dict__)
    text = render_with(logging.Formatter("%(fields)s %(message)s"), record, REDACTOR, multiline)
    assert record.__dict__ == before and "S3cr3t" not in text
    assert before["fields"] == {"password": ["S3cr3t"]}
    lines = text.splitlines()
    assert len(lines) > 1 if multiline else len(lines) == 1
    assert all(line.startswith("  ") for line in lines[1:])


def test_formatters_see_the_callers_own_objects() -> None:
    """No lazy object is turned to text behind the formatter's back."""
    seen: list[object] = []

    class Spy(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            seen.append(record.__dict__["thing"])
            assert record.args == ()
            return super().format(record)

    class Lazy:
        def __str__(self) -> str:
            raise AssertionError("asked for its text")

    record = logging.LogRecord("a", 20, "f", 1, "%s", ("x",), None)
    thing = record.__dict__["thing"] = Lazy()
    assert render_with(Spy(), record, REDACTOR, False) == "x"
    assert seen == [thing]


@pytest.mark.parametrize("own", [False, True])
def test_named_arguments_are_redacted_by_name(handler: Lines, own: bool) -> None:
    """At any depth, before any formatter sees them; the caller's mapping stays as it is."""
    if own:
        handler.setFormatter(logging.Formatter("%(message)s"))
    arguments = {"user": "ann", "password": "Tr0ub4dor", "n": 3, "deep": {"token": "Abc1"}}
    before = copy.deepcopy(arguments)
    logger = logging.Logger("named", logging.DEBUG)  # outside the tree, and of pytest's reach
    logger.addHandler(handler)
    logger.info("%(user)s %(password)s %(n)d %(deep)s", arguments)
    logger.info("all: %s", arguments)
    logger.info("%(password)d", arguments)
    lines = handler.read()
    assert lines[0].endswith("ann [REDACTED] 3 {'token': '[REDACTED]'}")
    assert "'password': '[REDACTED]', 'n': 3" in lines[1]
    assert "do not fit" in lines[2]
    assert not any("Tr0ub4dor" in line or "Abc1" in line for line in lines)
    assert arguments == before


def test_arguments_of_other_mappings_are_redacted_too(handler: Lines) -> None:
    """A mapping may know names that it does not list, and may fail as it likes."""

    class Known(dict[str, str]):
        def __missing__(self, name: str) -> str:
            return f"the {name}"

    class Broken(dict[str, str]):
        def items(self) -> NoReturn:
            raise RuntimeError("token=Abc1")

    logger = logging.Logger("named", logging.DEBUG)  # outside the tree, and of pytest's reach
    logger.addHandler(handler)
    logger.info("%(colour)s %(secret)s %(listed)s", Known(listed="yes"))
    logger.info("%(token)s", Broken(token="Abc1", x="y"))
    logger.handle(
        logging.makeLogRecord({"msg": "no arguments at all", "args": None, "levelno": 20})
    )
    first, second, third = handler.read()
    assert first.endswith("the colour [REDACTED] yes")
    assert "Abc1" not in second
    assert third.endswith("no arguments at all")
