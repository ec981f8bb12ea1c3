"""A change of configuration while everything runs: all of it, or nothing."""

from __future__ import annotations

import json
import logging
import os
import random
import sqlite3
import sys
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Unpack

import pytest
from sizes import sized
from waiting import wait_until

from zotify_logging import (
    BaseLogHandler,
    ConfigurationError,
    LogEntry,
    LoggingService,
    audit_event,
    registry,
)
from zotify_logging.audit.verification import verify_trail
from zotify_logging.handlers.base import HandlerOptions
from zotify_logging.service import dispatcher, seam
from zotify_logging.service.diff import option_changes
from zotify_logging.service.handler_swap import handler_named
from zotify_logging.service.records_in_flight import InFlight, records_in_flight
from zotify_logging.service.seam import Ferry

FILE = "zotify_logging.FileStreamHandler"
AUDIT = "zotify_logging.JsonAuditHandler"


class Sink(BaseLogHandler):
    """Keeps messages in a list that all of a number share; may do something else first."""

    taken: dict[str, list[str]] = {}
    before: Callable[[], object] | None = None

    def __init__(self, number: str = "", **options: Unpack[HandlerOptions]) -> None:
        super().__init__(**options)
        self.number = number
        self.messages = self.taken.setdefault(number, [])

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Keep the messages."""
        if Sink.before is not None:
            Sink.before()
        self.messages += [entry.message for entry in entries]


class Interrupting(Sink):
    """Cannot be made, because somebody presses Ctrl-C."""

    def __init__(self, **options: Unpack[HandlerOptions]) -> None:
        raise KeyboardInterrupt


@pytest.fixture(autouse=True)
def fresh_sinks() -> None:
    """Start each test with nothing taken."""
    Sink.taken, Sink.before = {}, None


def sink(number: str, **options: object) -> dict[str, object]:
    return {"()": f"{__name__}.Sink", "number": number, **options}


def sinks(**handlers: str) -> dict[str, dict[str, object]]:
    return {name: {"()": Sink, "number": number} for name, number in handlers.items()}


def config(handlers: object, **loggers: object) -> dict[str, object]:
    return {
        "version": 1,
        "handlers": handlers,
        "loggers": {
            name.replace("__", "."): (
                options if isinstance(options, dict) else {"handlers": options, "level": "DEBUG"}
            )
            for name, options in loggers.items()
        },
    }


def lines(path: Path) -> list[str]:
    return [line.partition(" INFO ")[2] for line in path.read_text().splitlines()]


def tree(*names: str) -> list[object]:
    loggers = [logging.getLogger(name) for name in names]
    return [
        (one.level, one.propagate, one.disabled, list(one.handlers), list(one.filters))
        for one in loggers
    ]


def disabled(*names: str) -> list[bool]:
    return [logging.getLogger(name).disabled for name in names]


def filters_of(handler: object) -> object:
    assert isinstance(handler, logging.Handler)
    return handler.filters


def five(tmp_path: Path, folder: str = "old") -> dict[str, dict[str, object]]:
    return {
        f"h{number}": {"class": FILE, "filename": str(tmp_path / folder / f"{number}.log")}
        for number in range(5)
    }


def test_one_bad_handler_among_five_changes_nothing_and_all_that_is_wrong_is_said(
    tmp_path: Path,
) -> None:
    """Nothing is changed, nothing is closed, and every problem is told at once by its path."""
    service = LoggingService.from_config(config(five(tmp_path), recon=[f"h{n}" for n in range(5)]))
    before, files = tree("recon"), sorted(tmp_path.rglob("*"))
    handlers = {name: service.get(name) for name in service.names()}
    bad = five(tmp_path, "new")
    bad["h2"] |= {"max_byte": 1, "keep": -1}
    wrong = config(bad, recon=["h0", "h9"])
    with pytest.raises(ConfigurationError) as caught:
        service.reconfigure(wrong)
    assert caught.value.problems == (
        "handlers.h2.keep: -1 is below the minimum of 0",
        "handlers.h2.max_byte: unknown option; did you mean max_bytes?",
        "loggers.recon.handlers: no handler named 'h9'",
    )
    assert tree("recon") == before and sorted(tmp_path.rglob("*")) == files
    assert {name: service.get(name) for name in service.names()} == handlers
    logging.getLogger("recon").info("still here")
    for number in range(5):
        assert lines(tmp_path / "old" / f"{number}.log") == ["recon still here"]


@pytest.mark.parametrize("position", range(5))
@pytest.mark.parametrize("kind", ["folder", "no folder", "constructor"])
def test_one_that_cannot_be_opened_changes_nothing(
    tmp_path: Path, position: int, kind: str
) -> None:
    """At each position among five; what the others made on disk is gone again."""
    service = LoggingService.from_config(config(five(tmp_path), recon=[f"h{n}" for n in range(5)]))
    (tmp_path / "file").write_text("")
    before, files = tree("recon"), sorted(tmp_path.rglob("*"))
    new = five(tmp_path, "deep/new")
    new["h4"] = {"class": AUDIT, "filename": str(tmp_path / "deep" / "audit.jsonl")}
    new["h3"] = {
        "class": "zotify_logging.DatabaseJobLogHandler",
        "url": f"sqlite:///{tmp_path}/deep/jobs.db",
    }
    name = f"h{position}"
    if kind == "constructor":
        new[name] = {"()": "logging.FileHandler", "nonsense": 1}
    else:
        path = tmp_path if kind == "folder" else tmp_path / "file" / "x.log"
        new[name] = {"class": FILE, "filename": str(path)}
    with pytest.raises(ConfigurationError) as caught:
        service.reconfigure(config(new, recon=list(new)))
    (problem,) = caught.value.problems
    assert problem.startswith(f"handlers.{name}")
    assert tree("recon") == before and sorted(tmp_path.rglob("*")) == files
    logging.getLogger("recon").info("still here")
    for number in range(5):
        assert lines(tmp_path / "old" / f"{number}.log") == ["recon still here"]
    assert service.statistics()["h0"].written == 1


def test_several_that_cannot_be_opened_are_told_together(tmp_path: Path) -> None:
    """The second one does not wait for the first to be mended."""
    service = LoggingService()
    bad = {name: {"class": FILE, "filename": str(tmp_path)} for name in ("a", "b")}
    with pytest.raises(ConfigurationError) as caught:
        service.reconfigure(config(bad))
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "handlers.a.filename",
        "handlers.b.filename",
    ]


def test_ctrl_c_while_handlers_are_made_changes_nothing(tmp_path: Path) -> None:
    """What was made until then is gone again."""
    service = LoggingService.from_config(config(sinks(a="1"), recon=["a"]))
    before = tree("recon")
    new = {
        "a": {"class": FILE, "filename": str(tmp_path / "a.log")},
        "b": {"()": Interrupting},
    }
    with pytest.raises(KeyboardInterrupt):
        service.reconfigure(config(new, recon=["a", "b"]))
    assert tree("recon") == before and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("look", "number"), [(1, "1"), (2, "2"), (3, "2"), (4, "2")])
def test_ctrl_c_while_the_handlers_change_places_leaves_one_set(
    monkeypatch: pytest.MonkeyPatch, look: int, number: str
) -> None:
    """Before the turn it is the old set, after it the new one; the other one is closed."""
    service = LoggingService.from_config(config(sinks(a="1"), recon=["a"]))
    old, looks = service.get("a"), 0

    def interrupted(*thread: int) -> dict[int, InFlight]:
        nonlocal looks
        looks += 1
        if looks == look:
            raise KeyboardInterrupt
        return records_in_flight(*thread)

    monkeypatch.setattr(seam, "records_in_flight", interrupted)
    # Not going up any more, it has the seam look at the stacks once more.
    new = config(sinks(a="2"), recon=silent("a"))
    with pytest.raises(KeyboardInterrupt):
        service.reconfigure(new)
    assert looks >= look
    assert logging.getLogger("recon").handlers == [handler_named("a")]
    assert id(handler_named("a")) == id(service.get("a"))
    assert not any(type(one) is Ferry for one in logging.root.handlers)
    logging.getLogger("recon").info("x")
    assert Sink.taken.get(number) == ["x"] and sum(map(len, Sink.taken.values())) == 1
    assert (service.get("a") is old) == (number == "1")
    monkeypatch.undo()
    service.reconfigure(config(sinks(a="3"), recon=["a"]))
    logging.getLogger("recon").info("y")
    assert Sink.taken["3"] == ["y"] and sum(map(len, Sink.taken.values())) == 2


def test_a_handler_is_registered_while_the_configuration_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Neither waits for the other: making a handler and changing places take the same locks."""
    service = LoggingService.from_config(config(sinks(a="1"), recon=["a"]))
    new = config(sinks(a="2"), recon=["a"])
    change = threading.Thread(target=service.reconfigure, args=(new,), daemon=True)

    def paper() -> Sink:
        change.start()
        change.join(10)
        return Sink("3")

    monkeypatch.setattr(dispatcher, "find_factory", lambda name: paper)
    service.register("out", "paper")
    assert not change.is_alive() and service.names() == ["a", "out"]


