"""Behaviour of the command line ``zotify-logs``."""

from __future__ import annotations

import argparse
import json
import logging
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from log_writer import LogWriter
from waiting import wait_until

from zotify_logging.__main__ import main
from zotify_logging.audit.event import AuditEvent
from zotify_logging.audit.trail import AuditTrail
from zotify_logging.cli.main import build_parser
from zotify_logging.cli.tail import unfold_exception
from zotify_logging.handlers.database_job_log import DatabaseJobLogHandler
from zotify_logging.sanitizing import escape_line

COMMAND = [sys.executable, "-m", "zotify_logging"]
HEAD = "2026-11-22T10:00:00.000000Z"
EXCEPTION = (
    rf"{HEAD} ERROR app failed in C:\new"
    r"\nTraceback (most recent call last):\n  File \"x\"\nKeyError"
)


@pytest.fixture
def log(tmp_path: Path) -> LogWriter:
    """Return a log of two files."""
    writer = LogWriter(tmp_path / "app.log")
    writer.lines(f"{HEAD} INFO app one", f"{HEAD} WARNING app.db two")
    writer.rotate()
    writer.lines(f"{HEAD} INFO app three")
    return writer


def run(capfdbinary: pytest.CaptureFixture[bytes], *arguments: str) -> tuple[int, str, str]:
    """Run a command in this process; return exit code, output and errors."""
    code = main(arguments)
    out, err = capfdbinary.readouterr()
    return code, out.decode(), err.decode()


def test_tail_prints_the_last_records(
    log: LogWriter, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Across rotated files, filtered, as plain lines."""
    code, out, err = run(capfdbinary, "tail", str(log.path), "-n", "2")
    assert (code, err) == (0, "")
    assert out == f"{HEAD} WARNING app.db two\n{HEAD} INFO app three\n"
    assert run(capfdbinary, "tail", str(log.path), "--level", "WARNING")[1].count("\n") == 1
    assert run(capfdbinary, "tail", str(log.path), "--logger", "app.db")[1].count("\n") == 1
    assert run(capfdbinary, "tail", str(log.path), "--grep", "THREE")[1].count("\n") == 1


def test_json_carries_the_cursor_to_go_on_with(
    log: LogWriter, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Each object has its cursor; ``--after`` goes on behind it."""
    out = run(capfdbinary, "tail", str(log.path), "-n", "all", "--json")[1]
    records = [json.loads(line) for line in out.splitlines()]
    assert [record["type"] for record in records] == ["log", "log", "log", "end"]
    code, out, _ = run(capfdbinary, "tail", str(log.path), "--after", records[1]["cursor"])
    assert (code, out) == (0, f"{HEAD} INFO app three\n")


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["tail", "{}.none"], 1, "no such file; with -f it is waited for"),
        (["tail", "{}", "--after", "zz"], 2, "not a position in a log"),
        (["tail", "{}", "--level", "LOUD"], 2, "level: 'LOUD' is not a level"),
        (["tail", "{}", "-n", "-3"], 2, "tail: '-3' is not a number from 0 up"),
        (["tail", "/"], 1, "not a regular file"),
        (["audit", "verify", "{}.none"], 2, "no such trail"),
        ([], 2, "name a command"),
    ],
)
def test_errors_are_one_line_with_the_cure(
    log: LogWriter,
    capfdbinary: pytest.CaptureFixture[bytes],
    arguments: list[str],
    code: int,
    message: str,
) -> None:
    """Exit codes tell wrong usage (2) from failure (1)."""
    got, out, err = run(capfdbinary, *(part.format(log.path) for part in arguments))
    assert got == code
    assert message in out + err
    assert "Traceback" not in err


