"""The engine of the API's own database, and its transactions."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import Connection, create_engine, event, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import SQLAlchemyError

from zotify_api.db.tables import metadata

__all__ = ["Database", "DatabaseError"]


class DatabaseError(Exception):
    """The database cannot be opened; the message names its URL without the password."""


class Database:
    """Opens the database, creates missing tables and hands out transactions; thread-safe.

    Args:
        url: SQLAlchemy URL.

    Raises:
        DatabaseError: the URL is wrong or the database does not answer.
    """

    def __init__(self, url: str) -> None:
        try:
            parsed = make_url(url)
        except SQLAlchemyError:
            raise DatabaseError(
                "database_url: not a SQLAlchemy URL; write it as sqlite:///path/to/file.db or"
                " postgresql+psycopg://user:password@host/name"
            ) from None
        shown = parsed.render_as_string(hide_password=True)
        try:
            self._engine = create_engine(
                parsed, hide_parameters=True, pool_pre_ping=parsed.get_backend_name() != "sqlite"
            )
            if parsed.get_backend_name() == "sqlite":
                _make_private(parsed.database)
                event.listen(self._engine, "connect", _prepare_sqlite)
                event.listen(self._engine, "begin", _begin_immediate)
            metadata.create_all(self._engine)
        except (SQLAlchemyError, ImportError, OSError) as error:
            said = error.strerror if isinstance(error, OSError) else getattr(error, "orig", None)
            reason = str(said or error).splitlines()[0]
            raise DatabaseError(f"database_url: {shown} cannot be opened: {reason}") from error

    def begin(self) -> AbstractContextManager[Connection]:
        """Return a transaction: committed at the end of the block, rolled back on an error."""
        return self._engine.begin()

    def ping(self) -> None:
        """Ask the database something trivial; raises ``SQLAlchemyError`` when it is away."""
        with self.begin() as connection:
            connection.execute(text("SELECT 1"))

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()


def _make_private(path: str | None) -> None:
    """Make the file before SQLite does, which would let everybody read it."""
    if not path or path == ":memory:" or path.startswith("file:"):
        return
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    except FileExistsError:
        pass  # its owner has decided who may read it


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Transactions begin where we say, not where the driver guesses.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute("PRAGMA busy_timeout=5000")
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=NORMAL")
    cursor.close()


def _begin_immediate(connection: Connection) -> None:
    # A transaction that reads first and writes later cannot be upgraded while another one writes.
    connection.exec_driver_sql("BEGIN IMMEDIATE")
