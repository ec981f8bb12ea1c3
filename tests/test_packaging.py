"""What the installed distribution promises to those who have only that."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

import zotify_logging

ROOT = Path(__file__).resolve().parents[1]

INSTALLED = any(importlib.metadata.distributions(name="zotify-logging"))

#: Under tox nothing is skipped for that reason: without its distribution these tests fail.
needs_distribution = pytest.mark.skipif(
    not INSTALLED and "TOX_ENV_NAME" not in os.environ,
    reason="the distribution is not installed; tox installs it",
)

#: Hides modules by name from every way of looking, as if their distribution were not installed.
BLOCKER = """
import importlib.machinery, sys

class Installed(importlib.machinery.PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        if name.partition(".")[0] in {hidden!r}:
            return None
        return super().find_spec(name, path, target)

sys.meta_path = [
    Installed if finder is importlib.machinery.PathFinder else finder for finder in sys.meta_path
]
"""


def run_python(code: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run ``code`` in a new interpreter, away from the tree, with warnings as errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code], cwd=cwd, capture_output=True, text=True
    )


@pytest.mark.skipif("TOX_ENV_NAME" not in os.environ, reason="only tox installs the wheel")
def test_the_wheel_is_what_is_tested() -> None:
    """Under tox the packages come from site-packages, not from the tree beside the tests."""
    for package in ("zotify_logging", "zotify_api"):
        spec = importlib.util.find_spec(package)
        assert spec is not None and spec.origin is not None
        assert Path(spec.origin).is_relative_to(sys.prefix)
        assert not Path(spec.origin).is_relative_to(ROOT / package)


def test_import_is_light(tmp_path: Path) -> None:
    """The import loads no framework, no database, no configuration reader, nothing slow."""
    heavy = {
        "alembic",
        "asyncio",
        "fastapi",
        "importlib.metadata",
        "logging.config",
        "pydantic",
        "pythonjsonlogger",
        "rich",
        "sqlalchemy",
        "sqlite3",
        "starlette",
        "structlog",
        "yaml",
    }
    code = (
        "import sys; before = set(sys.modules)\n"
        "import zotify_logging\n"
        f"print(*sorted({heavy!r} & (set(sys.modules) - before)))"
    )
    done = run_python(code, tmp_path)
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, [], "")


def test_import_works_without_any_extra(tmp_path: Path) -> None:
    """The base install can log to a file with nothing but the standard library importable."""
    hidden = {"sqlalchemy", "alembic", "fastapi", "starlette", "pydantic", "yaml", "rich", "httpx"}
    code = BLOCKER.format(hidden=hidden) + (
        "import logging, zotify_logging\n"
        "handler = zotify_logging.FileStreamHandler('app.log')\n"
        "logging.getLogger('bare').addHandler(handler)\n"
        "logging.getLogger('bare').warning('hello')\n"
        "handler.close()\n"
    )
    done = run_python(code, tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert (tmp_path / "app.log").read_text().endswith(" WARNING bare hello\n")


def test_missing_extra_of_the_job_handler_names_its_command(tmp_path: Path) -> None:
    """Without SQLAlchemy the job handler says what to install, word for word."""
    code = BLOCKER.format(hidden={"sqlalchemy"}) + (
        "import zotify_logging\n"
        "try:\n"
        "    zotify_logging.DatabaseJobLogHandler(url='sqlite:///jobs.db')\n"
        "except zotify_logging.ZotifyLoggingError as error:\n"
        "    print(error)\n"
    )
    done = run_python(code, tmp_path)
    assert done.stderr == ""
    assert done.stdout.strip() == (
        'DatabaseJobLogHandler needs SQLAlchemy: pip install "zotify-logging[jobs]"'
    )


@pytest.mark.parametrize("hidden", ["fastapi", "uvicorn", "sqlalchemy", "mutagen"])
def test_missing_extra_of_the_api_names_its_command(tmp_path: Path, hidden: str) -> None:
    """``zotify-api`` without its extra prints the command that brings it, and no traceback."""
    code = BLOCKER.format(hidden={hidden}) + (
        "import sys\n"
        "from zotify_api.__main__ import main\n"
        "sys.argv = ['zotify-api', 'demo', '--exit-after', '0']\n"
        "sys.exit(main())\n"
    )
    done = run_python(code, tmp_path)
    assert done.returncode != 0
    assert 'pip install "zotify-logging[api]"' in done.stderr
    assert "Traceback" not in done.stderr


@needs_distribution
@pytest.mark.parametrize("command", ["zotify-logs", "zotify-api"])
def test_entry_points_answer(command: str) -> None:
    """Both commands are installed and explain themselves."""
    (entry,) = importlib.metadata.entry_points(group="console_scripts", name=command)
    assert callable(entry.load())
    script = Path(sys.executable).with_name(command)
    done = subprocess.run([script, "--help"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert command in done.stdout


@needs_distribution
def test_version_is_the_distribution_s() -> None:
    """``__version__`` and the metadata agree."""
    assert zotify_logging.__version__ == importlib.metadata.version("zotify-logging")


def test_public_names_are_sorted_and_resolve() -> None:
    """Every name in ``__all__`` is there, in order, and ``dir()`` shows it."""
    names = list(zotify_logging.__all__)
    assert names == sorted(names) and len(names) == len(set(names))
    for name in names:
        if name == "__version__" and not INSTALLED:
            continue  # it is the distribution's, and that is not there
        assert getattr(zotify_logging, name) is not None
    assert set(names) <= set(dir(zotify_logging))
    with pytest.raises(AttributeError, match="FileStreamHandlr"):
        zotify_logging.__getattr__("FileStreamHandlr")


@pytest.mark.parametrize("package", ["zotify_logging", "zotify_api"])
def test_types_are_shipped(package: str) -> None:
    """A type checker finds the marker beside the installed package."""
    spec = importlib.util.find_spec(package)
    assert spec is not None and spec.origin is not None
    assert Path(spec.origin).with_name("py.typed").is_file()
