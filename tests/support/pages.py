"""Pages of the documentation: their blocks, and how a program or a command of theirs is run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "CURE",
    "DOCS",
    "ROOT",
    "Block",
    "blocks_of",
    "page_name",
    "run",
    "run_console",
    "user_environment",
]

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
CURE = "mend it, or the code that it calls"

_BLOCK = re.compile(r'^```(\w*)(?: title="([^"]+)")?\n(.*?)^```$', re.MULTILINE | re.DOTALL)
_CHANGING = [
    (r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", "TIME"),
    (r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b", "HASH"),
    (r'File "[^"]*?([^/"]+)"', r'File "\1"'),
    (r"\\n +[~^]+(?=\\n)", ""),  # Python 3.13 marks the part of a line where an error arose
    (r" in \d+\.\d\ds$", " in SECONDS"),
]


class Block(NamedTuple):
    """One fenced block of a page; ``line`` is that of its first line of text."""

    kind: str
    title: str
    text: str
    line: int


def blocks_of(page: Path) -> list[Block]:
    """Return a page's fenced blocks in order."""
    text = page.read_text("utf-8")
    return [
        Block(found[1], found[2] or "", found[3], text.count("\n", 0, found.start(3)) + 1)
        for found in _BLOCK.finditer(text)
    ]


def page_name(page: Path) -> str:
    """Return a page's path below the root, for the names of tests."""
    return page.relative_to(ROOT).as_posix()


def user_environment() -> dict[str, str]:
    """Return the environment of somebody who has activated this Python's environment."""
    path = os.pathsep.join([sysconfig.get_path("scripts"), os.environ.get("PATH", os.defpath)])
    return {**os.environ, "PATH": path}


def run(folder: Path, *command: str, place: str = "") -> str:
    """Run a command in ``folder`` and return what it prints; ``place`` is where it stands."""
    done = subprocess.run(
        command, cwd=folder, env=user_environment(), capture_output=True, text=True, timeout=60
    )
    said = f"{command}\n{done.stdout}{done.stderr}"
    assert done.returncode == 0, f"{place}: this fails: {CURE}\n{said}" if place else said
    return done.stdout


def run_console(folder: Path, text: str, place: str) -> None:
    """Run the ``$`` lines of a console block and compare what they print."""
    for part in re.split(r"^\$ ", text, flags=re.MULTILINE)[1:]:
        command, _, shown = part.partition("\n")
        line = re.sub(r"^zotify-logs ", "python -m zotify_logging ", command)
        line = re.sub(r"^python ", f"{sys.executable} ", line)
        printed = _steady(run(folder, "bash", "-c", line, place=place))
        said = f"{place}: `{command}` prints something else: {CURE}\n{printed}"
        assert printed == _steady(shown), said


def _steady(text: str) -> str:
    for pattern, replacement in _CHANGING:
        text = re.sub(pattern, replacement, text, flags=re.MULTILINE)
    return text
