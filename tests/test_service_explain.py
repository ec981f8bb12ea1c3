"""The way of a record told as data: it must say what logging does, and change nothing."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zotify_logging import (
    BaseLogHandler,
    DatabaseJobLogHandler,
    JsonAuditHandler,
    LogEntry,
    LoggingService,
    OptionError,
)
from zotify_logging.service import Explanation


class Sink(BaseLogHandler):
    """Counts what it is given."""

    def __init__(self, name: str, level: int | str = 0) -> None:
        super().__init__(level=level)
        self.set_name(name)
        self.taken = 0

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Count the entries."""
        self.taken += len(entries)


def bare_root() -> None:
    """Take pytest's own handlers off the root logger."""
    logging.root.handlers = []


def steps(explanation: Explanation) -> list[tuple[str, str, bool | None]]:
    return [(step.kind, step.name, step.passes) for step in explanation.steps]


def test_the_way_up_the_tree() -> None:
    """Loggers first, then each handler on the way, with the rule and where it is set."""
    bare_root()
    logging.getLogger("way").setLevel(logging.INFO)
    logging.getLogger("way.below").addHandler(Sink("near"))
    logging.getLogger("way").addHandler(Sink("far", "ERROR"))
    told = LoggingService().explain("way.below", "INFO")
    assert steps(told) == [
        ("logger", "way.below", True),
        ("handler", "near", True),
        ("handler", "far", False),
    ]
    assert [step.why for step in told.steps] == [
        "effective level INFO, set on way",
        "on way.below: from NOTSET on",
        "on way: its level is ERROR",
    ]
    assert told.accepted_by == ("near",)
    assert json.loads(json.dumps(told.as_dict()))["accepted_by"] == ["near"]
    assert str(told).splitlines()[0] == "way.below@INFO"
    assert str(told).endswith("taken by near")


def test_no_logger_is_made() -> None:
    """A name nobody uses yet is explained from the next above it, and stays unused."""
    bare_root()
    logging.getLogger("unmade").addHandler(Sink("above"))
    logging.getLogger("unmade").setLevel(logging.DEBUG)
    told = LoggingService().explain("unmade.some.where", "DEBUG")
    assert told.accepted_by == ("above",)
    assert "does not exist yet, so this comes from unmade" in told.steps[0].why
    assert "unmade.some.where" not in logging.root.manager.loggerDict


def test_every_reason_shows_at_once() -> None:
    """Disabled, shut by logging.disable, above its level, filtered, cut off, switched off."""
    logger, sink = logging.getLogger("shut"), Sink("behind")
    logger.addHandler(sink)
    logger.setLevel(logging.ERROR)
    logger.disabled, logger.propagate = True, False
    logger.addFilter(logging.Filter("elsewhere"))
    sink.enabled = False
    logging.disable(logging.WARNING)
    told = LoggingService().explain("shut", "INFO")
    assert steps(told) == [
        ("logger", "shut", False),
        ("logger", "shut", False),
        ("logger", "shut", False),
        ("filter", "shut", False),
        ("handler", "behind", False),
        ("propagation", "shut", False),
    ]
    text = str(told)
    for reason in ("is disabled", "logging.disable(WARNING)", "level ERROR", "switched off"):
        assert reason in text
    assert told.accepted_by == () and text.endswith("taken by nobody")


def test_what_depends_on_the_record_is_said_and_not_tried() -> None:
    """A filter of the user's is not called: it may count, block or write."""
    bare_root()

    def never(record: logging.LogRecord) -> bool:
        raise AssertionError

    sink = Sink("picky")
    sink.addFilter(never)
    logger = logging.getLogger("depending")
    logger.setLevel(logging.INFO)
    logger.addHandler(sink)
    told = LoggingService().explain("depending", "INFO")
    assert told.accepted_by == () and told.depends == ("picky",)
    assert "never decides by the record" in str(told)


