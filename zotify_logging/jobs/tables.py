"""The two tables, for our own engine and for applications that keep them in their migrations."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

__all__ = ["JobTables", "build_tables"]

# In the usual MariaDB collations `a`, `A` and `a ` are equal; job ids must not be.
_MARIADB_COLLATION = "utf8mb4_nopad_bin"
_MYSQL_COLLATION = "utf8mb4_0900_bin"


class JobTables(NamedTuple):
    """The tables of one job log."""

    jobs: Table
    lines: Table


def build_tables(metadata: MetaData, schema: str | None = None, prefix: str = "") -> JobTables:
    """Add the job log's tables to ``metadata`` and return them.

    For applications with migrations of their own: with these in the target metadata, Alembic's
    autogenerate sees no difference to what ``ensure_schema`` makes.

    Args:
        metadata: the collection they are added to.
        schema: schema of the tables, where the database has schemas.
        prefix: put before each name of a table, constraint and index.
    """
    jobs = Table(
        f"{prefix}job_log_jobs",
        metadata,
        Column("job_id", _exact(255), primary_key=True),
        Column("job_type", _text(64)),
        Column("status", _text(16), nullable=False),
        Column("progress", Float(53)),
        Column("last_seq", BigInteger, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("warn_count", BigInteger, nullable=False),
        Column("error_count", BigInteger, nullable=False),
        Column("dropped_count", BigInteger, nullable=False),
        Column("first_us", BigInteger),
        Column("last_us", BigInteger),
        Column("closed_us", BigInteger),
        Column("purged_us", BigInteger),
        Column("created_us", BigInteger, nullable=False),
        schema=schema,
        mysql_charset="utf8mb4",
        mariadb_charset="utf8mb4",
    )
    lines = Table(
        f"{prefix}job_logs",
        metadata,
        # SQLite numbers rows by itself only in a column declared INTEGER.
        Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True),
        Column("uid", String(36), nullable=False),
        Column("job_id", _exact(255), nullable=False),
        Column("seq", BigInteger, nullable=False),
        Column("attempt", Integer, nullable=False),
        Column("created_us", BigInteger, nullable=False),
        Column("level_no", Integer, nullable=False),
        Column("level", _text(32), nullable=False),
        Column("logger", _text(255), nullable=False),
        Column("message", _long(), nullable=False),
        Column("exc_text", _long()),
        Column("extra", _long()),
        Column("source", _text(512)),
        Column("host", _text(255)),
        Column("pid", BigInteger),
        Column("thread", _text(255)),
        Column("orig_bytes", BigInteger, nullable=False),
        UniqueConstraint("uid", name=f"{prefix}job_logs_uid_key"),
        UniqueConstraint("job_id", "seq", name=f"{prefix}job_logs_job_id_seq_key"),
        Index(f"{prefix}job_logs_created_us_idx", "created_us"),
        schema=schema,
        mysql_charset="utf8mb4",
        mariadb_charset="utf8mb4",
    )
    return JobTables(jobs, lines)


def _exact(length: int) -> TypeEngine[str]:
    return (
        String(length)
        .with_variant(mysql.VARCHAR(length, collation=_MARIADB_COLLATION), "mariadb")
        .with_variant(mysql.VARCHAR(length, collation=_MYSQL_COLLATION), "mysql")
    )


def _text(length: int) -> TypeEngine[str]:
    return String(length)


def _long() -> TypeEngine[str]:
    # MySQL's TEXT ends at 64 KiB, less than a message with its escapes may take.
    return Text().with_variant(mysql.MEDIUMTEXT(), "mysql", "mariadb")