def test_unknown_options_are_usage(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """argparse's own refusals leave with 2 as well."""
    with pytest.raises(SystemExit) as caught:
        main(["tail", "--nonsense"])
    assert caught.value.code == 2
    assert b"required: FILE" in capfdbinary.readouterr().err


@pytest.mark.parametrize("arguments", [["-h"], ["tail", "-h"], ["audit", "verify", "-h"]])
def test_help_is_there(arguments: list[str], capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    """Every command explains itself."""
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 0
    assert len(capfdbinary.readouterr().out) > 300


def leaves(parser: argparse.ArgumentParser, path: str = "") -> dict[str, argparse.ArgumentParser]:
    """Return the parsers of all commands that do something, by their words."""
    groups = [one for one in parser._actions if isinstance(one, argparse._SubParsersAction)]
    if not groups:
        return {path: parser}
    found: dict[str, argparse.ArgumentParser] = {}
    for name, below in groups[0].choices.items():
        found.update(leaves(below, f"{path} {name}".strip()))
    return found


def test_every_command_speaks_json_and_tells_its_arguments() -> None:
    """``--json`` is nowhere missing, and no option is without an explanation."""
    commands = leaves(build_parser())
    assert set(commands) >= {"tail", "audit verify", "jobs list", "jobs show", "doctor", "stats"}
    for words, parser in commands.items():
        assert "--json" in parser._option_string_actions, words
        assert all(action.help for action in parser._actions), words


@pytest.mark.parametrize("rich", [True, False])
def test_long_work_says_so_on_a_terminal_only(rich: bool) -> None:
    """With rich or without, on standard error, and gone when the work is done."""
    program = (
        "import sys, time\n"
        f"if not {rich}: sys.modules['rich.console'] = None\n"
        "from zotify_logging.cli import terminal\n"
        "terminal.PATIENCE = 0.05\n"
        "with terminal.working('counting'): time.sleep(0.6)\n"
        "print('done')\n"
    )
    command = [sys.executable, "-c", program]
    leader, follower = pty.openpty()
    env = {**os.environ, "TERM": "xterm", "NO_COLOR": "1"}
    child = subprocess.Popen(command, stderr=follower, stdout=subprocess.PIPE, env=env)
    os.close(follower)
    shown = b""
    try:
        while piece := os.read(leader, 4096):
            shown += piece
    except OSError:  # so ends a terminal whose other side is closed
        pass
    os.close(leader)
    assert child.communicate()[0] == b"done\n"
    assert "counting …".encode() in shown
    assert b"\x1b[31m" not in shown
    quiet = subprocess.run(command, capture_output=True)
    assert (quiet.stdout, quiet.stderr) == (b"done\n", b"")


def test_version_is_the_distributions(tmp_path: Path) -> None:
    """``--version`` prints one line."""
    out = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, cwd=tmp_path)
    assert out.returncode == 0
    assert out.stdout.startswith("zotify-logs ")


def test_only_exceptions_are_unfolded() -> None:
    """A Windows path stays in one piece, and continuation lines cannot pass for records."""
    assert unfold_exception(EXCEPTION).splitlines() == [
        rf"{HEAD} ERROR app failed in C:\new",
        "  Traceback (most recent call last):",
        r"    File \"x\"",
        "  KeyError",
    ]
    assert (
        unfold_exception(rf"{HEAD} INFO app C:\new\nothing") == rf"{HEAD} INFO app C:\new\nothing"
    )


def test_a_pipe_gets_lines_as_they_are(
    log: LogWriter, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """Folded unless asked otherwise."""
    log.lines(EXCEPTION)
    assert run(capfdbinary, "tail", str(log.path), "-n1")[1] == f"{EXCEPTION}\n"
    assert run(capfdbinary, "tail", str(log.path), "-n1", "--unfold")[1].count("\n") == 4


def test_a_terminal_is_protected_and_unfolded(log: LogWriter, tmp_path: Path) -> None:
    """Control characters of foreign lines are shown escaped on a terminal."""
    log.lines("\x1b[2Jforged", EXCEPTION)
    leader, follower = pty.openpty()
    child = subprocess.Popen(
        [*COMMAND, "tail", str(log.path), "-n2"], stdout=follower, cwd=tmp_path
    )
    os.close(follower)
    shown = b""
    while b"KeyError" not in shown:
        shown += os.read(leader, 4096)
    assert child.wait(10) == 0
    os.close(leader)
    assert escape_line("\x1b[2Jforged").encode() in shown
    assert b"\x1b" not in shown
    assert b"\r\n  Traceback" in shown


def test_following_ends_quietly_with_ctrl_c(log: LogWriter, tmp_path: Path) -> None:
    """New lines appear as they come, across rotation; Ctrl-C leaves with 130 and no traceback."""
    output = tmp_path / "out"
    with open(output, "wb") as out, open(tmp_path / "err", "wb") as err:
        child = subprocess.Popen(
            [*COMMAND, "tail", str(log.path), "-f", "-n1"], stdout=out, stderr=err, cwd=tmp_path
        )
    wait_until(lambda: output.read_text().count("\n") == 1)
    log.rotate()
    log.lines(f"{HEAD} INFO app four")
    wait_until(lambda: "four" in output.read_text())
    child.send_signal(signal.SIGINT)
    assert child.wait(10) == 130
    assert (tmp_path / "err").read_text() in ("", "-- zotify: rotated --\n")


def test_a_closed_pipe_is_no_error(tmp_path: Path) -> None:
    """``| head -1`` ends the command with 0 and nothing on standard error."""
    log = LogWriter(tmp_path / "app.log")
    log.write("line\n" * 100_000)
    child = subprocess.Popen(
        [*COMMAND, "tail", str(log.path), "-n", "all"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
    )
    assert child.stdout is not None and child.stderr is not None
    assert child.stdout.readline() == b"line\n"
    child.stdout.close()
    assert child.wait(10) == 0
    assert child.stderr.read() == b""
    child.stderr.close()


def test_audit_verify_reports_state_and_code(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """A whole trail is verified (0); a changed byte is named with its place (1)."""
    path = tmp_path / "audit.jsonl"
    trail = AuditTrail(str(path))
    for number in range(3):
        trail.append(AuditEvent(event_type="config.changed", message=f"edit{number}"))
    trail.close()
    code, out, _ = run(capfdbinary, "audit", "verify", str(path))
    assert (code, ": verified; " in out) == (0, True)
    path.write_bytes(path.read_bytes().replace(b"edit1", b"edit9"))
    code, out, _ = run(capfdbinary, "audit", "verify", str(path), "--json")
    report = json.loads(out)
    assert (code, report["state"]) == (1, "broken")
    (number,) = (
        at for at, line in enumerate(path.read_bytes().splitlines(), 1) if b"edit9" in line
    )
    assert report["findings"][0]["line"] == number


def test_jobs_are_listed_and_shown(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    """By URL or by the path of a SQLite file; an unknown job is told with the cure."""
    path = tmp_path / "jobs.db"
    logger = logging.getLogger("zotify_logging_cli_jobs")
    logger.setLevel(logging.INFO)
    handler = DatabaseJobLogHandler(url=f"sqlite:///{path}")
    logger.addHandler(handler)
    for number in range(3):
        logger.info("line %d\nmore", number, extra={"job_id": "j1"})
    logger.error("bad", extra={"job_id": "j1"})
    assert handler.flush(10)
    handler.close()
    code, out, _ = run(capfdbinary, "jobs", "list", str(path))
    assert (code, "j1" in out, "4 lines, 0 warnings, 1 errors" in out) == (0, True, True)
    code, out, _ = run(capfdbinary, "jobs", "show", f"sqlite:///{path}", "j1")
    assert (code, out.count("\n"), out.count("\n  more\n")) == (0, 7, 3)
    code, out, _ = run(capfdbinary, "jobs", "show", str(path), "j1", "--level", "ERROR", "--json")
    assert [json.loads(line)["message"] for line in out.splitlines()] == ["bad"]
    code, _, err = run(capfdbinary, "jobs", "show", str(path), "j2")
    assert (code, "jobs list" in err) == (1, True)
    code, _, err = run(capfdbinary, "jobs", "list", str(tmp_path / "none.db"))
    assert (code, "none.db" in err) == (1, True)
