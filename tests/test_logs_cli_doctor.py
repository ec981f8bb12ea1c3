"""``zotify-logs doctor``: every cause is named with its cure, and the disk stays as it was."""

from __future__ import annotations

import json
import logging
import os
import socket
import sqlite3
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sizes import sized

from zotify_logging import FileStreamHandler
from zotify_logging.__main__ import main
from zotify_logging.cli.doctor import examine
from zotify_logging.cli.finding import CODES, Finding
from zotify_logging.cli.planned_tree import plan_tree
from zotify_logging.cli.tree_checks import check_record

FILE = "zotify_logging.FileStreamHandler"
JOBS = "zotify_logging.DatabaseJobLogHandler"
SERVICE = "zotify_logging.LoggingService"


class OwnHandler(FileStreamHandler):
    """A user's handler on top of ours: it makes its folder as well."""


def config_of(
    handlers: Mapping[str, object], root: Mapping[str, object], **more: object
) -> dict[str, object]:
    """Return a mapping that dictConfig would take without disabling anything."""
    given = {"version": 1, "disable_existing_loggers": False, "handlers": handlers, "root": root}
    return {**given, **more}


def findings_of(config: Mapping[str, object]) -> list[Finding]:
    """Return what doctor finds, in any order."""
    return examine(config, plan_tree(config))


def report_of(
    config: Mapping[str, object], capsys: pytest.CaptureFixture[str], *more: str
) -> tuple[int, dict[str, object], str]:
    """Run doctor on a file of this configuration; return code, JSON and text."""
    Path("logging.json").write_text(json.dumps(config))
    code = main(["doctor", "logging.json", "--json", *more])
    report = json.loads(capsys.readouterr().out)
    assert main(["doctor", "logging.json", *more]) == code == report["exit_code"]
    return code, report, capsys.readouterr().out


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder that only its owner may use."""
    tmp_path.chmod(0o700)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def closed_port() -> int:
    """Return a port of this machine on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def test_five_broken_configurations_are_named_with_cause_and_cure(
    folder: Path, capsys: pytest.CaptureFixture[str], closed_port: int
) -> None:
    """Misspelt option, attached twice, existing loggers, level too high, unreachable database."""
    app = {"class": FILE, "filename": "logs/app.log"}
    url = f"postgresql+psycopg://joe:s3cr3t%21word@127.0.0.1:{closed_port}/logs"
    (folder / "shop_settings.py").write_text(
        "import logging\nlogging.getLogger('shop.db')\n"
        f"LOGGING = {config_of({'app': app}, {'level': 'INFO', 'handlers': ['app']})!r}\n"
        "LOGGING['disable_existing_loggers'] = True\n"
    )
    broken: list[tuple[str, Mapping[str, object] | str, str, str, str, str]] = [
        (
            "misspelt option",
            config_of({"app": {**app, "max_byte": 1}}, {"level": "INFO", "handlers": ["app"]}),
            "option",
            "handlers.app.max_byte",
            "unknown option",
            "write max_bytes",
        ),
        (
            "attached twice",
            config_of(
                {"app": app},
                {"level": "INFO", "handlers": ["app"]},
                loggers={"shop": {"handlers": ["app"]}},
            ),
            "doubled",
            "loggers.shop.handlers",
            "every record of shop is written twice",
            "take 'app' out of loggers.shop.handlers, or set loggers.shop.propagate to false",
        ),
        (
            "existing loggers",
            "shop_settings:LOGGING",
            "disabled",
            "disable_existing_loggers",
            "is true: dictConfig disables shop.db",
            "set disable_existing_loggers to false",
        ),
        (
            "level too high",
            config_of({"app": {**app, "level": "DEBUG"}}, {"level": "ERROR", "handlers": ["app"]}),
            "level",
            "handlers.app.level",
            "the loggers that lead to it let through ERROR and above",
            "set root.level to DEBUG",
        ),
        (
            "unreachable database",
            config_of({"jobs": {"class": JOBS, "url": url}}, {"level": 20, "handlers": ["jobs"]}),
            "database",
            "handlers.jobs.url",
            "Connection refused",
            "start the database",
        ),
    ]
    for name, config, code, place, cause, cure in broken:
        source = "logging.json"
        if isinstance(config, str):
            source = config
        else:
            Path(source).write_text(json.dumps(config))
        left = sorted(os.listdir(folder))
        assert main(["doctor", source]) == (3 if code == "level" else 1), name
        shown = capsys.readouterr().out
        if source != "logging.json":  # imported afresh, as a process of its own would
            del sys.modules["shop_settings"], logging.root.manager.loggerDict["shop.db"]
        assert main(["doctor", source, "--json"]) in (1, 3)
        document = capsys.readouterr().out
        (finding,) = json.loads(document)["findings"]
        assert (finding["code"], finding["place"]) == (code, place), name
        assert cause in finding["message"] and cause in shown, name
        assert cure in finding["cure"] and f"cure: {cure}" in shown, name
        assert "s3cr3t" not in shown + document
        assert sorted(os.listdir(folder)) == left, name
    sys.modules.pop("shop_settings")


