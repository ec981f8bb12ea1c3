"""Opens the job log's own database engine; the application's sessions are never touched."""

from __future__ import annotations

import os
import sqlite3
import time
from typing import NoReturn

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry, Pool

from ..exceptions import ConfigurationError, MissingDependencyError
from .quiet_pool import QuietPool, silence

__all__ = ["forget_connections", "open_engine", "shown_url", "sqlite_path"]

_EXTRAS = {"postgresql": ("postgres", "psycopg"), "mysql": ("mysql", "pymysql")}
_EXTRAS["mariadb"] = _EXTRAS["mysql"]

# Connections of a parent process. SQLite forbids to use or close them in a forked child; kept for
# good, they are never closed by the garbage collector either.
_inherited: list[Pool] = []


def open_engine(
    url: str,
    *,
    owner: str = "zotify_logging.jobs",
    writing: bool = True,
    file_mode: int = 0o640,
    busy_timeout: float = 5.0,
) -> Engine:
    """Return an engine for the job log at ``url``; connects to nothing yet.

    SQLite: the path is made absolute, so that a later ``chdir`` does not move the log; the folder
    and the file are made if missing; connections use WAL and wait for other writers.

    Args:
        url: SQLAlchemy URL.
        owner: whose option the URL is, for messages.
        writing: ``True`` begins each SQLite transaction with ``BEGIN IMMEDIATE``, and makes what is
            missing; ``False`` opens what is there.
        file_mode: of a SQLite file made here.
        busy_timeout: seconds to wait for another writer of a SQLite file.

    Raises:
        ConfigurationError: the URL cannot be read, its driver is missing, or the SQLite file
            cannot be made; each names place and cure.
        MissingDependencyError: the driver's extra is not installed.
    """
    parsed = _parse(url, owner)
    if parsed.get_backend_name() == "sqlite":
        return _open_sqlite(parsed, owner, writing, file_mode, busy_timeout)
    try:
        return silence(create_engine(parsed, pool_pre_ping=True, poolclass=QuietPool))
    except ModuleNotFoundError as error:
        _refuse_driver(parsed, owner, error)
    except (ArgumentError, NoSuchModuleError, TypeError) as error:
        raise ConfigurationError([f"{owner}.url: {shown_url(parsed)}: {error}"]) from error


def shown_url(url: URL) -> str:
    """Return the URL as text for messages, its password hidden."""
    return url.render_as_string(hide_password=True)


def sqlite_path(engine: Engine) -> str | None:
    """Return the file of a SQLite engine, ``None`` for any other database."""
    return engine.url.database if engine.dialect.name == "sqlite" else None


def forget_connections(engine: Engine) -> None:
    """Leave a parent's connections alone in a forked child; the child opens its own."""
    _inherited.append(engine.pool)
    engine.dispose(close=False)


def _parse(url: str, owner: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError) as error:
        # The text itself may hold a password that no parser could find.
        raise ConfigurationError(
            [f"{owner}.url: not a database URL; write it as sqlite:///logs/job_logs.db"]
        ) from error
    try:
        parsed.get_dialect()
    except NoSuchModuleError as error:
        raise ConfigurationError(
            [
                f"{owner}.url: {shown_url(parsed)}: no database {parsed.drivername!r};"
                " use sqlite, postgresql+psycopg or mariadb+pymysql"
            ]
        ) from error
    except ModuleNotFoundError as error:
        _refuse_driver(parsed, owner, error)
    return parsed


def _refuse_driver(url: URL, owner: str, error: ModuleNotFoundError) -> NoReturn:
    extra, driver = _EXTRAS.get(url.get_backend_name(), ("", ""))
    if extra and error.name is not None and error.name.partition(".")[0] == driver:
        raise MissingDependencyError(owner, driver, extra) from error
    hint = f"; write {url.get_backend_name()}+{driver}://…" if driver else ""
    raise ConfigurationError(
        [f"{owner}.url: {shown_url(url)}: driver {error.name!r} is not installed{hint}"]
    ) from error


def _open_sqlite(
    url: URL, owner: str, writing: bool, file_mode: int, busy_timeout: float
) -> Engine:
    if url.database in (None, "", ":memory:") or url.query:
        raise ConfigurationError(
            [
                f"{owner}.url: {shown_url(url)}: must name a file, without parameters, that writer"
                " and readers can share; write it as sqlite:///logs/job_logs.db"
            ]
        )
    path = os.path.abspath(os.path.expanduser(str(url.database)))
    if writing:
        _make_file(path, owner, file_mode)
    engine = create_engine(
        url.set(database=path),
        poolclass=QuietPool,
        pool_size=1 if writing else 5,
        max_overflow=4,
        connect_args={"timeout": busy_timeout, "check_same_thread": False},
    )

    @event.listens_for(engine, "connect")
    def _connected(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
        if not isinstance(connection, sqlite3.Connection):
            return
        # Transactions are begun below, by name: the driver's own BEGIN comes too late, after
        # reading, where a second writer would fail instead of waiting.
        connection.isolation_level = None
        if writing:
            _use_wal(connection, busy_timeout)

    statement = "BEGIN IMMEDIATE" if writing else "BEGIN"

    @event.listens_for(engine, "begin")
    def _begun(connection: Connection) -> None:
        connection.exec_driver_sql(statement)

    return silence(engine)


def _use_wal(connection: sqlite3.Connection, busy_timeout: float) -> None:
    deadline = time.monotonic() + busy_timeout
    while True:
        try:
            if connection.execute("PRAGMA journal_mode").fetchone() != ("wal",):
                connection.execute("PRAGMA journal_mode=WAL")
            break
        except sqlite3.OperationalError:
            # The switch needs the file alone, and does not wait for it by itself.
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous=NORMAL")


def _make_file(path: str, owner: str, file_mode: int) -> None:
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        try:
            # Only ever a file that is not there yet: closing a descriptor of a database that this
            # process has open would drop SQLite's locks on it (POSIX locks belong to the process).
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, file_mode)
            try:
                os.fchmod(descriptor, file_mode)
            finally:
                os.close(descriptor)
        except FileExistsError:
            if os.path.isdir(path):
                raise IsADirectoryError(21, "Is a directory", path) from None
            if not os.access(path, os.R_OK | os.W_OK):
                raise PermissionError(13, "Permission denied", path) from None
    except OSError as error:
        raise ConfigurationError(
            [
                f"{owner}.url: cannot open {path!r}: {error.strerror}; let user"
                f" {os.geteuid()} write to the file and its folder, or name another place"
            ]
        ) from error
