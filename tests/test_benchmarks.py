"""Every benchmark runs, and prints what the performance page asks for."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = sorted(
    path
    for path in (ROOT / "benchmarks").glob("*.py")
    if "read_plan(" in path.read_text(encoding="utf-8") and path.name != "harness.py"
)


def quick(script: Path, directory: Path) -> str:
    """Run ``script --quick`` with its files below ``directory`` and return what it prints."""
    done = subprocess.run(
        [sys.executable, "-W", "error", script, "--quick", "--directory", directory],
        cwd=directory,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stderr == ""
    return done.stdout


@pytest.mark.parametrize("script", SCRIPTS, ids=[script.stem for script in SCRIPTS])
def test_says_where_its_figures_come_from(script: Path, tmp_path: Path) -> None:
    """The output opens with the machine, closes clean, and admits that quick proves nothing.

    A peer that lost a line would have ended the run with an error.
    """
    text = quick(script, tmp_path)
    assert text.startswith("machine: ")
    assert f"CPython {sys.version.split()[0]}" in text.splitlines()[0]
    assert "nothing about speed" in text
    assert list(tmp_path.iterdir()) == []


def test_emit_prints_every_question_with_its_peers(tmp_path: Path) -> None:
    """E1, E2, E4 and I1 each have a table, all peers, and a verdict for every goal."""
    text = quick(ROOT / "benchmarks" / "emit.py", tmp_path)
    for title in ("E1 one logger.info, text", "E2 one logger.info, JSON", "E4 ", "I1 import"):
        assert re.search(rf"^{title}", text, re.MULTILINE), title
    peers = {
        "NullHandler": "logging",
        "FileHandler": "logging",
        "RotatingFileHandler": "logging",
        "concurrent-log-handler": "concurrent_log_handler",
        "loguru": "loguru",
        "structlog": "structlog",
        "picologging": "picologging",
        "python-json-logger (json)": "pythonjsonlogger",
        "python-json-logger (orjson)": "orjson",
        "python-json-logger (msgspec)": "msgspec",
    }
    for name, module in peers.items():
        row = re.search(rf"^  {re.escape(name)} +(\d+\.\d+|absent)", text, re.MULTILINE)
        assert row is not None, name
        assert (row[1] == "absent") == (importlib.util.find_spec(module) is None), name
    verdicts = re.findall(
        r"^  (E1|E2|E4|I1) .* goal <= \S+(?: ms)?  (?:reached|missed)$", text, re.M
    )
    absent = text.count("not run: peer absent")
    assert len(verdicts) >= 8 - absent
    assert {"E2", "E4", "I1"} <= set(verdicts)


def test_service_prints_parts_handlers_and_the_queue(tmp_path: Path) -> None:
    """S1, S2 and S3 each have a table; each part stands beside E1, each of ours beside its peer."""
    text = quick(ROOT / "benchmarks" / "service.py", tmp_path)
    for title in (
        "S1 parts of one call",
        "S2 one, two and three handlers",
        "S3 queued against direct, in the caller",
        "S3 queued against direct, until all is written",
    ):
        assert re.search(rf"^{title}$", text, re.MULTILINE), title
    for part in ("re-entrancy guard and state", "redaction, clean line", "safe output, clean line"):
        assert re.search(rf"^  S1 {part} / E1 .* -?\d+\.\d+  no goal$", text, re.MULTILINE), part
    for pair in (
        "S2 FileStreamHandler: one more / FileHandler: one more",
        "S3 FileStreamHandler, queued / QueueHandler and QueueListener",
    ):
        assert re.search(rf"^  {re.escape(pair)} +-?\d+\.\d+  no goal$", text, re.MULTILINE), pair


def test_a_peer_that_loses_a_line_ends_the_run(tmp_path: Path) -> None:
    """A handler that swallows every tenth record gets no figure."""
    code = (
        f"import sys; sys.path.insert(0, {str(ROOT / 'benchmarks')!r})\n"
        "from harness import Peer, measure, read_plan\n"
        "import logging\n"
        "from peers import start_file\n"
        "def start(directory):\n"
        "    target = start_file(directory)\n"
        "    handler = logging.getLogger('bench.emit').handlers[0]\n"
        "    handler.addFilter(lambda record: record.args[0] % 10 != 3)\n"
        "    return target\n"
        "measure([Peer('lossy', start)], read_plan('', ['--quick', '--directory', sys.argv[1]]))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, tmp_path], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "lossy: wrote 540 lines of 600" in done.stderr
