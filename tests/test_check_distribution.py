"""The distribution check refuses what a stranger could not use."""

from __future__ import annotations

import importlib.util
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

SCRIPT = Path(__file__).resolve().parents[1] / "tools" / "check_distribution.py"
COMPLETE = {
    "zotify_logging/__init__.py",
    "zotify_logging/py.typed",
    "zotify_api/__init__.py",
    "zotify_api/py.typed",
    "zotify_logging-0.1.0.dist-info/licenses/LICENSE",
}


@pytest.fixture
def check() -> ModuleType:
    """Load the script as a module; it does nothing until asked."""
    spec = importlib.util.spec_from_file_location("check_distribution", SCRIPT)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_wheel(path: Path, names: set[str]) -> Path:
    """Write a wheel that holds empty files of these names."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(names):
            archive.writestr(name, "")
    return path


def test_a_complete_wheel_passes(check: ModuleType, tmp_path: Path) -> None:
    """Both packages, their type markers and the licence are all that is asked for."""
    assert check.check_contents(make_wheel(tmp_path / "a.whl", COMPLETE)) is None


@pytest.mark.parametrize(
    "missing",
    [
        "zotify_logging/py.typed",
        "zotify_api/py.typed",
        "zotify_logging-0.1.0.dist-info/licenses/LICENSE",
    ],
)
def test_a_missing_file_is_named(check: ModuleType, tmp_path: Path, missing: str) -> None:
    """A wheel without a type marker or the licence is refused by the name of what it lacks."""
    wheel = make_wheel(tmp_path / "a.whl", COMPLETE - {missing})
    with pytest.raises(SystemExit, match=missing.rpartition("/")[2]):
        check.check_contents(wheel)


def test_a_stray_package_is_named(check: ModuleType, tmp_path: Path) -> None:
    """Tests or tools that slipped into the wheel are found."""
    wheel = make_wheel(tmp_path / "a.whl", COMPLETE | {"tests/test_x.py"})
    with pytest.raises(SystemExit, match="'tests'"):
        check.check_contents(wheel)


def test_a_failing_step_shows_its_output(check: ModuleType) -> None:
    """What the failed command printed is in the message, not only its exit code."""
    with pytest.raises(SystemExit, match="the reason"):
        check.run(["sh", "-c", "echo the reason; exit 3"])
