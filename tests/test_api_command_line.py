"""The command line: help, failures that name their cure, a missing extra."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from api_server import clean_env, run_cli

from zotify_api.dependencies.runtime import installed_version
from zotify_api.settings import Settings


def test_help_explains_commands_and_every_setting(tmp_path: Path) -> None:
    """What can be done and set is all in one place."""
    shown = run_cli(tmp_path, "--help").stdout
    for word in ("serve", "demo", "keys", "--port", "--data-dir"):
        assert word in shown
    for name in Settings.model_fields:
        assert f"ZOTIFY_{name.upper()} (default: " in shown
    keys = run_cli(tmp_path, "keys", "create", "--help").stdout
    assert "audit:read" in keys


@pytest.mark.parametrize(
    ("env", "said"),
    [
        ({"ZOTIFY_PORTT": "1"}, "ZOTIFY_PORTT: unknown setting; did you mean ZOTIFY_PORT?"),
        ({"ZOTIFY_API_KEY": "too short"}, "ZOTIFY_API_KEY: "),
        ({"ZOTIFY_PORT": "http"}, "ZOTIFY_PORT: "),
        ({"ZOTIFY_JOB_LOG_URL": "nonsense"}, "ZOTIFY_JOB_LOG_URL: is not a database URL; write it"),
        ({"ZOTIFY_DATABASE_URL": "foo://bar"}, "ZOTIFY_DATABASE_URL: there is no kind of database"),
    ],
)
def test_wrong_settings_are_exit_code_2(tmp_path: Path, env: dict[str, str], said: str) -> None:
    """One line per problem, and nothing created."""
    result = run_cli(tmp_path, env=env)
    assert result.returncode == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) == 1
    assert "Traceback" not in result.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_version_is_that_of_the_distribution(tmp_path: Path) -> None:
    """One line, whatever else is set."""
    result = run_cli(tmp_path, "--version", env={"ZOTIFY_PORTT": "1"})
    assert (result.returncode, result.stdout) == (0, f"zotify-api {installed_version()}\n")


def test_a_data_folder_that_cannot_be_made_names_setting_and_cure(tmp_path: Path) -> None:
    """Also where no user may make a folder."""
    result = run_cli(tmp_path, "--port", "0", env={"ZOTIFY_DATA_DIR": "/proc/x"})
    assert result.returncode == 1
    assert "ZOTIFY_DATA_DIR (--data-dir): '/proc/x' cannot be the data folder" in result.stderr
    assert "name a folder that user" in result.stderr
    assert len(result.stderr.splitlines()) == 1


def test_no_file_of_the_data_folder_can_be_read_by_others(tmp_path: Path) -> None:
    """The database of the keys is as private as the logs, whatever the umask."""
    old = os.umask(0)
    try:
        made = run_cli(
            tmp_path, "keys", "create", "--name", "x", "--scope", "admin", "--data-dir", "data"
        )
    finally:
        os.umask(old)
    assert made.returncode == 0, made.stderr
    modes = {
        path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777
        for path in tmp_path.rglob("*")
    }
    assert modes["data/api.db"] == 0o600
    assert {name: oct(mode) for name, mode in modes.items() if mode & 0o007} == {}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("keys", "create", "--name", "x", "--scope", "logs:write"), "unknown scope logs:write"),
        (("keys", "create", "--name", "a/b", "--scope", "admin"), "cannot be a key's name"),
        (("keys", "revoke", "--name", "nobody"), "no active key is named 'nobody'"),
    ],
)
def test_keys_failures_name_the_cure(tmp_path: Path, arguments: tuple[str, ...], said: str) -> None:
    """Exit code 1 and one line."""
    result = run_cli(tmp_path, *arguments, "--data-dir", "data")
    assert result.returncode == 1
    assert said in result.stderr
    assert "Traceback" not in result.stderr


def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """The URL is shown without its password."""
    env = {"ZOTIFY_DATABASE_URL": "sqlite:////nonexistent/folder/api.db"}
    result = run_cli(tmp_path, "--port", "0", "--data-dir", "data", env=env)
    assert result.returncode == 1
    assert "database_url: sqlite:////nonexistent/folder/api.db cannot be opened" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_data_folder_that_is_a_file_is_named(tmp_path: Path) -> None:
    """Not a traceback."""
    (tmp_path / "data").write_text("")
    result = run_cli(tmp_path, "--port", "0", "--data-dir", "data")
    assert result.returncode == 1
    assert "data" in result.stderr
    assert "Traceback" not in result.stderr


def test_a_missing_extra_names_the_pip_command(tmp_path: Path) -> None:
    """From an interpreter that sees the package but not FastAPI."""
    import zotify_api
    import zotify_logging

    for package in (zotify_api, zotify_logging):
        (tmp_path / package.__name__).symlink_to(Path(str(package.__file__)).parent)
    result = subprocess.run(
        [sys.executable, "-S", "-m", "zotify_api"],  # -S: no installed packages
        cwd=tmp_path,
        env={**clean_env(), "PYTHONPATH": os.fspath(tmp_path), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.returncode == 2
    assert "zotify-api needs FastAPI" in result.stderr
    assert 'pip install "zotify-logging[api]"' in result.stderr
