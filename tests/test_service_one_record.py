"""A dispatched record is taken once, and each handler has its own."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import structlog

from zotify_logging import BaseLogHandler, LogEntry, LoggingService


class Sink(BaseLogHandler):
    """Keeps entries."""

    def __init__(self, level: int = 0) -> None:
        super().__init__(level=level)
        self.entries: list[LogEntry] = []

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Keep the entries."""
        self.entries += entries


class Costly:
    """Counts how often it is turned into text."""

    def __init__(self) -> None:
        self.asked = 0

    def __str__(self) -> str:
        self.asked += 1
        return f"asked {self.asked}"


def serving(*sinks: Sink) -> LoggingService:
    service = LoggingService()
    for number, sink in enumerate(sinks):
        service.register(f"one-record-{number}", sink)
    return service


def record(msg: object, *args: object, **extra: object) -> logging.LogRecord:
    made = logging.LogRecord("one", logging.INFO, "", 1, msg, args, None)
    made.__dict__.update(extra)
    return made


def test_the_message_is_made_once() -> None:
    """However many handlers take it; and not at all if none does."""
    value = Costly()
    sinks = [Sink(), Sink(), Sink(logging.ERROR)]
    serving(*sinks).dispatch(record("it was %s", value))
    assert [[one.message for one in sink.entries] for sink in sinks] == [
        ["it was asked 1"],
        ["it was asked 1"],
        [],
    ]
    serving(Sink(logging.ERROR)).dispatch(record("%s", value))
    assert value.asked == 1


def test_what_one_handlers_filter_changes_no_other_sees() -> None:
    """Message, fields, and what lies inside them; nor does the caller's record change."""

    def spoil(spoiled: logging.LogRecord) -> bool:
        spoiled.msg, spoiled.levelname = "spoiled", "NOISE"
        spoiled.__dict__["user"]["names"].append("mallory")
        spoiled.__dict__["more"] = 1
        return True

    first, second = Sink(), Sink()
    first.addFilter(spoil)
    original = record("kept %d", 1, user={"names": ["ann"]})
    before = dict(original.__dict__)
    serving(first, second).dispatch(original)
    (entry,) = second.entries
    assert (entry.message, entry.level) == ("kept 1", "INFO")
    assert entry.fields == {"user": {"names": ["ann"]}}
    assert first.entries[0].message == "spoiled"
    assert original.__dict__ == before and before["user"] == {"names": ["ann"]}


def test_arguments_that_do_not_fit_are_kept() -> None:
    """A wrong ``%d`` costs the record its looks, not its life."""
    sink = Sink()
    serving(sink).dispatch(record("%d", "x"))
    assert "arguments ('x',) do not fit" in sink.entries[0].message


def test_a_structured_event_arrives_as_one() -> None:
    """Its members are fields, of each handler by itself."""
    first, second = Sink(), Sink()

    def spoil(spoiled: logging.LogRecord) -> bool:
        assert isinstance(spoiled.msg, dict)
        spoiled.msg["amount"] = 0
        return True

    first.addFilter(spoil)
    serving(first, second).dispatch(record({"event": "paid", "amount": 5}))
    assert (second.entries[0].message, second.entries[0].fields) == ("paid", {"amount": 5})


def test_structlog_passes_a_dispatching_service() -> None:
    """What its wrapper puts on the record is there on every copy."""
    sink = Sink()
    service = serving(sink)
    formatter = structlog.stdlib.ProcessorFormatter(processor=structlog.processors.JSONRenderer())
    sink.setFormatter(formatter)
    made = record({"event": "paid", "amount": 5}, _name="one", _logger=None)
    service.dispatch(made)
    assert sink.format_entry(sink.entries[0]) == '{"event": "paid", "amount": 5}'
    assert made.msg == {"event": "paid", "amount": 5}


def test_an_exception_keeps_its_traceback() -> None:
    """Each handler formats it by its own formatter."""
    sink = Sink()
    made = record("failed")
    try:
        raise ValueError("of course")
    except ValueError as error:
        made.exc_info = (type(error), error, error.__traceback__)
    serving(sink).dispatch(made)
    assert "ValueError: of course" in (sink.entries[0].exception or "")
    assert made.exc_text is None
