"""What processes publish about their handlers, and how it is read, summed and cleaned."""

from __future__ import annotations

import json
import logging
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from waiting import wait_until

from zotify_logging import FileStreamHandler
from zotify_logging.__main__ import main
from zotify_logging.published import (
    ProcessMark,
    Publisher,
    WorkerReport,
    describe_handlers,
    publish_statistics,
    read_reports,
    sum_of,
)
from zotify_logging.published.run_file import KEEP_DEAD, KEEP_ENDED, MAX_BYTES, RunFile

CHILD = """
import logging.config, sys, time
from zotify_logging.published import publish_statistics
logging.config.dictConfig({"version": 1, "handlers": {"app": {
    "class": "zotify_logging.FileStreamHandler", "filename": sys.argv[1] + "/app.log"}},
    "root": {"level": "INFO", "handlers": ["app"]}})
for number in range(3):
    logging.info("line")
publish_statistics(sys.argv[1] + "/run", "shop")
print("ready", flush=True)
sys.stdin.readline()
"""


class Later:
    """A clock that is ahead by some seconds."""

    def __init__(self, seconds: float) -> None:
        self._ahead = int(seconds * 1e9)

    def time_ns(self) -> int:
        """Return the time that it will be."""
        return time.time_ns() + self._ahead

    def monotonic(self) -> float:
        """Return the same, from elsewhere."""
        return time.monotonic() + self._ahead / 1e9


def handler_of(folder: Path, name: str = "app") -> FileStreamHandler:
    """Return a handler that has written one record."""
    handler = FileStreamHandler(folder / f"{name}.log", level="INFO")
    handler.name = name
    handler.handle(logging.makeLogRecord({"msg": "x", "levelno": logging.INFO}))
    return handler


def states(folder: Path) -> list[str]:
    """Return the states of all reports."""
    return [report.state for report in read_reports(folder)]


def test_a_process_publishes_its_handlers_and_its_end(tmp_path: Path) -> None:
    """At once, every interval, and at the end; readable by the group, never half written."""
    handler = handler_of(tmp_path)
    publisher = Publisher(tmp_path / "run", "shop", interval=0.02, extra=lambda: {"revision": 7})
    publisher.start()
    (report,) = read_reports(tmp_path / "run")
    assert (report.state, report.application, report.extra) == ("live", "shop", {"revision": 7})
    assert report.mark == ProcessMark.of_this_process()
    assert report.handlers == json.loads(json.dumps(describe_handlers()))
    assert report.handlers["app"]["level"] == "INFO"
    assert stat.S_IMODE((tmp_path / "run" / f"{os.getpid()}.json").stat().st_mode) == 0o640
    handler.setLevel("DEBUG")
    wait_until(lambda: read_reports(tmp_path / "run")[0].handlers["app"]["level"] == "DEBUG")
    publisher.close()
    publisher.close()
    publisher.publish()
    assert states(tmp_path / "run") == ["ended"]
    assert os.listdir(tmp_path / "run") == [f"{os.getpid()}.json"]