def test_a_failure_in_the_last_step_puts_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Levels, filters, flags, lists, names and handlers."""
    old = config(sinks(a="1", b="2"), recon=["a"], recon__below=["b"])
    service = LoggingService.from_config(old)
    (tmp_path / "full.log").write_text("keep me\n")
    before, kept = tree("recon", "recon.below"), service.get("a")

    def refuse(path: object, length: int) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(os, "truncate", refuse)
    new = config(
        {
            "a": {"()": Sink, "number": "1", "level": "ERROR", "filters": ["some"]},
            "b": {"()": Sink, "number": "3"},
            "c": {"class": FILE, "filename": str(tmp_path / "full.log"), "mode": "w"},
        },
        recon={"handlers": ["c"], "level": "ERROR", "propagate": False, "filters": ["some"]},
    )
    new["filters"] = {"some": {"name": "x"}}
    with pytest.raises(ConfigurationError, match="Operation not permitted"):
        service.reconfigure(new)
    assert tree("recon", "recon.below") == before
    assert service.names() == ["a", "b"] and service.get("a") is kept
    assert (kept.level, filters_of(kept)) == (0, [])
    assert (tmp_path / "full.log").read_text() == "keep me\n"
    logging.getLogger("recon.below").info("x")
    assert Sink.taken["2"] == ["x"] and Sink.taken["3"] == []


def silent(*handlers: str) -> dict[str, object]:
    return {"handlers": handlers, "level": "DEBUG", "propagate": False}


def dispatching(**handlers: str) -> dict[str, dict[str, object]]:
    service: dict[str, object] = {
        "class": "zotify_logging.LoggingService",
        "dispatch": list(handlers),
    }
    return {**sinks(**handlers), "all": service}


LAYOUTS = [
    # each gives a record of recon.below to one handler, in its own way
    config(sinks(one="1"), recon=["one"], recon__below=[]),
    config(sinks(one="2"), recon=[], recon__below=["one"]),
    config(sinks(two="1"), recon=["two"], recon__below=[]),
    config(sinks(one="2"), recon=["one"], recon__below=silent("one")),
    config(sinks(one="2"), recon=["one"], recon__below=[]),
    config(dispatching(one="3"), recon=["all"], recon__below=["one"]),
    config(dispatching(one="2"), recon=["all"], recon__below=[]),
    config(dispatching(one="2"), recon=["one"], recon__below=silent("all")),
]


def test_each_record_goes_to_one_set_and_to_one_only() -> None:
    """64 threads log while handlers move between loggers: exactly once each."""
    service = LoggingService.from_config(LAYOUTS[0])
    logging.getLogger("recon").propagate = False
    stop, sent = threading.Event(), Counter[int]()

    def log(number: int) -> None:
        logger = logging.getLogger("recon.below")
        while not stop.is_set():
            logger.info("%d %d", number, sent[number])
            sent[number] += 1

    threads = [threading.Thread(target=log, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    rounds, order = sized(20, 200), random.Random(1)
    for _ in range(rounds):
        service.reconfigure(order.choice(LAYOUTS))
    stop.set()
    for thread in threads:
        thread.join()
    taken = Counter(message for messages in Sink.taken.values() for message in messages)
    wanted = Counter(f"{number} {one}" for number in sent for one in range(sent[number]))
    wrong = [(message, taken[message]) for message in taken | wanted if taken[message] != 1]
    assert len(wanted) > rounds and wrong == []


def test_an_old_file_is_neither_emptied_nor_lost(tmp_path: Path) -> None:
    """``mode="w"`` does not empty what the old handler wrote; counters go on."""
    path = tmp_path / "app.log"
    first = {"app": {"class": FILE, "filename": str(path), "mode": "w"}}
    service = LoggingService.from_config(config(first, recon=["app"]))
    logging.getLogger("recon").info("first")
    old = service.get("app")
    second = {"app": {**first["app"], "keep": 2}}
    diff = service.reconfigure(config(second, recon=["app"]))
    assert str(diff) == "~ handler app: keep: None -> 2"
    logging.getLogger("recon").info("second")
    renamed = {"main": {**first["app"], "keep": 3}}
    service.reconfigure(config(renamed, recon=["main"]))
    logging.getLogger("recon").info("third")
    assert lines(path) == ["recon first", "recon second", "recon third"]
    reading = service.statistics()["main"]
    assert (reading.accepted, reading.written, reading.bytes) == (3, 3, path.stat().st_size)
    assert service.get("main") is not old and service.get("main").statistics().written == 3


def test_a_file_nobody_had_is_emptied_when_all_else_is_done(tmp_path: Path) -> None:
    """As ``mode="w"`` says; and not by an attempt that fails."""
    path = tmp_path / "app.log"
    path.write_text("of yesterday\n")
    service = LoggingService()
    wanted = {"class": FILE, "filename": str(path), "mode": "w"}
    with pytest.raises(ConfigurationError):
        service.reconfigure(
            config({"a": wanted, "b": {"class": FILE, "filename": str(tmp_path)}}, recon=["a"])
        )
    assert path.read_text() == "of yesterday\n"
    service.reconfigure(config({"a": wanted}, recon=["a"]))
    logging.getLogger("recon").info("of today")
    assert lines(path) == ["recon of today"]


def test_stdlibs_file_handler_is_not_emptied_either(tmp_path: Path) -> None:
    """Whoever writes the file next goes on in it."""
    path = tmp_path / "app.log"
    first = {"app": {"class": "logging.FileHandler", "filename": str(path), "mode": "w"}}
    service = LoggingService.from_config(config(first, recon=["app"]))
    logging.getLogger("recon").info("first")
    second = {"app": {**first["app"], "encoding": "ascii"}}
    service.reconfigure(config(second, recon=["app"]))
    logging.getLogger("recon").info("second")
    assert path.read_text().splitlines() == ["first", "second"]
    service.reconfigure(config({}))


def test_the_audit_chain_and_its_counters_go_on(tmp_path: Path) -> None:
    """Events by ``logging`` and by ``audit_event``; no moment without a trail, or with two."""
    path = tmp_path / "audit.jsonl"
    service = LoggingService()

    def with_size(size: str) -> dict[str, object]:
        handler = {"class": AUDIT, "filename": str(path), "max_bytes": size}
        return config({"audit": handler}, recon=["audit"])

    service.reconfigure(with_size("100 MB"))  # none is reached: all events stay in one file
    stop, written, failed = threading.Event(), Counter[str](), list[Exception]()

    def helper() -> None:
        while not stop.is_set():
            try:
                audit_event("user.login", user_id="u")
                written["helper"] += 1
            except Exception as error:
                failed.append(error)

    thread = threading.Thread(target=helper)
    thread.start()
    for number in range(10):
        logging.getLogger("recon").info("x", extra={"event_type": "user.logout"})
        service.reconfigure(with_size(f"{number + 101} MB"))
    stop.set()
    thread.join()
    assert failed == []
    total = written["helper"] + 10
    reading = service.statistics()["audit"]
    assert (reading.accepted, reading.written) == (total, total)
    service.shutdown()
    assert verify_trail(path).findings == []
    events = [json.loads(line)["event_type"] for line in path.read_text().splitlines()]
    assert events.count("user.logout") == 10 and events.count("user.login") == written["helper"]


def test_dry_run_says_the_same_and_makes_nothing(tmp_path: Path) -> None:
    """Option by option; secrets in the values are hidden."""
    service = LoggingService.from_config(
        config({**sinks(same="1", gone="2"), "app": sink("3", level="INFO")}, recon=["app"])
    )
    before = tree("recon")
    new = config(
        {
            **sinks(same="1"),
            "app": sink("3", level="ERROR", redact=["pin"]),
            "file": {"class": FILE, "filename": str(tmp_path / "sub" / "new.log")},
        },
        recon={"handlers": ["app", "file"], "level": "DEBUG", "propagate": False},
    )
    wanted = service.reconfigure(new, dry_run=True)
    assert tree("recon") == before and list(tmp_path.iterdir()) == []
    assert service.names() == ["app", "gone", "same"]
    assert wanted.as_dict() == {
        "added": ["file"],
        "removed": ["gone"],
        "changed": {
            "app": [
                {"option": "level", "before": 20, "after": 40},
                {"option": "redact", "before": None, "after": ["pin"]},
            ]
        },
        "kept": ["same"],
        "loggers": {
            "recon": [
                {"option": "handlers", "before": ["app"], "after": ["app", "file"]},
                {"option": "propagate", "before": None, "after": False},
            ]
        },
    }
    assert str(wanted).splitlines() == [
        "+ handler file",
        "- handler gone",
        "~ handler app: level: 20 -> 40",
        "~ handler app: redact: None -> ['pin']",
        "= handler same",
        "~ logger recon: handlers: ['app'] -> ['app', 'file']",
        "~ logger recon: propagate: None -> False",
    ]
    assert service.reconfigure(new) == wanted and (tmp_path / "sub" / "new.log").exists()
    again = service.reconfigure(new, dry_run=True)
    assert not again and str(again) == "= handler app\n= handler file\n= handler same"
    with pytest.raises(ConfigurationError):
        service.reconfigure({"version": 2}, dry_run=True)


def test_passwords_do_not_show_in_the_difference(tmp_path: Path) -> None:
    """A database's URL among them."""
    service = LoggingService()
    handler = {"class": "logging.handlers.HTTPHandler", "host": "h", "url": "/"}
    one = config({"web": {**handler, "credentials": ["me", "hunter2-hunter2"]}})
    two = config({"web": {**handler, "url": "https://me:hunter2-hunter2@example.org/"}})
    service.reconfigure(one)
    diff = service.reconfigure(two)
    assert "url" in str(diff) and "hunter2" not in str(diff.as_dict()["changed"]).split("url")[1]


