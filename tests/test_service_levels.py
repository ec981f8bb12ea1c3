"""Levels set live: for good or for a while, with the way of a record beside the reply."""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
from collections.abc import Sequence

import pytest
from waiting import wait_until

from zotify_logging import (
    BaseLogHandler,
    LogEntry,
    LoggingService,
    OptionError,
    UnknownNameError,
)


class Sink(BaseLogHandler):
    """Keeps nothing."""

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Take the entries."""


class SteppedClock:
    """Time goes on when a test says so; the wall clock on its own."""

    def __init__(self) -> None:
        self.wall_ns, self.seconds = 1_795_348_800_000_000_000, 100.0

    def time_ns(self) -> int:
        return self.wall_ns

    def monotonic(self) -> float:
        return self.seconds


def serving(**handlers: Sink) -> tuple[LoggingService, SteppedClock]:
    clock = SteppedClock()

    class Stepped(LoggingService):
        pass

    Stepped.clock = clock
    service = Stepped()
    for name, handler in handlers.items():
        service.register(name, handler)
    return service, clock


def due(service: LoggingService) -> None:
    service._levels.end_due()


def test_a_level_holds_until_it_is_set_again() -> None:
    """The reply has both levels by name, and the handler refuses what is below."""
    sink = Sink(level="WARNING")
    service, _ = serving(levelled=sink)
    change = service.set_level("levelled", "DEBUG")
    assert (change.target, change.previous, change.level) == ("levelled", "WARNING", "DEBUG")
    assert change.until is None and sink.level == logging.DEBUG
    assert service.set_level("levelled", 15).level == "15"
    assert service.set_level("levelled", "INFO").previous == "15"


def test_debug_for_ten_minutes() -> None:
    """The level returns by itself, and the reply says when, in UTC."""
    sink = Sink(level="WARNING")
    service, clock = serving(levelled=sink)
    change = service.set_level("levelled", "DEBUG", ttl="10 min")
    assert change.until == "2026-11-22T12:10:00.000000Z"
    clock.seconds += 599
    due(service)
    assert sink.level == logging.DEBUG
    clock.seconds += 1
    due(service)
    assert sink.level == logging.WARNING
    service.shutdown()


def test_a_step_of_the_wall_clock_does_no_harm() -> None:
    """A day forward ends nothing, a day back prolongs nothing."""
    sink = Sink(level="WARNING")
    service, clock = serving(levelled=sink)
    service.set_level("levelled", "DEBUG", ttl=600)
    clock.wall_ns += 86_400 * 10**9
    due(service)
    assert sink.level == logging.DEBUG
    clock.wall_ns -= 2 * 86_400 * 10**9
    clock.seconds += 600
    due(service)
    assert sink.level == logging.WARNING
    service.shutdown()


def test_it_comes_back_even_if_nobody_logs() -> None:
    """A thread of the service's own sees to it, and ends when nothing is left to do."""
    service = LoggingService()
    sink, logger = Sink(level="WARNING"), logging.getLogger("levelled.by.itself")
    service.register("levelled", sink)
    service.set_level("levelled", "DEBUG", ttl=0.02)
    service.set_logger_level("levelled.by.itself", "DEBUG", ttl="20 ms")
    assert logger.isEnabledFor(logging.DEBUG)
    wait_until(lambda: sink.level == logging.WARNING and logger.level == logging.NOTSET)
    wait_until(lambda: not any(one.name == "zotify-levels" for one in threading.enumerate()))
    service.set_level("levelled", "DEBUG", ttl=0.02)  # and starts again
    wait_until(lambda: sink.level == logging.WARNING)


def test_a_second_one_replaces_the_first() -> None:
    """What is returned to is the permanent level, not an earlier temporary one."""
    sink = Sink(level="WARNING")
    service, clock = serving(levelled=sink)
    service.set_level("levelled", "DEBUG", ttl=10)
    clock.seconds += 5
    assert service.set_level("levelled", "INFO", ttl=10).previous == "DEBUG"
    clock.seconds += 6
    due(service)
    assert sink.level == logging.INFO
    clock.seconds += 4
    due(service)
    assert sink.level == logging.WARNING
    service.set_level("levelled", "DEBUG", ttl=10)
    service.set_level("levelled", "ERROR")  # for good: nothing returns any more
    clock.seconds += 20
    due(service)
    assert sink.level == logging.ERROR
    service.shutdown()


def test_what_somebody_else_has_set_meanwhile_stays() -> None:
    """The service takes back its own change and nobody else's."""
    service, clock = serving()
    logger = logging.getLogger("levelled.elsewhere")
    service.set_logger_level("levelled.elsewhere", "DEBUG", ttl=10)
    logger.setLevel(logging.ERROR)
    clock.seconds += 10
    due(service)
    assert logger.level == logging.ERROR
    service.shutdown()


