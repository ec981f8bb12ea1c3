"""LoggingService: by name, to all, once each, within one deadline."""

from __future__ import annotations

import gc
import logging
import threading
import time
from collections.abc import Callable, Sequence
from logging.config import dictConfig
from pathlib import Path
from typing import Unpack

import pytest

from zotify_logging import (
    BaseLogHandler,
    ConfigurationError,
    LogEntry,
    LoggingService,
    OptionError,
    UnknownNameError,
)
from zotify_logging.handlers.base import HandlerOptions


class Sink(BaseLogHandler):
    """Keeps messages in a list."""

    def __init__(
        self, before: Callable[[], object] | None = None, **options: Unpack[HandlerOptions]
    ) -> None:
        super().__init__(**options)
        self.before = before
        self.messages: list[str] = []

    def write(self, entries: Sequence[LogEntry]) -> None:
        if self.before is not None:
            self.before()
        self.messages += [entry.message for entry in entries]


def record(msg: str = "x", name: str = "served") -> logging.LogRecord:
    return logging.makeLogRecord({"msg": msg, "name": name, "levelno": 20, "levelname": "INFO"})


def test_unknown_names_have_near_matches() -> None:
    """get, unregister: the error helps; the handler itself stays open."""
    service, sink = LoggingService(), Sink()
    service.register("audit", sink)
    for call in (service.get, service.unregister):
        with pytest.raises(UnknownNameError, match="did you mean audit"):
            call("adit")
    assert service.names() == ["audit"] and service.get("audit") is sink
    service.unregister("audit")
    service.dispatch(record())
    assert sink.messages == []
    sink.handle(record())
    assert sink.messages == ["x"]


def test_a_name_is_given_once_and_to_our_handlers_only() -> None:
    """A second handler of that name, and one without a ledger, are refused."""
    service, sink = LoggingService(), Sink()
    service.register("a", sink)
    service.register("a", sink)
    with pytest.raises(ConfigurationError, match="registered already"):
        service.register("a", Sink())
    with pytest.raises(ConfigurationError, match="subclass BaseLogHandler"):
        service.register("b", logging.NullHandler())  # type: ignore[arg-type]


def test_dispatch_honours_levels_and_filters_and_goes_on_after_an_error() -> None:
    """A handler that raises does not stop its siblings."""

    class Raising(Sink):
        def handle(self, record: logging.LogRecord) -> bool:
            raise RuntimeError

    service = LoggingService()
    sinks = {"a": Raising(), "b": Sink(), "c": Sink(level="ERROR"), "d": Sink()}
    sinks["d"].addFilter(lambda record: False)
    for name, sink in sinks.items():
        service.register(name, sink)
    service.dispatch(record())
    assert {name: sink.messages for name, sink in sinks.items()} == {
        "a": [],
        "b": ["x"],
        "c": [],
        "d": [],
    }
    assert service.statistics()["d"].ignored == 1


def test_no_record_is_written_twice() -> None:
    """Attached on the path, dispatched by two services, registered under two names: once."""
    sink, attached = Sink(), Sink()
    outer, inner = LoggingService(), LoggingService()
    for service in (outer, inner):
        service.register("service-sink", sink)
        service.register("service-again", sink)
        service.register("service-attached", attached)
    parent, child = logging.getLogger("served"), logging.getLogger("served.child")
    parent.setLevel(logging.INFO)
    parent.addHandler(outer)
    parent.addHandler(attached)
    child.addHandler(inner)
    for number in range(3):
        child.info("record %d", number)
    assert sink.messages == attached.messages == [f"record {number}" for number in range(3)]
    assert inner.skipped == 6 and outer.skipped == 9
    twice = record("by hand", name="elsewhere")
    outer.dispatch(twice)
    outer.dispatch(twice)
    assert sink.messages[3:] == ["by hand"] * 2  # the caller's own wish


def test_dispatch_makes_no_loggers() -> None:
    """Records of a thousand names leave nothing behind in the logging tree."""
    service = LoggingService()
    service.register("service-sink", Sink())
    before = len(logging.root.manager.loggerDict)
    for number in range(1000):
        service.dispatch(record(name=f"nobody.has.{number}"))
    assert len(logging.root.manager.loggerDict) == before


