"""structlog events and python-json-logger's mappings pass through all three handlers undamaged."""

from __future__ import annotations

import json
import logging
import logging.config
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from pythonjsonlogger.json import JsonFormatter as PythonJsonFormatter
from structlog.stdlib import BoundLogger, LoggerFactory, ProcessorFormatter

from zotify_logging import DatabaseJobLogHandler, FileStreamHandler, JsonAuditHandler
from zotify_logging.jobs import JobLogReader

FIELDS: dict[str, object] = {"track": {"id": 7, "tags": ["a", "b"]}, "ratio": 0.5, "ok": True}


class Sinks:
    """The three handlers on one logger, and what each of them has stored."""

    def __init__(self, folder: Path, formatter: logging.Formatter) -> None:
        self.folder = folder
        self.url = f"sqlite:///{folder}/jobs.db"
        self.logger = logging.getLogger("structured")
        self.logger.setLevel("INFO")
        self.logger.propagate = False
        self.handlers: tuple[logging.Handler, ...] = (
            FileStreamHandler(folder / "own.log", format="json"),
            FileStreamHandler(folder / "theirs.log", formatter=formatter),
            FileStreamHandler(folder / "queued.log", formatter=formatter, delivery="queued"),
            JsonAuditHandler(folder / "audit.jsonl"),
            DatabaseJobLogHandler(self.url),
        )
        for handler in self.handlers:
            self.logger.addHandler(handler)

    def lines(self, name: str) -> list[dict[str, object]]:
        """Return the objects in a file, after everything was flushed."""
        for handler in self.handlers:
            handler.flush()
        return [json.loads(line) for line in (self.folder / name).read_text().splitlines()]

    def job(self, job_id: str) -> list[tuple[str, dict[str, object]]]:
        """Return message and extra of each line of a job."""
        for handler in self.handlers:
            handler.flush()
        items = JobLogReader(self.url).page(job_id, limit=100).items
        return [(item.message, dict(item.extra or {})) for item in items]


@pytest.fixture
def structlog_configured() -> Iterator[None]:
    """structlog on the stdlib tree by its own documented processors."""
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=LoggerFactory(),
        wrapper_class=BoundLogger,
    )
    yield
    structlog.contextvars.clear_contextvars()
    structlog.reset_defaults()


@pytest.mark.usefixtures("structlog_configured")
def test_structlog_events_reach_all_three(tmp_path: Path) -> None:
    """Message, nested fields, bound context and exceptions arrive as they were given."""
    renderer = ProcessorFormatter(
        processors=[
            ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )
    sinks = Sinks(tmp_path, renderer)
    log = structlog.get_logger("structured")
    structlog.contextvars.bind_contextvars(request_id="r-1")
    log.info("played", event_type="track.update", user_id="u1", job_id="j1", **FIELDS)
    try:
        raise ValueError("no such track")
    except ValueError:
        log.exception("failed", job_id="j1", password="hunter22")

    for name in ("theirs.log", "queued.log"):
        played, failed = sinks.lines(name)
        assert played["event"] == "played" and played["request_id"] == "r-1"
        assert {key: played[key] for key in FIELDS} == FIELDS
        assert "ValueError: no such track" in str(failed["exception"])
        assert failed["password"] == "[REDACTED]"
    played, failed = sinks.lines("own.log")
    assert played["message"] == "played" and {key: played[key] for key in FIELDS} == FIELDS
    assert "ValueError: no such track" in str(failed["exception"])
    event = sinks.lines("audit.jsonl")[-1]
    assert (event["event_type"], event["user_id"], event["message"]) == (
        "track.update",
        "u1",
        "played",
    )
    assert event["request_id"] == "r-1"
    details = event["details"]
    assert isinstance(details, dict) and {key: details[key] for key in FIELDS} == FIELDS
    first, second = sinks.job("j1")
    assert first[0] == "played" and {key: first[1][key] for key in FIELDS} == FIELDS
    assert second[0] == "failed" and second[1]["password"] == "[REDACTED]"


def test_python_json_logger_mappings_reach_all_three(tmp_path: Path) -> None:
    """A mapping as the message, and extra fields, look as if its formatter were used alone."""
    formatter = PythonJsonFormatter("%(levelname)s %(name)s %(message)s")
    alone = PythonJsonFormatter("%(levelname)s %(name)s %(message)s")
    sinks = Sinks(tmp_path, formatter)
    expected: list[object] = []

    class Alone(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            expected.append(json.loads(alone.format(record)))

    sinks.logger.addHandler(Alone())
    extra = {"event_type": "track.update", "user_id": "u1", "job_id": "j1"}
    sinks.logger.info({"message": "played", **FIELDS}, extra=extra)
    sinks.logger.info("plain %d", 7, extra={**extra, **FIELDS})

    assert sinks.lines("theirs.log") == expected
    assert sinks.lines("queued.log") == expected
    for line in sinks.lines("own.log"):
        assert {key: line[key] for key in FIELDS} == FIELDS
    for event in sinks.lines("audit.jsonl")[1:]:
        details = event["details"]
        assert isinstance(details, dict) and {key: details[key] for key in FIELDS} == FIELDS
    assert [message for message, _ in sinks.job("j1")] == ["played", "plain 7"]
    assert all({key: more[key] for key in FIELDS} == FIELDS for _, more in sinks.job("j1"))
