"""The README: its snippets run, and print what it says they print."""

from __future__ import annotations

import re
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

README = Path(__file__).parents[1] / "README.md"
_SNIPPETS = list(re.finditer(r"```python\n(.*?)```", README.read_text("utf-8"), re.DOTALL))
_PYTHON = [found[1] for found in _SNIPPETS]
_LINES = [found.string.count("\n", 0, found.start(1)) + 1 for found in _SNIPPETS]
_CONSOLE = re.findall(r"```console\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
_CHANGING = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME"),
    (r'"event_id":"[0-9a-f-]{36}"', '"event_id":"ID"'),
    (r"[0-9a-f]{64}", "HASH"),
    (r'"(service|host)":"[^"]*"', r'"\1":"NAME"'),
    (r'"pid":\d+', '"pid":0'),
]


def _run(folder: Path, *command: str, line: int = _LINES[0]) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60)
    place = f"README.md:{line}"
    cure = "mend it, or the code that it calls"
    assert done.returncode == 0, f"{place}: this fails: {cure}\n{command}\n{done.stderr}"
    return done.stdout


def _steady(text: str) -> str:
    for pattern, replacement in _CHANGING:
        text = re.sub(pattern, replacement, text)
    return text


def test_the_snippet_has_ten_lines() -> None:
    """What a newcomer pastes stays short."""
    assert len(_PYTHON[0].strip().splitlines()) <= 11


def test_the_snippet_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """Every command shown after the ten lines gives the output shown, but for times and hashes."""
    (tmp_path / "app.py").write_text(_PYTHON[0], "utf-8")
    assert _run(tmp_path, sys.executable, "app.py") == ""
    bin_folder = sysconfig.get_path("scripts")
    shown: dict[str, str] = {}
    command = ""
    for line in _CONSOLE[1].splitlines():
        if line.startswith("$ "):
            command = line[2:]
            shown[command] = ""
        else:
            shown[command] += f"{line}\n"
    assert len(shown) == 4
    for command, output in shown.items():
        words = command.split()
        if words[0] == "zotify-logs":
            words[:1] = [f"{bin_folder}/zotify-logs"]
        assert _steady(_run(tmp_path, *words)) == _steady(output), command


@pytest.mark.parametrize("number", range(1, len(_PYTHON)))
def test_every_other_snippet_runs(tmp_path: Path, number: int) -> None:
    """Each runs after the ten lines as it stands; an endless one is asked for a snapshot."""
    snippet = _PYTHON[number].replace("tail=10,", "tail=10, follow=False,")
    (tmp_path / "app.py").write_text(_PYTHON[0] + snippet, "utf-8")
    _run(tmp_path, sys.executable, "app.py", line=_LINES[number])
