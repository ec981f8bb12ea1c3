"""The engine: SQLite as several processes need it, and clear refusals."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from sqlalchemy import text

from zotify_logging.exceptions import ConfigurationError, MissingDependencyError
from zotify_logging.jobs.engine import open_engine, sqlite_path


def test_sqlite_gets_its_folder_its_mode_and_wal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path is made absolute, the file is 0640, the journal is WAL."""
    monkeypatch.chdir(tmp_path)
    engine = open_engine("sqlite:///deep/er/jobs.db")
    path = tmp_path / "deep" / "er" / "jobs.db"
    assert sqlite_path(engine) == str(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    with engine.connect() as connection:
        assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
        assert connection.scalar(text("PRAGMA busy_timeout")) == 5000
    engine.dispose()


def test_an_existing_file_keeps_its_mode(tmp_path: Path) -> None:
    """What an operator has set is not changed back."""
    path = tmp_path / "jobs.db"
    path.touch()
    path.chmod(0o600)
    open_engine(f"sqlite:///{path}").dispose()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("nonsense", "not a database URL"),
        ("sqlite://", "must name a file"),
        ("sqlite:///:memory:", "must name a file"),
        ("sqlite:///x.db?mode=ro", "without parameters"),
        ("pg://host/db", "no database 'pg'"),
        ("oracle://me:hunter22@host/db", "'oracledb' is not installed"),
    ],
)
def test_a_wrong_url_is_named_with_its_cure(url: str, says: str) -> None:
    """The message has the owner's option and the rule, and never a password."""
    with pytest.raises(ConfigurationError, match=says) as caught:
        open_engine(url, owner="DatabaseJobLogHandler")
    assert str(caught.value).startswith("DatabaseJobLogHandler.url: ")
    assert "hunter22" not in str(caught.value)


def test_a_missing_driver_names_its_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """PostgreSQL without psycopg says what to install."""
    import sys

    monkeypatch.setitem(sys.modules, "pymysql", None)
    with pytest.raises(MissingDependencyError, match=r'pip install "zotify-logging\[mysql\]"'):
        open_engine("mysql+pymysql://host/db")


@pytest.mark.parametrize("kind", ["folder", "below a file"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, kind: str) -> None:
    """A folder in place of the file, or a file in place of the folder: path, reason, cure."""
    if kind == "folder":
        place = tmp_path / "jobs.db"
        place.mkdir()
    else:
        (tmp_path / "file").touch()
        place = tmp_path / "file" / "jobs.db"
    with pytest.raises(ConfigurationError, match="name another place") as caught:
        open_engine(f"sqlite:///{place}")
    assert str(place) in str(caught.value)