def test_dispatch_is_followed_and_what_it_skips_is_said() -> None:
    """A target that is attached on the path as well is skipped; another name of it too."""
    bare_root()
    attached, target = Sink("attached"), Sink("target")
    service = LoggingService()
    service.set_name("all")
    for name, sink in {"attached": attached, "target": target, "again": target}.items():
        service.register(name, sink)
    logger = logging.getLogger("dispatched")
    logger.setLevel(logging.INFO)
    logger.addHandler(service)
    logger.addHandler(attached)
    told = service.explain("dispatched", "INFO")
    assert steps(told)[1:] == [
        ("handler", "all", True),
        ("dispatch", "attached", False),
        ("dispatch", "target", True),
        ("dispatch", "again", False),
        ("handler", "attached", True),
    ]
    assert told.accepted_by == ("target", "attached")
    logger.info("once each")
    assert (attached.taken, target.taken) == (1, 1)
    assert service.statistics().skipped == {"attached": 1, "again": 1}


def test_a_handler_met_twice_is_said() -> None:
    """Attached to a logger and to its parent it writes twice, as stdlib has it."""
    bare_root()
    sink = Sink("double")
    for name in ("twice", "twice.below"):
        logging.getLogger(name).addHandler(sink)
    logging.getLogger("twice").setLevel(logging.INFO)
    told = LoggingService().explain("twice.below", "INFO")
    assert "met for the second time: it writes the record twice" in told.steps[-1].why
    assert told.accepted_by == ("double",)


def test_no_handler_at_all() -> None:
    """Then stderr has warnings, by stdlib's last resort, unless that was taken away."""
    logger = logging.getLogger("handlerless")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    service = LoggingService()
    assert service.explain("handlerless", "INFO").accepted_by == ()
    assert service.explain("handlerless", "WARNING").accepted_by == ("logging.lastResort",)
    logging.lastResort = None
    assert service.explain("handlerless", "ERROR").steps[-1].passes is False


def test_a_wrong_level_is_an_option_error() -> None:
    """With its near match."""
    with pytest.raises(OptionError, match="did you mean INFO"):
        LoggingService().explain("root", "Info")


@given(
    levels=st.lists(st.sampled_from([0, 10, 20, 30, 40]), min_size=3, max_size=3),
    places=st.lists(st.tuples(st.integers(0, 2), st.sampled_from([0, 20, 40])), max_size=4),
    propagate=st.lists(st.booleans(), min_size=3, max_size=3),
    disabled=st.booleans(),
    shut=st.sampled_from([0, 20]),
    level=st.sampled_from([10, 20, 30, 40]),
)
def test_it_says_what_logging_does(
    levels: list[int],
    places: list[tuple[int, int]],
    propagate: list[bool],
    disabled: bool,
    shut: int,
    level: int,
) -> None:
    """For any tree of levels, handlers and flags, those named are those that take the record."""
    bare_root()
    loggers = [logging.getLogger(name) for name in ("any", "any.tree", "any.tree.leaf")]
    sinks = []
    try:
        for logger, wanted, goes_up in zip(loggers, levels, propagate, strict=True):
            logger.setLevel(wanted)
            logger.propagate = goes_up
        loggers[2].disabled = disabled
        logging.disable(shut)
        for number, (place, least) in enumerate(places):
            sinks.append(Sink(f"any-{number}", least))
            loggers[place].addHandler(sinks[-1])
        told = LoggingService().explain("any.tree.leaf", level)
        loggers[2].log(level, "tried")
        assert set(told.accepted_by) - {"logging.lastResort"} == {
            sink.get_name() for sink in sinks if sink.taken
        }
    finally:
        logging.disable(logging.NOTSET)
        for logger in loggers:
            logger.handlers, logger.disabled = [], False


def test_handlers_that_take_some_records_only_say_which(tmp_path: Path) -> None:
    """Audit events, records of a job, and what a handler of the user's selects by itself."""

    class Picky(Sink):
        def selects(self, record: logging.LogRecord) -> bool:
            raise AssertionError

    bare_root()
    logger = logging.getLogger("selecting")
    logger.setLevel(logging.INFO)
    for handler in (
        JsonAuditHandler(tmp_path / "audit.jsonl"),
        DatabaseJobLogHandler(f"sqlite:///{tmp_path}/jobs.db"),
        Picky("picky"),
    ):
        logger.addHandler(handler)
    told = LoggingService().explain("selecting", "INFO")
    assert [step.why for step in told.steps[1:]] == [
        "on selecting: takes only audit events: records with event_type",
        "on selecting: takes only records of a job",
        "on selecting: selects records by itself",
    ]
    assert told.depends == ("JsonAuditHandler", "DatabaseJobLogHandler", "picky")