def test_what_others_have_attached_stays(tmp_path: Path) -> None:
    """On its logger, in its place, open; filters that others added stay as well."""
    service = LoggingService.from_config(config(sinks(a="1", b="2"), recon=["a", "b"]))
    logger, foreign, first = logging.getLogger("recon"), Sink("foreign"), Sink("first")
    logger.handlers.insert(0, first)
    logger.addHandler(foreign)
    never = logging.Filter("recon")
    logger.addFilter(never)
    service.get("a").addFilter(never)  # type: ignore[attr-defined]  # a Sink
    service.register("mine", foreign)
    changed = config({"a": sink("1"), **sinks(c="3")}, recon=["a", "c"])
    service.reconfigure(changed)
    names = [one.number for one in logger.handlers if isinstance(one, Sink)]
    assert names == ["first", "1", "3", "foreign"]
    assert logger.filters == [never]
    assert service.names() == ["a", "c", "mine"]
    service.reconfigure(config({}))
    assert list(logger.handlers) == [first, foreign]
    assert service.names() == ["mine"]
    with pytest.raises(ConfigurationError, match="handlers.mine: is registered already"):
        service.reconfigure(config(sinks(mine="4")))


def test_a_handler_of_the_same_options_stays_the_same_object(tmp_path: Path) -> None:
    """Its level, formatter and filters change with it in place."""
    path = tmp_path / "app.log"
    handler = {"class": FILE, "filename": str(path)}
    service = LoggingService.from_config(config({"app": handler}, recon=["app"]))
    app = service.get("app")
    changed = config(
        {"app": {**handler, "level": "WARNING", "formatter": "short", "filters": ["own"]}},
        recon=["app"],
    )
    changed["formatters"] = {"short": {"format": "%(message)s!"}}
    changed["filters"] = {"own": {"name": "recon"}}
    service.reconfigure(changed)
    assert service.get("app") is app
    logging.getLogger("recon").info("no")
    logging.getLogger("recon").warning("yes")
    assert path.read_text() == "yes!\n"
    service.reconfigure(config({"app": handler}, recon=["app"]))
    logging.getLogger("recon").info("again")
    assert lines(path)[1:] == ["recon again"] and filters_of(app) == []