def test_as_a_handler_in_dictconfig(tmp_path: Path) -> None:
    """One entry on a logger, two files; the names may be made later than the service."""
    files = {
        name: {
            "class": "zotify_logging.FileStreamHandler",
            "filename": str(tmp_path / f"{name}.log"),
        }
        for name in ("service-one", "service-two")
    }
    service = {"class": "zotify_logging.LoggingService", "dispatch": list(files), "level": "INFO"}
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"a-service": service, **files},
        "loggers": {"served": {"level": "DEBUG", "handlers": ["a-service"]}},
    }
    for _ in range(2):
        dictConfig(config)
        logging.getLogger("served").info("to both")
        logging.getLogger("served").debug("to none")
    for name in files:
        assert len((tmp_path / f"{name}.log").read_text().splitlines()) == 2


def by_name(tmp_path: Path, dispatch: Sequence[str] = ("a", "z")) -> dict[str, object]:
    file = "zotify_logging.FileStreamHandler"
    files = {
        name: {"class": file, "filename": str(tmp_path / f"{name}.log")} for name in ("a", "z")
    }
    service = {"class": "zotify_logging.LoggingService", "dispatch": dispatch}
    loggers = {"served": {"level": "INFO", "handlers": ["all"]}}
    return {"version": 1, "handlers": {**files, "all": service}, "loggers": loggers}


def written(tmp_path: Path) -> list[list[str]]:
    paths = [tmp_path / "a.log", tmp_path / "z.log"]
    return [[line[-1] for line in path.read_text().splitlines()] for path in paths]


def test_a_service_keeps_alive_what_it_dispatches_to(tmp_path: Path) -> None:
    """No logger has these handlers, whether made before the service or after it."""
    dictConfig(by_name(tmp_path))
    gc.collect()
    logging.getLogger("served").info("1")
    assert written(tmp_path) == [["1"], ["1"]]


def test_a_failing_second_config_loses_nothing_that_is_dispatched(tmp_path: Path) -> None:
    """dictConfig closes all handlers first; the next record opens them, by dispatch as well."""
    dictConfig(by_name(tmp_path))
    with pytest.raises(ValueError, match="Unable to configure handler"):
        dictConfig({"version": 1, "handlers": {"b": {"class": "none.Such"}}})
    gc.collect()
    logging.getLogger("served").info("1")
    assert written(tmp_path) == [["1"], ["1"]]


def test_after_shutdown_late_records_are_dispatched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """They open the handlers again, as they do without a service; nothing is said on stderr."""
    service = LoggingService.from_config(by_name(tmp_path))
    assert service.shutdown()
    logging.getLogger("served").info("1")
    assert written(tmp_path) == [["1"], ["1"]] and capsys.readouterr().err == ""


def test_from_config_holds_the_handlers(tmp_path: Path) -> None:
    """Existing loggers stay enabled; foreign handlers are the logging tree's."""
    existing = logging.getLogger("existing")
    service = LoggingService.from_config(
        {
            "version": 1,
            "handlers": {
                "app": {
                    "class": "zotify_logging.FileStreamHandler",
                    "filename": str(tmp_path / "a"),
                },
                "null": {"class": "logging.NullHandler"},
            },
            "root": {"handlers": ["app", "null"], "level": "INFO"},
        }
    )
    existing.info("kept")
    assert service.names() == ["app"] and service.statistics()["app"].written == 1
    assert service.shutdown() is True
    assert service.shutdown() is True


@pytest.mark.parametrize("options", [{"dispatch": "app"}, {"dispatch": None}, {"dispatch": [1]}])
def test_a_wrong_dispatch_is_an_option_error(options: dict[str, object]) -> None:
    """With a misspelt option beside it, both are named."""
    with pytest.raises(OptionError) as caught:
        LoggingService(**options, dispach=["a"])  # type: ignore[arg-type]
    assert len(caught.value.problems) == 2
    assert "did you mean dispatch" in str(caught.value)


def test_one_deadline_for_several_stuck_handlers() -> None:
    """A healthy sibling loses nothing to them, and what is left is counted."""
    go_on = threading.Event()
    service = LoggingService()
    stuck = [Sink(lambda: go_on.wait(60), delivery="queued") for _ in range(3)]
    healthy = Sink(delivery="queued", flush_interval=60)
    hanging = Sink(lambda: go_on.wait(60))
    for index, sink in enumerate([*stuck, healthy]):
        service.register(f"service-{index}", sink)
        sink.handle(record())
    service.register("service-hanging", hanging)
    thread = threading.Thread(target=hanging.handle, args=(record(),))
    thread.start()
    started = time.monotonic()
    assert service.flush(0.5) is False
    assert service.shutdown(1.0) is False
    assert time.monotonic() - started < 20  # five handlers with 5 s each would need more
    assert healthy.messages == ["x"]
    assert [sink.statistics().dropped for sink in stuck] == [{"shutdown": 1}] * 3
    go_on.set()
    thread.join(10)