def test_shutdown_ends_temporary_levels() -> None:
    """Nobody would end them later."""
    sink = Sink(level="WARNING")
    service, _ = serving(levelled=sink)
    service.set_level("levelled", "DEBUG", ttl=10)
    service.shutdown()
    assert sink.level == logging.WARNING


def test_a_handler_that_leaves_the_service_has_its_own_level_again() -> None:
    """It stays open and attached: a temporary level must not become a permanent one."""
    sink = Sink(level="WARNING")
    service, _ = serving(levelled=sink)
    service.set_level("levelled", "ERROR", ttl=600)
    service.unregister("levelled")
    assert sink.level == logging.WARNING
    service.shutdown()


def test_a_handler_that_is_gone_costs_nothing() -> None:
    """The end of its temporary level is let go, and the next one still comes."""
    service, clock = serving(levelled=Sink(), other=Sink(level="ERROR"))
    service.set_level("levelled", "ERROR", ttl=10)
    service.set_level("other", "INFO", ttl=10)
    service.unregister("levelled")
    clock.seconds += 10
    due(service)
    assert service.get("other").level == logging.ERROR
    service.shutdown()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_forked_child_ends_its_own() -> None:
    """The child has no thread of the parent's, and its level returns all the same."""
    service = LoggingService()
    sink = Sink(level="WARNING")
    service.register("levelled", sink)
    service.set_level("levelled", "DEBUG", ttl=0.5)
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            wait_until(lambda: sink.level == logging.WARNING)
            status = 0
        finally:
            sys.stdout.flush()
            os._exit(status)
    assert os.waitpid(pid, 0)[1] == 0
    wait_until(lambda: sink.level == logging.WARNING)


def test_unknown_names_have_near_matches_and_make_no_logger() -> None:
    """Of handlers and of loggers."""
    service, _ = serving(levelled=Sink())
    logging.getLogger("levelled.shop.cart")
    with pytest.raises(UnknownNameError, match="did you mean levelled"):
        service.set_level("leveled", "INFO")
    for call in (service.enable, service.disable):
        with pytest.raises(UnknownNameError, match="did you mean levelled"):
            call("leveled")
    with pytest.raises(UnknownNameError, match="did you mean levelled.shop.cart"):
        service.set_logger_level("levelled.shop.card", "INFO")
    assert "levelled.shop.card" not in logging.root.manager.loggerDict
    assert service.set_logger_level("levelled.shop", "INFO").level == "INFO"  # has descendants
    assert service.set_logger_level("", logging.root.level).target == "root"


@pytest.mark.parametrize("ttl", [0, -1, "soon", True, float("nan")])
def test_a_wrong_level_and_a_wrong_ttl_are_told_together(ttl: object) -> None:
    """And nothing is changed."""
    sink = Sink(level="WARNING")
    service, _ = serving(levelled=sink)
    with pytest.raises(OptionError) as caught:
        service.set_level("levelled", "info", ttl=ttl)  # type: ignore[arg-type]  # the point
    assert len(caught.value.problems) == 2 and "did you mean INFO" in str(caught.value)
    assert sink.level == logging.WARNING


def test_a_handler_opened_under_a_closed_logger_says_so() -> None:
    """The reply explains the way of a record from the logger that the handler is attached to."""
    sink = Sink(level="WARNING")
    service, _ = serving(levelled=sink)
    logger = logging.getLogger("levelled.closed")
    logger.setLevel(logging.INFO)
    logger.addHandler(sink)
    change = service.set_level("levelled", "DEBUG")
    assert change.explain.accepted_by == ()
    assert [step.why for step in change.explain.refusals] == [
        "effective level INFO, set on levelled.closed"
    ]
    assert service.set_logger_level("levelled.closed", "DEBUG").explain.accepted_by[0] == "Sink"
    json.dumps(change.as_dict())
    assert str(change).startswith("levelled: WARNING -> DEBUG\nlevelled.closed@DEBUG\n")


def test_a_disabled_handler_counts_and_writes_nothing() -> None:
    """Enabled again it goes on."""
    sink = Sink()
    service, _ = serving(levelled=sink)
    record = logging.makeLogRecord({"msg": "x", "levelno": 20, "levelname": "INFO"})
    service.disable("levelled")
    service.dispatch(record)
    assert (sink.statistics().ignored, sink.statistics().accepted) == (1, 0)
    service.enable("levelled")
    service.dispatch(record)
    assert sink.statistics().written == 1