def test_loggers_that_are_no_longer_configured_return_to_what_python_has() -> None:
    """Level, propagation and filters; those never configured are left alone."""
    logging.getLogger("recon.other").setLevel(logging.ERROR)
    full = {"handlers": ["a"], "level": "ERROR", "propagate": False, "filters": ["some"]}
    first = config(sinks(a="1"), recon=full)
    first["filters"] = {"some": {"name": "x"}}
    service = LoggingService.from_config(first)
    service.reconfigure(config(sinks(a="1")))
    assert tree("recon") == [(0, True, False, [], [])]
    assert logging.getLogger("recon.other").level == logging.ERROR


def test_others_are_disabled_only_when_asked() -> None:
    """As ``disable_existing_loggers`` has it; a logger that is configured is enabled."""
    service = LoggingService()
    assert disabled("recon2.other", "recon.below") == [False, False]
    service.reconfigure(config(sinks(a="1"), recon=["a"]))
    assert disabled("recon2.other", "recon.below") == [False, False]
    service.reconfigure({**config(sinks(a="1"), recon=["a"]), "disable_existing_loggers": True})
    assert disabled("recon2.other", "recon.below") == [True, False]
    service.reconfigure(config(sinks(a="1"), recon2__other=["a"]))
    assert disabled("recon2.other") == [False]


