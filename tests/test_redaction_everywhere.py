"""No sink, fallback, failover or error report shows a secret, however it came onto the record."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog
from pythonjsonlogger.json import JsonFormatter as PythonJsonFormatter

from zotify_logging import (
    BaseLogHandler,
    DatabaseJobLogHandler,
    FileStreamHandler,
    JsonAuditHandler,
    JsonFormatter,
    bound,
    register_secret,
)
from zotify_logging.handlers import error_ring
from zotify_logging.redaction.secrets import registered
from zotify_logging.testing import CapturingHandler, FullDisk

REGISTERED = 'r3g"istered/v\u00e4lue'
FORMS = (REGISTERED, json.dumps(REGISTERED)[1:-1], quote(REGISTERED, safe=""), "S3cr3t")


@pytest.fixture(autouse=True)
def registered_secret(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """One registered value, and room for a line on stderr."""
    monkeypatch.setattr(registered, "pattern", None)
    monkeypatch.setattr(registered, "_forms", set())
    monkeypatch.setattr(error_ring, "_next_line", 0.0)
    register_secret(REGISTERED)
    yield
    structlog.reset_defaults()


def events() -> logging.Formatter:
    return structlog.stdlib.ProcessorFormatter(
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ]
    )


FORMATTERS: dict[str, Callable[[], logging.Formatter | None]] = {
    "own": lambda: None,
    "json": JsonFormatter,
    "options": lambda: JsonFormatter("%(message)s", rename_fields={"password": "pw"}),
    "stdlib": lambda: logging.Formatter("%(name)s %(message)s %(url)s"),
    "pythonjsonlogger": PythonJsonFormatter,
    "structlog": events,
}
HANDLERS: dict[str, Callable[[Path, str], BaseLogHandler]] = {
    "file": lambda folder, delivery: FileStreamHandler(folder / "log", delivery=delivery),
    "file_json": lambda folder, delivery: FileStreamHandler(
        folder / "log", format="json", delivery=delivery
    ),
    "audit": lambda folder, delivery: JsonAuditHandler(folder / "audit", delivery=delivery),
    "jobs": lambda folder, delivery: DatabaseJobLogHandler(
        f"sqlite:///{folder}/jobs.db", job_id="j", delivery=delivery
    ),
}


def exercise(logger: logging.Logger) -> None:
    """Log secrets in every place and form."""
    fields: dict[str, object] = {
        "event_type": "check.ran",
        "password": "S3cr3t",
        "url": "https://ann:S3cr3t@host/",
        "nested": [{"X-Api-Key": "S3cr3t", REGISTERED: (REGISTERED,)}],
        "error": ValueError(f"token=S3cr3t {REGISTERED}"),
        "raw": REGISTERED.encode(),
    }
    for form in FORMS[:3]:
        logger.info("%s and token=%s", form, "S3cr3t", extra=fields)
    with bound(authorization="Bearer S3cr3t", note=REGISTERED):
        try:
            try:
                raise KeyError(REGISTERED)
            except KeyError as error:
                raise ValueError(f"password=S3cr3t {REGISTERED}") from error
        except ValueError:
            logger.exception({"event": f"failed {REGISTERED}", **fields}, stack_info=True)
    logger.info("%d", REGISTERED, extra=fields)


def leaks(text: str) -> list[str]:
    """Return the forms that are in it."""
    return [form for form in FORMS if form in text]


def everything_in(folder: Path) -> str:
    """Return the text of all files, whatever they are."""
    return "".join(
        path.read_bytes().decode("utf-8", "replace") for path in folder.iterdir() if path.is_file()
    )


@pytest.mark.parametrize("delivery", ["direct", "queued"])
@pytest.mark.parametrize(
    ("name", "layout"),
    # A trail and a job log have one form each.
    [(name, layout) for name in ("file", "file_json") for layout in FORMATTERS]
    + [("audit", "own"), ("jobs", "own")],
)
def test_no_sink_has_a_secret(
    tmp_path: Path, name: str, layout: str, delivery: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """Message, arguments, fields, context, exceptions and stacks, in every layout and delivery."""
    handler = HANDLERS[name](tmp_path, delivery)
    formatter = FORMATTERS[layout]()
    if formatter is not None:
        handler.setFormatter(formatter)
    logger = logging.Logger(f"logger.{REGISTERED}")
    logger.addHandler(handler)
    exercise(logger)
    assert handler.flush(20)
    handler.close()
    text = everything_in(tmp_path)
    assert text.count("[REDACTED]") >= 5 and leaks(text) == []
    assert handler.statistics().written >= 5
    assert leaks(capfd.readouterr().err) == []


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_neither_failover_nor_error_report_has_a_secret(
    tmp_path: Path, delivery: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """What a sink says while it fails goes to the ring and to stderr; the record goes on."""

    def refuse() -> None:
        raise ValueError(f"password=S3cr3t refused for {REGISTERED}")

    taker = FileStreamHandler(tmp_path / "taken", format="json")
    taker.set_name("taker")
    giver = CapturingHandler(during=refuse, failover="taker", delivery=delivery)
    logger = logging.Logger("giving")
    logger.addHandler(giver)
    error_ring._ring.clear()
    exercise(logger)
    assert giver.flush(20)
    giver.close()
    assert taker.statistics().written == 5
    told = " ".join(problem.text for problem in error_ring.recent_problems())
    said = capfd.readouterr().err
    assert "refused for [REDACTED]" in told and "refused for [REDACTED]" in said
    assert leaks(everything_in(tmp_path) + told + said + str(giver.statistics())) == []


def test_the_fallback_of_a_trail_has_no_secret(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Neither the file beside it, nor stderr when that cannot be written either."""
    handler = JsonAuditHandler(tmp_path / "audit")
    logger = logging.Logger("audited")
    logger.addHandler(handler)
    with FullDisk(tmp_path):
        exercise(logger)
    with FullDisk(tmp_path / "audit"):
        exercise(logger)
    handler.close()
    said = capfd.readouterr().err
    text = everything_in(tmp_path)
    assert "check.ran" in text and leaks(text + said) == []
