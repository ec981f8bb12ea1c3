"""Runs gates on a copy of the tree: the commands of its tox.ini, this interpreter's tools."""

from __future__ import annotations

import configparser
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from archlint_tree import commit, git

__all__ = [
    "FILE_BY_FILE",
    "STATIC_GATES",
    "GateRun",
    "copy_tree",
    "REPOSITORY",
    "restore",
    "run_gate",
    "run_tests",
]

REPOSITORY = Path(__file__).resolve().parents[2]

STATIC_GATES = ("format", "flake8", "mypy", "bandit", "imports", "archlint")
"""Gates that read the tree and run nothing of it but, for its routes and tests, archlint."""

FILE_BY_FILE = ("format", "flake8", "bandit")
"""Gates that judge each file by itself: what holds for the changed files holds for the tree."""

_POSARGS = re.compile(r"\{posargs(?::([^}]*))?\}")


class GateRun(NamedTuple):
    """How a gate ended, and all that it said."""

    red: bool
    output: str


def copy_tree(place: Path) -> Path:
    """Copy every file of the repository that .gitignore does not leave out, and commit them.

    The copy is a repository of its own with one commit, so that the checkout stays untouched and
    an unpacked source distribution will do as well.
    """
    index = place.with_name(f"{place.name}.index")
    listing = {"GIT_DIR": str(index), "GIT_WORK_TREE": str(REPOSITORY)}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    git_here = ["git", "-c", f"core.excludesFile={os.devnull}"]
    environment = {**inherited, **listing}
    subprocess.run([*git_here, "init", "--quiet"], cwd=REPOSITORY, env=environment, check=True)
    said = subprocess.run(
        [*git_here, "ls-files", "-z", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    for name in filter(None, said.split("\0")):
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(REPOSITORY / name, target)
    commit(place, "Begin")
    return place


def restore(tree: Path, revision: str) -> None:
    """Put the copy back to a commit; what .gitignore names, the caches of the tools, stays."""
    git(tree, "reset", "--quiet", "--hard", revision)
    git(tree, "clean", "--quiet", "--force", "-d")


def run_gate(
    tree: Path, gate: str, posargs: Sequence[str] = (), *, files: Sequence[str] | None = None
) -> GateRun:
    """Run the commands of a gate's environment in ``tree``; stop at the first that fails.

    Args:
        tree: the copy, which every command has as its folder.
        gate: name of an environment of the copy's tox.ini.
        posargs: what ``tox -e gate -- ...`` would pass on.
        files: only these, for a gate that takes files: those among them that the gate would look
            at. Without any it is green.

    Returns:
        Whether a command failed, with standard output and error of all that ran.
    """
    red, output = False, ""
    for line, settings in _commands(tree, gate):
        words = _words(line, posargs, files)
        if words is None:
            continue
        red, said = _run(tree, words, settings)
        output += said
        if red:
            break
    return GateRun(red, output)


def run_tests(tree: Path, gate: str, tests: Sequence[str]) -> GateRun:
    """Run some of the tests that the pytest command of a gate's environment runs."""
    for line, settings in _commands(tree, gate):
        words = _words(line, (), None)
        if words is not None and words[0] == "pytest":
            files = [word for word in words if word.endswith(".py")]
            run = {test.partition("::")[0] for test in tests}
            assert not files or run <= set(files), f"{gate} does not run {run - set(files)}"
            options = [word for word in words if word not in files]
            return _run(tree, [*options, *tests], settings)
    raise AssertionError(f"{gate} runs no tests")


def _commands(tree: Path, gate: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the commands of an environment as they are written, with the variables it sets."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(tree / "tox.ini", encoding="utf-8")
    section = parser[f"testenv:{gate}" if parser.has_section(f"testenv:{gate}") else "testenv"]
    settings = dict(re.findall(r"^(\w+) = (.*)$", section.get("set_env", ""), re.MULTILINE))
    for line in section["commands"].strip().splitlines():
        yield line, settings


def _run(tree: Path, words: Sequence[str], settings: dict[str, str]) -> GateRun:
    tool = Path(sys.executable)
    if words[0] != "python":
        tool = tool.with_name(words[0])
    assert tool.exists(), f"{words[0]} is not installed here: install the dependency group `test`"
    done = subprocess.run(
        [tool, *words[1:]],
        cwd=tree,
        env=_environment(tree, settings),
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    return GateRun(done.returncode != 0, done.stdout + done.stderr)


def _words(line: str, posargs: Sequence[str], files: Sequence[str] | None) -> list[str] | None:
    """Return one command of tox.ini as words, ``None`` when none of the files concerns it."""
    line = line.replace("{/}", "/")
    if files is None:
        chosen = _POSARGS.sub(lambda found: "" if posargs else found[1] or "", line)
        return [*shlex.split(chosen), *posargs]
    default = _POSARGS.search(line)
    folders = (default[1] or "").split() if default else ["."]
    python = [name for name in files if name.endswith(".py")]
    concerned = [name for name in python if folders == ["."] or name.split("/")[0] in folders]
    words = shlex.split(_POSARGS.sub("", line))
    return [*(word for word in words if word != "."), *concerned] if concerned else None


def _environment(tree: Path, settings: dict[str, str]) -> dict[str, str]:
    """Return this process's environment, with the tree in place of the wheel that tox makes of it.

    The caches of the tools lie beside the tree and last as long, so that runs share them.
    """
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("ARCHLINT_", "GIT_", "ZOTIFY_", "PYTEST_"))
    }
    return {
        **kept,
        "PYTHONPATH": str(tree),
        "MYPY_CACHE_DIR": str(tree.with_name(f"{tree.name}.mypy")),
        "BLACK_CACHE_DIR": str(tree.with_name(f"{tree.name}.black")),
        **settings,
    }