def test_an_incremental_configuration_is_refused() -> None:
    """It says what to change, not what shall be."""
    with pytest.raises(ConfigurationError, match="set_level"):
        LoggingService().reconfigure({"version": 1, "incremental": True})


def test_a_temporary_level_outlives_the_change() -> None:
    """It holds on the new handler until its end, and then the new level applies."""
    service = LoggingService()
    service.reconfigure(config({"a": sink("1", level="ERROR")}, recon=["a"]))
    service.set_level("a", "DEBUG", ttl=3600)
    service.set_logger_level("recon", "INFO", ttl=3600)
    new = config({"a": sink("2", level="WARNING")}, recon={"handlers": ["a"], "level": "ERROR"})
    service.reconfigure(new)
    logging.getLogger("recon").info("through")
    assert Sink.taken["2"] == ["through"] and service.get("a").level == logging.DEBUG
    service._levels.end_all()
    assert service.get("a").level == logging.WARNING
    assert logging.getLogger("recon").level == logging.ERROR
    service.set_level("a", "DEBUG", ttl=3600)
    service.reconfigure(config({}))  # gone, and its temporary level with it
    service.shutdown()


def test_a_handler_that_was_switched_off_stays_off() -> None:
    """It was an operator's decision, and the configuration says nothing about it."""
    service = LoggingService.from_config(config(sinks(a="1"), recon=["a"]))
    service.disable("a")
    service.reconfigure(config(sinks(a="2"), recon=["a"]))
    assert service.get("a").enabled is False


