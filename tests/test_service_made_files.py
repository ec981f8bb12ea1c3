"""What a failed attempt made is removed; what others use or have written stays."""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path

import pytest

from zotify_logging import FileStreamHandler
from zotify_logging.service.made_files import MadeFiles, path_of


def made(*paths: Path) -> MadeFiles:
    return MadeFiles(str(path) for path in paths)


def test_what_was_made_is_removed_with_its_folders(tmp_path: Path) -> None:
    """And nothing that was there before, nor what lies beside it."""
    (tmp_path / "old.log").write_text("old")
    old, new = tmp_path / "old.log", tmp_path / "deep" / "er" / "new.log"
    files = made(old, new)
    for path in (old, new):
        FileStreamHandler(path).close()
    (tmp_path / "new.log.other").write_text("")
    files.note()
    files.remove()
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["new.log.other", "old.log"]


def test_what_somebody_has_written_to_since_stays(tmp_path: Path) -> None:
    """And so do its folders."""
    path = tmp_path / "sub" / "app.log"
    files = made(path)
    FileStreamHandler(path).close()
    files.note()
    path.write_text("of another process\n")
    files.remove()
    assert path.read_text() == "of another process\n"


def test_what_somebody_has_open_stays(tmp_path: Path) -> None:
    """A writer of a log holds a shared lock on it, before its first record as well."""
    path = tmp_path / "app.log"
    files = made(path)
    FileStreamHandler(path).close()
    files.note()
    with path.open() as another:
        fcntl.flock(another, fcntl.LOCK_SH)
        files.remove()
        assert path.exists()


def test_a_database_that_somebody_has_open_stays(tmp_path: Path) -> None:
    """Another process is connected to it; afterwards it is gone with its journals."""
    path = tmp_path / "jobs.db"
    files = made(path)
    code = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
        "c.execute('PRAGMA journal_mode=WAL');"
        "c.execute('CREATE TABLE t (x)'); c.execute('SELECT * FROM t').fetchall();"
        "print('ready', flush=True); sys.stdin.read()"
    )
    command = [sys.executable, "-c", code, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None and other.stdout.readline() == b"ready\n"
        files.note()
        files.remove()
        assert path.exists() and path.with_name("jobs.db-wal").exists()
        other.communicate()
    files.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_is_no_plain_file_stays(tmp_path: Path) -> None:
    """A link that somebody put there is not followed."""
    target, path = tmp_path / "target", tmp_path / "app.log"
    target.write_text("")
    files = made(path)
    path.symlink_to(target)
    files.note()
    files.remove()
    assert path.is_symlink() and target.exists()


@pytest.mark.parametrize(
    ("options", "path"),
    [
        ({"filename": "/x/a.log"}, "/x/a.log"),
        ({"filename": Path("/x/a.log")}, "/x/a.log"),
        ({"url": "sqlite:////x/jobs.db"}, "/x/jobs.db"),
        ({"url": "sqlite+pysqlite:////x/jobs.db?timeout=3"}, "/x/jobs.db"),
        ({"url": "sqlite:///:memory:"}, None),
        ({"url": "sqlite://"}, None),
        ({"url": "postgresql://host/name"}, None),
        ({"url": 5}, None),
        ({}, None),
    ],
)
def test_the_file_of_a_handler(options: dict[str, object], path: str | None) -> None:
    """By its file name, or by the URL of a SQLite database."""
    assert path_of(options) == path
