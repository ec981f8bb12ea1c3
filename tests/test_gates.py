"""CI, the local runner and the packaging know the same gates and Pythons as tox."""

from __future__ import annotations

import configparser
import subprocess
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[1]

#: Environments that are no gates: `py` stands for the current Python, `fix` changes files.
NOT_GATES = {"py", "fix"}


def tox_environments() -> set[str]:
    """Return the names of all environments in tox.ini."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(ROOT / "tox.ini")
    core = parser["tox"]
    labelled = (line.partition("=")[2] for line in core["labels"].strip().splitlines())
    names = [*core["env_list"].split(","), *(name for line in labelled for name in line.split(","))]
    sections = [name.partition(":")[2] for name in parser.sections() if ":" in name]
    return {name.strip() for name in [*names, *sections]}


def test_ci_runs_what_tox_knows() -> None:
    """The jobs of ci.yml are tox's environments, none missing and none invented."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    job = workflow["jobs"]["tox"]
    names = [entry["env"] for entry in job["strategy"]["matrix"]["include"]]
    assert sorted(names) == sorted(tox_environments() - NOT_GATES)
    assert job["steps"][-1]["run"] == "tox -e ${{ matrix.env }}"


def test_ci_uses_the_python_that_an_environment_names() -> None:
    """A job called py312 gets Python 3.12."""
    workflow = yaml.safe_load((ROOT / ".github/workflows/ci.yml").read_text(encoding="utf-8"))
    for entry in workflow["jobs"]["tox"]["strategy"]["matrix"]["include"]:
        if entry["env"].startswith("py"):
            assert entry["env"] == "py" + entry["python"].replace(".", "")


def test_supported_pythons_agree() -> None:
    """Classifiers and environments name the same Pythons."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    classified = {name for name in tox_environments() if name[2:].isdigit()}
    for name in classified:
        assert f'"Programming Language :: Python :: 3.{name[3:]}"' in text
    assert text.count('"Programming Language :: Python :: 3.') == len(classified)


def test_the_local_runner_calls_every_gate() -> None:
    """``.ci/run`` is executable, runs plain tox, and names each gate that plain tox leaves out."""
    runner = ROOT / ".ci" / "run"
    assert runner.stat().st_mode & 0o111
    text = runner.read_text(encoding="utf-8")
    assert "\ntox\n" in text
    for name in ("build", "services", "endurance"):
        assert f"tox -e {name}" in text
    subprocess.run(["bash", "-n", runner], check=True)