def test_a_record_stuck_in_an_old_handler_holds_up_nobody(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Records that come later go to the new set; the stuck one to the old set all the way up."""
    monkeypatch.setattr("zotify_logging.service.reconfiguration.PATIENCE", 0.2)
    service = LoggingService.from_config(
        config({**sinks(a="1", b="2")}, recon__below=["a"], recon=["b"])
    )
    logging.getLogger("recon").propagate = False
    stuck, go_on = threading.Event(), threading.Event()

    def hang() -> None:
        if threading.current_thread() is thread and not stuck.is_set():
            stuck.set()
            go_on.wait(30)

    Sink.before = hang
    logger = logging.getLogger("recon.below")
    thread = threading.Thread(target=logger.info, args=("stuck",))
    thread.start()
    wait_until(stuck.is_set)
    service.reconfigure(config(sinks(a="3", b="4"), recon__below=["a"], recon=["b"]))
    logger.info("later")
    go_on.set()
    thread.join()
    assert {number: Sink.taken[number] for number in "1234"} == {
        "1": ["stuck"],
        "2": ["stuck"],
        "3": ["later"],
        "4": ["later"],
    }
    assert (
        service.statistics()["a"].queued == 0
    ), "the stuck record is settled in the old one's account"
    service.reconfigure(config(sinks(a="3", b="4"), recon__below=["a"], recon=["b"]))
    assert [id(one) for one in logger.handlers] == [id(service.get("a"))]


def test_a_handler_may_ask_for_the_change(tmp_path: Path) -> None:
    """From inside its own write; its record still goes to the old set all the way up."""
    service = LoggingService.from_config(
        config({**sinks(a="1", b="2")}, recon__below=["a"], recon=["b"])
    )
    logging.getLogger("recon").propagate = False

    def change() -> None:
        Sink.before = None
        service.reconfigure(config(sinks(a="3", b="4"), recon__below=["a"], recon=["b"]))

    Sink.before = change
    logging.getLogger("recon.below").info("asking")
    assert Sink.taken["2"] == ["asking"] and Sink.taken["4"] == []
    logging.getLogger("recon.below").info("later")
    assert Sink.taken["3"] == ["later"] and Sink.taken["4"] == ["later"]


@pytest.mark.skipif(sys.version_info < (3, 12), reason="queue handlers by dictConfig need 3.12")
def test_a_queue_handlers_thread_goes_on() -> None:
    """Whoever started the old one's has the new one's started, and what was queued is handled."""

    def queued(number: str) -> dict[str, object]:
        queue = {"class": "logging.handlers.QueueHandler", "handlers": ["sink"]}
        return config({"queue": queue, "sink": sink(number)}, recon=["queue"])

    service = LoggingService.from_config(queued("1"))
    (first,) = logging.getLogger("recon").handlers
    first.listener.start()  # type: ignore[attr-defined]  # a QueueHandler
    logging.getLogger("recon").info("before")
    service.reconfigure(queued("2"))
    assert Sink.taken["1"] == ["before"]
    logging.getLogger("recon").info("after")
    wait_until(lambda: Sink.taken["2"] == ["after"])
    service.reconfigure(config({}))


def test_a_memory_handler_gets_the_new_target() -> None:
    """It is made anew with the handler that it was given, though its own options are the same."""
    memory = {"class": "logging.handlers.MemoryHandler", "capacity": 9, "target": "sink"}
    for number in "12":
        service = LoggingService()
        service.reconfigure(config({"memory": memory, "sink": sink("0")}, recon=["memory"]))
        logging.getLogger("recon").info("before")
        service.reconfigure(config({"memory": memory, "sink": sink(number)}, recon=["memory"]))
        logging.getLogger("recon").error("after")
        service.reconfigure(config({}))
        assert Sink.taken.pop("0") == ["before"] and Sink.taken.pop(number)[-1] == "after"


def test_rows_of_a_job_have_no_holes_across_the_change(tmp_path: Path) -> None:
    """The new handler for the old database goes on at the old one's number."""

    def jobs(size: int) -> dict[str, object]:
        handler = {
            "class": "zotify_logging.DatabaseJobLogHandler",
            "url": f"sqlite:///{tmp_path}/jobs.db",
            "max_queue_size": size,
        }
        return config({"jobs": handler}, recon=["jobs"])

    service = LoggingService()
    for number in range(5):
        service.reconfigure(jobs(100 + number))
        for line in range(4):
            logging.getLogger("recon").info("%d", 4 * number + line, extra={"job_id": "one"})
    reading = service.statistics()["jobs"]
    assert reading.accepted == 20 and service.shutdown()
    assert service.statistics()["jobs"].written == 20
    with closing(sqlite3.connect(tmp_path / "jobs.db")) as database:
        rows = database.execute("SELECT seq, message FROM job_logs ORDER BY seq").fetchall()
    assert [message for _, message in rows] == [str(number) for number in range(20)]
    assert [seq for seq, _ in rows] == list(range(rows[0][0], rows[0][0] + 20))


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process.*is multi-threaded:DeprecationWarning")
def test_a_child_forked_in_the_middle_of_a_change_goes_on(tmp_path: Path) -> None:
    """It logs, and can change its configuration itself."""
    path = tmp_path / "app.log"
    app = {"class": FILE, "filename": str(path)}
    service = LoggingService.from_config(config({"app": app}, recon=["app"]))
    children: list[int] = []

    def fork() -> None:
        Sink.before = None
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                logging.getLogger("recon").info("child")
                service.reconfigure(config({"app": {**app, "keep": 9}}, recon=["app"]))
                logging.getLogger("recon").info("child again")
                status = 0
            finally:
                os._exit(status)
        children.append(pid)

    service.reconfigure(config({"app": app, "sink": sink("1")}, recon=["sink", "app"]))
    Sink.before = fork
    thread = threading.Thread(target=logging.getLogger("recon").info, args=("parent",))
    thread.start()
    for keep in range(3):
        service.reconfigure(config({"app": {**app, "keep": keep}}, recon=["app"]))
    thread.join()
    wait_until(lambda: children)
    assert os.waitpid(children[0], 0)[1] == 0
    assert sorted(lines(path)) == ["recon child", "recon child again", "recon parent"]


def test_a_late_record_does_not_give_the_name_back(tmp_path: Path) -> None:
    """An old handler that somebody still has writes on, and stays without its name."""
    path = tmp_path / "app.log"
    app = {"class": FILE, "filename": str(path)}
    service = LoggingService.from_config(config({"app": app}, recon=["app"]))
    old = service.get("app")
    service.reconfigure(config({"app": {**app, "keep": 2}}, recon=["app"]))
    old.handle(logging.makeLogRecord({"msg": "late", "name": "recon", "levelname": "INFO"}))
    assert lines(path) == ["recon late"]
    assert registry.find("app") is service.get("app") is not old
    assert id(handler_named("app")) == id(service.get("app"))
    old.close()
    assert registry.find("app") is service.get("app")


def test_a_record_dispatched_by_hand_arrives_before_old_handlers_are_closed() -> None:
    """It is under way without any logger, and the change waits for it as for the others."""
    service = LoggingService.from_config(config(sinks(a="1", b="2")))
    inside, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        if threading.current_thread() is thread and not inside.is_set():
            inside.set()
            go_on.wait(30)

    Sink.before = wait
    record = logging.makeLogRecord({"msg": "by hand", "levelno": 20, "levelname": "INFO"})
    thread = threading.Thread(target=service.dispatch, args=(record,))
    thread.start()
    wait_until(inside.is_set)
    changing = threading.Thread(target=service.reconfigure, args=(config(sinks(a="3", b="4")),))
    changing.start()
    wait_until(lambda: service.get("b") is registry.find("b") and "4" in Sink.taken)
    go_on.set()
    for one in (thread, changing):
        one.join()
    assert {number: Sink.taken[number] for number in "1234"} == {
        "1": ["by hand"],
        "2": ["by hand"],
        "3": [],
        "4": [],
    }
    assert service.statistics()["a"].written == service.statistics()["b"].written == 1


def test_each_line_is_in_the_file_once_while_its_handler_is_exchanged(tmp_path: Path) -> None:
    """Direct and queued, from one logger to another, by handlers that would empty the file."""
    path = tmp_path / "app.log"

    def layout(number: int) -> dict[str, object]:
        app = {"class": FILE, "filename": str(path), "mode": "w", "keep": number + 1}
        if number % 3 == 1:
            app |= {"delivery": "queued", "max_queue_size": 100_000}
        where, other = ("recon", "recon__below") if number % 2 else ("recon__below", "recon")
        return config({f"app{number % 4}": app}, **{where: [f"app{number % 4}"], other: []})

    service = LoggingService.from_config(layout(0))
    logging.getLogger("recon").propagate = False
    stop, sent = threading.Event(), Counter[int]()

    def log(number: int) -> None:
        logger = logging.getLogger("recon.below")
        while not stop.is_set() and sent[number] < 500:
            logger.info("%d %d", number, sent[number])
            sent[number] += 1

    threads = [threading.Thread(target=log, args=(number,)) for number in range(16)]
    for thread in threads:
        thread.start()
    for number in range(1, sized(30, 200)):
        service.reconfigure(layout(number))
    stop.set()
    for thread in threads:
        thread.join()
    assert service.flush(30)
    taken = Counter(line.removeprefix("recon.below ") for line in lines(path))
    assert taken == Counter(f"{number} {one}" for number in sent for one in range(sent[number]))
    (reading,) = service.statistics().values()
    assert reading.written == reading.accepted == sum(sent.values())
    assert reading.bytes == path.stat().st_size


def test_one_is_not_true_and_no_list_is_an_empty_one() -> None:
    """What compares equal may be another option all the same, and the other way round."""
    (change,) = option_changes({"keep": 1, "filters": []}, {"keep": True, "filters": None})
    assert str(change) == "keep: 1 -> True"
