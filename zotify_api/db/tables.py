"""The API's own tables. Times are epoch microseconds."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Text,
)

__all__ = ["api_keys", "config_values", "jobs", "metadata", "tracks"]

metadata = MetaData()

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("name", String(64), nullable=False, unique=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", Text, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("revoked_us", BigInteger),
)

config_values = Table(
    "config_values",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("type", String(32), nullable=False),
    Column("status", String(16), nullable=False),
    # The type while the job is active, NULL after: unique, so that one of a kind runs at a time
    # on every database (partial indexes are not portable).
    Column("slot", String(32), unique=True),
    Column("progress", Float, nullable=False),
    Column("found", Integer, nullable=False),
    Column("stored", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("error", Text),
    Column("created_us", BigInteger, nullable=False),
    Column("started_us", BigInteger),
    Column("ended_us", BigInteger),
)

tracks = Table(
    "tracks",
    metadata,
    Column("id", String(32), primary_key=True),
    # SHA-256 of the path's bytes: paths need not be UTF-8 and can be longer than an index allows.
    Column("path_digest", String(64), nullable=False, unique=True),
    Column("path", Text, nullable=False),
    Column("title", Text),
    Column("artist", Text),
    Column("album", Text),
    Column("duration", Float),
    Column("size", BigInteger, nullable=False),
    Column("modified_us", BigInteger, nullable=False),
    Column("created_us", BigInteger, nullable=False),
    Column("updated_us", BigInteger, nullable=False),
)