def test_a_sound_configuration_has_no_findings(capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 0; the tree says who handles what, and nothing is made."""
    config = config_of(
        {
            "app": {"class": FILE, "filename": "logs/app.log"},
            "console": {"class": "logging.StreamHandler", "level": "ERROR"},
            "jobs": {"class": JOBS, "url": "sqlite:///logs/jobs.db"},
        },
        {"level": "INFO", "handlers": ["app", "console"]},
        loggers={"jobs": {"level": "DEBUG", "handlers": ["jobs"], "propagate": False}},
    )
    code, report, text = report_of(config, capsys)
    assert (code, report["findings"]) == (0, [])
    assert "INFO+ -> app\n" in text
    assert "ERROR+ -> app, console\n" in text
    assert "jobs  DEBUG, does not propagate\n" in text
    assert "DEBUG+ -> jobs\n" in text
    assert "nothing wrong was found" in text
    assert os.listdir() == ["logging.json"]


@pytest.mark.parametrize(
    ("logger", "level", "code", "handled", "said"),
    [
        ("shop.web", "INFO", 0, ["app"], ""),
        ("shop", "40", 0, ["app", "console"], ""),
        ("shop", "debug", 1, [], "is dropped by the logger: INFO holds, the level of root"),
        ("mute.x", "ERROR", 1, [], "meets no handler on its way up to mute"),
        ("loud", "INFO", 1, [], "is below the level of every handler it meets"),
    ],
)
def test_the_way_of_one_record_is_followed(
    capsys: pytest.CaptureFixture[str],
    logger: str,
    level: str,
    code: int,
    handled: list[str],
    said: str,
) -> None:
    """What handles name@LEVEL, and why nobody does."""
    config = config_of(
        {
            "app": {"class": FILE, "filename": "app.log"},
            "console": {"class": "logging.StreamHandler", "level": "ERROR"},
        },
        {"level": "INFO", "handlers": ["app", "console"]},
        loggers={
            "mute": {"propagate": False, "level": "INFO"},
            "loud": {"propagate": False, "handlers": ["console"], "level": "ERROR"},
            "loud.x": {"level": "INFO"},
        },
    )
    asked = ("--logger", "loud.x" if logger == "loud" else logger, "--level", level)
    found, report, text = report_of(config, capsys, *asked)
    record = report["record"]
    assert isinstance(record, dict)
    assert record["handled_by"] == handled
    assert (found == 1) == (code == 1)
    assert said in text
    assert f"handled by: {', '.join(handled) or 'nobody'}" in text


def test_a_service_that_dispatches_to_an_attached_handler_is_told() -> None:
    """It skips it: no record is written twice, and one of the two lines is superfluous."""
    config = config_of(
        {
            "app": {"class": FILE, "filename": "app.log"},
            "all": {"class": SERVICE, "dispatch": ["app"]},
            "more": {"class": SERVICE, "dispatch": ["app"]},
        },
        {"level": "INFO", "handlers": ["app"]},
        loggers={"shop": {"handlers": ["all", "more"]}},
    )
    messages = {one.message for one in findings_of(config) if one.code == "skipped"}
    assert {text.partition(":")[0] for text in messages} == {
        "'all' dispatches to 'app', which is attached to root as well",
        "'more' dispatches to 'app', which is attached to root as well",
    }
    found = findings_of({**config, "root": {"level": "INFO"}})
    (message,) = [one.message for one in found if one.code == "skipped"]
    assert message.startswith("'all' and 'more' both dispatch records of shop to 'app'")


@pytest.mark.parametrize(
    ("option", "name", "told", "cure"),
    [
        ("dispatch", "svc", "'svc' dispatches to itself", "take 'svc' out of"),
        ("dispatch", "inner", "'inner', which is a service", "name 'app' in handlers.svc.dispatch"),
        ("dispatch", "console", "'console', which is a StreamHandler of logging", "attach"),
        ("failover", "app", "'app' fails over to itself", "take 'app' out of"),
        ("failover", "inner", "'app' fails over to 'inner'", "name 'app' in"),
        ("failover", "console", "which keeps no account of its records", "attach 'console'"),
    ],
)
def test_what_is_handed_on_to_nobody_is_told(option: str, name: str, told: str, cure: str) -> None:
    """A handler itself, a service, and one of logging: none of them is described as taking it."""
    app = {"class": FILE, "filename": "app.log"}
    config = config_of(
        {
            "app": app | ({"failover": name} if option == "failover" else {}),
            "console": {"class": "logging.StreamHandler"},
            "inner": {"class": SERVICE, "dispatch": ["app"]},
            "svc": {"class": SERVICE, "dispatch": [name if option == "dispatch" else "app"]},
        },
        {"level": "INFO", "handlers": ["svc"]},
    )
    found = [one for one in findings_of(config) if one.code == "handover"]
    assert [one.severity for one in found] == ["error"]
    assert (told in found[0].message, cure in found[0].cure) == (True, True)
    tree = plan_tree(config)
    assert tree.takers("root", logging.INFO) == (["app"] if option == "failover" else [])
    dropped = list(check_record(tree, "root", logging.INFO))
    assert ["no handler that can take it" in one.message for one in dropped] == (
        [] if option == "failover" else [True]
    )


def test_two_handlers_may_stand_in_for_each_other() -> None:
    """An entry that both refuse goes round no further, so that it is no mistake."""
    one = {"class": FILE, "filename": "one.log", "failover": "two"}
    two = {"class": FILE, "filename": "two.log", "failover": "one"}
    config = config_of({"one": one, "two": two}, {"level": "INFO", "handlers": ["one", "two"]})
    assert findings_of(config) == []


def test_two_handlers_on_one_file_are_doubled() -> None:
    """By whatever names they go."""
    config = config_of(
        {name: {"class": FILE, "filename": "app.log"} for name in ("a", "b")},
        {"level": "INFO", "handlers": ["a", "b"]},
    )
    (finding,) = findings_of(config)
    assert (finding.code, finding.place) == ("doubled", "handlers.b")


def test_levels_that_cannot_meet_and_loose_ends_are_told() -> None:
    """Handlers above all of a logger's records, a root without a level, nobody's handlers."""
    config = config_of(
        {
            "app": {"class": FILE, "filename": "app.log", "level": "ERROR"},
            "loose": {"class": "logging.NullHandler"},
            "spare": {"class": FILE, "filename": "spare.log"},
            "main": {"class": FILE, "filename": "main.log", "failover": "spare"},
        },
        {"handlers": ["main"]},
        loggers={
            "shop": {"level": "INFO", "handlers": ["app"], "propagate": False},
            "silent": {"level": "INFO", "propagate": False},
        },
    )
    found = {(one.code, one.place) for one in findings_of(config)}
    assert found == {
        ("level", "root.level"),
        ("level", "handlers.app"),
        ("dropped", "loggers.silent.handlers"),
        ("unattached", "handlers.loose"),
    }


def test_files_are_examined(folder: Path) -> None:
    """Modes, folders in the place of files, files in the place of folders, missing folders."""
    (folder / "open.log").touch()
    (folder / "open.log").chmod(0o644)
    (folder / "wide.log").touch()
    (folder / "wide.log").chmod(0o666)
    (folder / "folder.log").mkdir()
    (folder / "file").touch()
    shared = folder / "shared"
    shared.mkdir()
    shared.chmod(0o777)
    names = {
        "a": "open.log",
        "b": "wide.log",
        "c": "folder.log",
        "d": "file/app.log",
        "e": "shared/app.log",
        "f": "/proc/none/app.log",
    }
    handlers: dict[str, dict[str, object]] = {
        key: {"class": FILE, "filename": name} for key, name in names.items()
    }
    handlers["g"] = {"class": FILE, "filename": "g.log", "file_mode": "0644"}
    handlers["i"] = {"class": f"{__name__}.OwnHandler", "filename": "made/by/it.log"}
    handlers["h"] = {"class": "logging.FileHandler", "filename": "missing/app.log"}
    config = config_of(handlers, {"level": "INFO", "handlers": list(handlers)})
    found = {one.place: one for one in findings_of(config)}
    said = {
        "handlers.a.filename": "everybody can read",
        "handlers.b.filename": "everybody can write",
        "handlers.c.filename": "is a folder",
        "handlers.d.filename": "is not a folder",
        "handlers.e.filename": "everybody can remove and replace files",
        "handlers.f.filename": "cannot be written by user",
        "handlers.g.file_mode": "0644 lets everybody read",
        "handlers.h.filename": "does not exist",
    }
    if os.access("/proc", os.W_OK):  # the superuser, to whom the system says so only when it tries
        del said["handlers.f.filename"]
    assert {place: text for place, text in said.items() if text in found[place].message} == said
    assert not any(place.startswith("handlers.i") for place in found)
    assert found["handlers.a.filename"].cure == f"chmod 640 {folder / 'open.log'}"


def test_a_database_file_is_read_without_a_trace(folder: Path) -> None:
    """One in WAL mode as well; what is no database is told."""
    connection = sqlite3.connect(folder / "jobs.db")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    (folder / "jobs.db").chmod(0o600)
    (folder / "text.db").write_text("this is no database, and long enough to look at\n" * 50)
    (folder / "text.db").chmod(0o600)
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    config = config_of(
        {
            "good": {"class": JOBS, "url": "sqlite:///jobs.db"},
            "new": {"class": JOBS, "url": f"sqlite:///{folder}/new/jobs.db"},
            "bad": {"class": JOBS, "url": "sqlite:///text.db"},
        },
        {"level": "INFO", "handlers": ["good", "new", "bad"]},
    )
    (finding,) = findings_of(config)
    assert (finding.code, finding.place) == ("database", "handlers.bad.url")
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_somebody_elses_file_is_told_and_its_mode_left_alone(folder: Path) -> None:
    """Nobody is advised to close the users' list of the system, which a mistyped URL names."""
    for name, content in (("users", "root:x:0:0::/root:/bin/sh\n"), ("empty", "")):
        (folder / name).write_text(content)
        (folder / name).chmod(0o644)
    (folder / "damaged").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    (folder / "damaged").chmod(0o600)
    handlers = {
        "jobs": {"class": JOBS, "url": "sqlite:///users"},
        "audit": {"class": "zotify_logging.JsonAuditHandler", "filename": "users"},
        "own": {"class": JOBS, "url": "sqlite:///empty"},
        "old": {"class": JOBS, "url": "sqlite:///damaged"},
    }
    found = findings_of(config_of(handlers, {"level": "INFO", "handlers": list(handlers)}))
    assert {(one.place.split(".")[1], one.cure) for one in found} == {
        ("jobs", "name another file"),
        ("audit", "name another file"),
        ("own", f"chmod 640 {folder}/empty"),
        ("old", "restore it, or move it away: a new one is made"),
    }


def test_a_database_that_says_nothing_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a few seconds, whatever its driver thinks; its password stays inside."""
    monkeypatch.setattr("zotify_logging.cli.sink_checks.CONNECT_TIMEOUT", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"mariadb+pymysql://joe:s3cr3t@127.0.0.1:{deaf.getsockname()[1]}/logs"
        config = config_of(
            {"jobs": {"class": JOBS, "url": url}}, {"level": "INFO", "handlers": ["jobs"]}
        )
        (finding,) = findings_of(config)
    assert finding.message == "the database did not answer within 0.3 s"
    for thread in threading.enumerate():
        if thread.name == "doctor":
            thread.join(10)


def test_a_missing_driver_is_told_with_its_installation() -> None:
    """Without a word of the URL that is secret."""
    handlers = {
        "jobs": {"class": JOBS, "url": "oracle://joe:s3cr3t@h/x"},
        "none": {"class": JOBS, "url": "cobol://joe:s3cr3t@h/x"},
    }
    found = findings_of(config_of(handlers, {"level": "INFO", "handlers": [*handlers]}))
    by_place = {one.place: one for one in found}
    assert by_place["handlers.jobs.url"].cure.startswith("pip install ")
    assert "no database 'cobol'" in by_place["handlers.none.url"].message
    assert "use sqlite, postgresql+psycopg or" in by_place["handlers.none.url"].cure
    assert "s3cr3t" not in str(found)


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("none.toml", "none.toml: cannot be read"),
        ("no_such_module:LOGGING", "cannot be imported: ModuleNotFoundError"),
        ("json:LOADS", "there is no 'LOADS'; did you mean"),
        ("json:loads", "must be a dictConfig mapping, is function"),
        ("logging.ini", "unknown kind of file"),
    ],
)
def test_a_configuration_that_cannot_be_read_is_exit_code_2(
    capsys: pytest.CaptureFixture[str], source: str, said: str
) -> None:
    """One line, no traceback."""
    if source.startswith("json:LOADS"):
        source = "json:load_s"
        said = "there is no 'load_s'; did you mean load"
    assert main(["doctor", source]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


def test_a_wrong_level_is_exit_code_2(capsys: pytest.CaptureFixture[str]) -> None:
    """With the level that was meant."""
    Path("c.json").write_text("{}")
    assert main(["doctor", "c.json", "--level", "WARNIN"]) == 2
    assert "did you mean WARNING?" in capsys.readouterr().err


def test_colours_are_for_terminals_that_want_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """NO_COLOR and a dumb terminal switch them off."""
    from zotify_logging.cli.terminal import paint

    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert paint("x", "error", sys.stdout) == "\x1b[31mx\x1b[0m"
    monkeypatch.setenv("NO_COLOR", "1")
    assert paint("x", "error", sys.stdout) == "x"
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")
    assert paint("x", "error", sys.stdout) == "x"


NAMES = st.sampled_from(["app", "root", "all", "", "x.y", "class", "handlers", "level"])
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | NAMES
    | st.sampled_from(["DEBUG", FILE, SERVICE, JOBS, "logging.NullHandler", "cfg://x", "a/b.log"])
    | st.sampled_from(["sqlite:///x.db", "sqlite://", "none://joe:s3cr3t@h/x", "\0"]),
    lambda inner: st.lists(inner, max_size=3)
    | st.dictionaries(
        NAMES | st.sampled_from(["filename", "url", "dispatch", "propagate", "()"]), inner
    ),
    max_leaves=12,
)
SECTIONS = st.sampled_from(["version", "handlers", "loggers", "root", "formatters", "filters"])


@settings(
    max_examples=sized(150, 5_000),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(config=st.dictionaries(SECTIONS, VALUES), name=NAMES, level=st.integers(0, 60))
def test_no_mapping_is_too_wrong(config: Mapping[str, object], name: str, level: int) -> None:
    """Whatever is in it, something is said about it, and nothing is raised or made."""
    left = sorted(os.listdir())
    tree = plan_tree(config)
    found = [*examine(config, tree), *check_record(tree, name, level)]
    assert found
    assert all(finding.code in CODES and finding.cure for finding in found)
    assert sorted(os.listdir()) == left


def test_every_kind_of_finding_is_explained() -> None:
    """The table of codes is what the page of the command line shows."""
    page = Path(__file__).parent.parent / "docs/recipes/command_line.md"
    for code, meaning in CODES.items():
        assert f"| `{code}` | {meaning[0].upper()}{meaning[1:]}. |" in page.read_text()


def test_what_a_module_prints_is_no_part_of_the_report(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It goes to standard error; one that ends the process while it is imported is told."""
    monkeypatch.syspath_prepend(str(folder))
    config = config_of({"c": {"class": "logging.StreamHandler"}}, {"level": 20, "handlers": ["c"]})
    (folder / "talkative_app.py").write_text(f"print('hello')\nLOGGING = {config!r}\n")
    (folder / "leaving_app.py").write_text("raise SystemExit('bye')\n")
    (folder / "lazy_app.py").write_text(
        "class Lazy(dict):\n    def items(self):\n        raise LookupError('later')\n\n"
        "LOGGING = Lazy()\n"
    )
    assert main(["doctor", "talkative_app:LOGGING", "--json"]) == 0
    said = capsys.readouterr()
    assert (json.loads(said.out)["findings"], said.err) == ([], "hello\n")
    for module, reason in (("leaving_app", "SystemExit: bye"), ("lazy_app", "LookupError: later")):
        assert main(["doctor", f"{module}:LOGGING"]) == 2
        assert f"cannot be imported: {reason}" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("source", "cure"),
    [
        ("app.py", "app:LOGGING"),
        ("app.py:CONFIG", "app:CONFIG"),
        ("./conf/app.py:CONFIG", "app:CONFIG"),
        ("app:", "app:LOGGING"),
        (":CONFIG", "myapp.settings:CONFIG"),
    ],
)
def test_a_python_file_is_named_as_a_module(
    folder: Path, source: str, cure: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The message has the words to write."""
    assert main(["doctor", source]) == 2
    assert f"name the module and its attribute, such as {cure}\n" in capsys.readouterr().err


def test_an_incremental_configuration_has_no_tree_of_its_own() -> None:
    """It names levels of handlers and loggers that are made elsewhere."""
    config = {"version": 1, "incremental": True, "handlers": {"a": {"level": "INFO"}}}
    assert findings_of(config) == []


def test_foreign_handlers_formatters_and_filters_are_examined_too() -> None:
    """What dictConfig would refuse is found: options, factories, formats; and nothing else."""
    config = config_of(
        {
            "roll": {
                "class": "logging.handlers.RotatingFileHandler",
                "filename": "cfg://paths.log",
                "maxByte": 5,
            },
            "out": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout"},
            "mail": {"class": "logging.handlers.MemoryHandler", "capacity": 9, "target": "out"},
        },
        {"level": "INFO", "handlers": ["roll", "out", "mail"]},
        paths={"log": "app.log"},
        formatters={
            "lost": {"()": "ext://logging.NoFormatter"},
            "bad": {"format": "%(message"},
            "style": {"format": "{message}", "style": "{", "datefmt": "%H"},
            "own": {"()": "zotify_logging.JsonFormatter"},
            "text": "%(message)s",
        },
        filters={"by_name": {"name": "app"}, "gone": {"()": "logging.NoFilter"}},
    )
    found = {finding.place for finding in findings_of(config) if finding.code == "option"}
    assert found == {
        "handlers.roll.maxByte",
        "formatters.lost.()",
        "formatters.bad.format",
        "formatters.text",
        "filters.gone.()",
    }


def test_without_standard_streams_the_exit_code_tells(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A job that was started with all of them closed."""
    config = config_of({}, {"level": "INFO", "handlers": []})
    (folder / "logging.json").write_text(json.dumps(config))
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", None)
        patch.setattr(sys, "stderr", None)
        assert main(["doctor", "logging.json"]) == 3