def test_several_processes_are_summed_and_the_dead_are_told(tmp_path: Path) -> None:
    """One is killed, one ends, one goes on: each with its state, the sum over who runs."""
    workers = [
        subprocess.Popen(
            [sys.executable, "-c", CHILD, str(tmp_path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for worker in workers:
        assert worker.stdout is not None and worker.stdout.readline() == b"ready\n"
    wait_until(lambda: _accepted(tmp_path / "run") == 9)
    workers[0].send_signal(signal.SIGKILL)
    workers[1].communicate(b"\n")
    workers[0].communicate()
    by_pid = {report.mark.pid: report.state for report in read_reports(tmp_path / "run")}
    assert [by_pid[worker.pid] for worker in workers] == ["dead", "ended", "live"]
    assert _accepted(tmp_path / "run") == 3
    done = subprocess.run(
        [sys.executable, "-m", "zotify_logging", "stats", str(tmp_path), "--json"],
        capture_output=True,
        text=True,
    )
    document = json.loads(done.stdout)
    assert done.returncode == 3  # a process is dead
    assert sorted(one["state"] for one in document["workers"]) == ["dead", "ended", "live"]
    assert document["sum"]["app"]["statistics"]["written"] == 3
    text = subprocess.run(
        [sys.executable, "-m", "zotify_logging", "stats", str(tmp_path / "run")],
        capture_output=True,
        text=True,
    ).stdout
    assert "sum of 1 running process\n" in text
    assert f"shop {workers[0].pid}: dead, published " in text
    workers[2].communicate(b"\n")


def _accepted(folder: Path) -> object:
    statistics = sum_of(read_reports(folder)).get("app", {}).get("statistics")
    return statistics.get("accepted") if isinstance(statistics, dict) else None


def test_stats_tells_where_nothing_is_and_who_is_unwell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit codes 1 and 3; one line with the cure, or the handler with its reasons."""
    assert main(["stats", str(tmp_path / "none")]) == 1
    assert "no such folder; name the application's data folder" in capsys.readouterr().err
    assert main(["stats", str(tmp_path)]) == 1
    assert "no process publishes here" in capsys.readouterr().err
    one = {
        "kind": "FileStreamHandler",
        "level": "INFO",
        "enabled": False,
        "health": {"status": "degraded", "reasons": ["records were not written\x1b[2J"]},
        "statistics": {"accepted": 3, "written": 1, "failed": {"ENOSPC": 2}},
    }
    RunFile(tmp_path / "run", "shop", 2.0).write({"app": one})
    assert main(["stats", str(tmp_path)]) == 3
    shown = capsys.readouterr().out
    assert shown.count("app INFO, disabled: degraded; 3 accepted, 1 written, 0 queued") == 2
    assert "failed ENOSPC 2" in shown
    assert "\x1b" not in shown


def test_stats_tells_by_its_exit_code_whether_anything_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 while a process runs, 3 when all have ended, as well as they were."""
    file = RunFile(tmp_path, "shop", 2.0)
    file.write({})
    assert main(["stats", str(tmp_path)]) == 0
    file.write({}, ended=True)
    assert main(["stats", str(tmp_path)]) == 3
    assert "sum of 0 running processes" in capsys.readouterr().out


def test_stats_of_an_empty_name_is_wrong_usage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Of a variable that is not set; what the current folder holds is not shown in its place."""
    monkeypatch.chdir(tmp_path)
    RunFile(tmp_path / "run", "shop", 2.0).write({})
    assert main(["stats", ""]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "DIR: is empty; name the application's data folder" in shown.err


def test_a_process_that_says_nothing_is_stale_and_a_reused_number_is_dead(tmp_path: Path) -> None:
    """Silence for three intervals; another start under the same number."""
    file = RunFile(tmp_path, "shop", 2.0)
    file.write({})
    assert states(tmp_path) == ["live"]
    assert [report.state for report in read_reports(tmp_path, Later(7))] == ["stale"]
    document = json.loads(file.path.read_text())
    file.path.write_text(json.dumps({**document, "started": "1"}))
    assert states(tmp_path) == ["dead"]
    # Numbers of another machine say nothing about this one: the time of the report has to do.
    file.path.write_text(json.dumps({**document, "started": "1", "host": "elsewhere"}))
    assert states(tmp_path) == ["live"]


def test_files_of_processes_long_gone_are_cleaned(tmp_path: Path) -> None:
    """After a minute or ten, so that somebody can look; nothing else in the folder is touched."""
    file = RunFile(tmp_path, "shop", 2.0)
    file.write({})
    document = json.loads(file.path.read_text())
    dead, ended = tmp_path / "4194305.json", tmp_path / "4194306.json"
    dead.write_text(json.dumps({**document, "pid": 4194305}))
    ended.write_text(json.dumps({**document, "pid": 4194306, "ended": True}))
    (tmp_path / "sync-1.lock").touch()
    file.clean()
    assert dead.exists() and ended.exists()
    RunFile(tmp_path, "shop", 2.0, Later(KEEP_ENDED + 1)).clean()
    assert dead.exists() and not ended.exists()
    RunFile(tmp_path, "shop", 2.0, Later(KEEP_DEAD + 1)).clean()
    assert sorted(os.listdir(tmp_path)) == sorted([file.path.name, "sync-1.lock"])


@given(
    st.binary(max_size=200)
    | st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
        max_leaves=5,
    ).map(lambda value: json.dumps({"version": 1, "pid": 12, "handlers": value}).encode())
)
def test_what_is_no_report_is_passed_over(
    tmp_path_factory: pytest.TempPathFactory, data: bytes
) -> None:
    """Whatever lies there under a number's name."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "12.json").write_bytes(data)
    assert read_reports(folder) == []


def test_other_kinds_of_files_are_passed_over(tmp_path: Path) -> None:
    """Links, pipes, folders, names that are no number, what is too long."""
    file = RunFile(tmp_path / "real", "shop", 2.0)
    file.write({})
    (tmp_path / "1.json").symlink_to(file.path)
    os.mkfifo(tmp_path / "2.json")
    (tmp_path / "3.json").mkdir()
    (tmp_path / "x.json").write_bytes(file.path.read_bytes())
    (tmp_path / "4.json").write_bytes(b" " * (MAX_BYTES + 1))
    assert read_reports(tmp_path) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("pid", "99999999999"),
        ("pid", "9999999999"),
        ("updated_us", "Infinity"),
        ("interval", "1" + "0" * 400),
        ("handlers", '{"\\ud800": {}}'),
        ("handlers", "[1, 2]"),
    ],
)
def test_numbers_and_texts_that_nobody_can_use_are_passed_over(
    tmp_path: Path, field: str, value: str
) -> None:
    """A process number past the system's, a time without end, half of a surrogate pair."""
    file = RunFile(tmp_path, "shop", 2.0)
    file.write({})
    document = json.loads(file.path.read_text()) | {field: "HERE"}
    name = value if field == "pid" else str(os.getpid())
    file.path.unlink()
    (tmp_path / f"{name}.json").write_text(json.dumps(document).replace('"HERE"', value))
    assert read_reports(tmp_path) == []
    file.clean()


def test_a_pipe_in_the_place_of_the_report_stops_nobody(tmp_path: Path) -> None:
    """Nobody reads it: that report is left out, and the next one too."""
    publisher = publish_statistics(tmp_path)
    os.mkfifo(tmp_path / f"{os.getpid()}.partial")
    publisher.publish()
    publisher.close()
    assert [report.state for report in read_reports(tmp_path)] == ["live"]


def test_a_forked_child_publishes_nothing_under_its_parents_number(tmp_path: Path) -> None:
    """Until it calls for it itself."""
    publisher = publish_statistics(tmp_path, "parent")
    pid = os.fork()
    if pid == 0:
        publisher.publish()
        publisher.close()
        publish_statistics(tmp_path, "child").close()
        os._exit(0)
    os.waitpid(pid, 0)
    names = {report.mark.pid: report.application for report in read_reports(tmp_path)}
    assert names == {os.getpid(): "parent", pid: "child"}
    publisher.close()


def test_a_folder_that_goes_away_stops_reports_and_nothing_else(tmp_path: Path) -> None:
    """The application goes on; a folder that cannot be made is told at the start."""
    publisher = publish_statistics(tmp_path / "run")
    (tmp_path / "run" / f"{os.getpid()}.json").unlink()
    (tmp_path / "run").rmdir()
    (tmp_path / "run").touch()
    publisher.publish()
    publisher.close()
    with pytest.raises(OSError, match="run"):
        publish_statistics(tmp_path / "run")


def test_the_sum_takes_the_worst_and_says_where_levels_differ() -> None:
    """Counters are added, reasons joined, the rest kept where all agree."""
    here = ProcessMark.of_this_process()

    def report(level: str, status: str, reasons: list[str]) -> WorkerReport:
        one = {
            "kind": "FileStreamHandler",
            "level": level,
            "enabled": True,
            "health": {"status": status, "reasons": reasons},
            "statistics": {"accepted": 2, "dropped": {"overflow": 1}, "last_error": None},
        }
        return WorkerReport(here, "shop", "live", "", "", {"app": one}, {})

    total = sum_of(
        [
            report("INFO", "degraded", ["a"]),
            report("DEBUG", "failing", ["b"]),
            report("INFO", "ok", []),
        ]
    )
    assert total["app"] == {
        "kind": "FileStreamHandler",
        "level": None,
        "enabled": True,
        "health": {"status": "failing", "reasons": ["a", "b"]},
        "workers": 3,
        "statistics": {"accepted": 6, "dropped": {"overflow": 3}, "last_error": None},
    }


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["accepted", "dropped", "last_error"]),
            st.none()
            | st.integers()
            | st.text(max_size=3)
            | st.lists(st.none(), max_size=1)
            | st.dictionaries(st.text(max_size=2), st.integers() | st.text(max_size=2)),
        ),
        max_size=4,
    )
)
def test_statistics_of_another_form_are_summed_as_far_as_they_go(
    given_statistics: list[dict[str, object]],
) -> None:
    """Workers of two versions: whatever each calls a counter, nothing is raised."""
    here = ProcessMark.of_this_process()
    reports = [
        WorkerReport(here, "shop", "live", "", "", {"app": {"statistics": one}}, {})
        for one in given_statistics
    ]
    total = sum_of(reports)
    assert {name: one["workers"] for name, one in total.items()} == (
        {"app": len(reports)} if reports else {}
    )
