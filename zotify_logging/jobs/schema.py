"""Makes the tables where they are missing, and refuses tables of our names in another shape."""

from __future__ import annotations

import time

from sqlalchemy import Engine, Inspector, MetaData, Table, UniqueConstraint, inspect
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError, ProgrammingError
from sqlalchemy.schema import CreateIndex, CreateTable
from sqlalchemy.types import Float, Integer, Numeric, String, TypeEngine

from ..exceptions import JobLogUnavailableError, SchemaMismatchError
from .engine import open_engine, shown_url
from .tables import JobTables, build_tables

__all__ = ["check_schema", "ensure_schema"]

_ATTEMPTS = 5


def ensure_schema(
    database: Engine | str, *, schema: str | None = None, table_prefix: str = ""
) -> JobTables:
    """Make the job log's tables if they are missing; safe when many processes start at once.

    Args:
        database: an engine, or the URL to open one for this call.
        schema: schema of the tables, where the database has schemas; must exist.
        table_prefix: put before each table's name.

    Returns:
        The tables.

    Raises:
        SchemaMismatchError: a table of our name has another shape; the message holds the remedy.
        JobLogUnavailableError: the database does not answer, or does not let us.
    """
    engine = open_engine(database) if isinstance(database, str) else database
    tables = build_tables(MetaData(), schema, table_prefix)
    try:
        for attempt in range(_ATTEMPTS):
            try:
                _make_missing(engine, tables)
                break
            except (IntegrityError, OperationalError, ProgrammingError):
                # Another process made the same table between our look and our CREATE.
                if attempt == _ATTEMPTS - 1:
                    raise
                time.sleep(0.05 * (attempt + 1))
        check_schema(engine, tables)
    except DBAPIError as error:
        raise JobLogUnavailableError(
            f"job log at {shown_url(engine.url)}: {error.orig}; check that the database answers and"
            " that its user may create tables"
        ) from error
    finally:
        if engine is not database:
            engine.dispose()
    return tables


def check_schema(engine: Engine, tables: JobTables) -> None:
    """Compare the tables in the database with ours.

    Raises:
        SchemaMismatchError: one is missing or has another shape.
    """
    with engine.connect() as connection:
        inspector = inspect(connection)
        for table in tables:
            _check(inspector, table, shown_url(engine.url))


def _make_missing(engine: Engine, tables: JobTables) -> None:
    with engine.begin() as connection:
        inspector = inspect(connection)
        for table in tables:
            if inspector.has_table(table.name, table.schema):
                continue
            connection.execute(CreateTable(table, if_not_exists=True))
            for index in table.indexes:
                # MySQL has no IF NOT EXISTS here; its caller tries again.
                known = connection.dialect.name in ("sqlite", "postgresql", "mariadb")
                connection.execute(CreateIndex(index, if_not_exists=known))


def _check(inspector: Inspector, table: Table, where: str) -> None:
    if not inspector.has_table(table.name, table.schema):
        raise SchemaMismatchError(
            f"table {table.name!r} at {where} is missing: call"
            " zotify_logging.jobs.ensure_schema, or set auto_create"
        )
    found = {
        column["name"]: column["type"] for column in inspector.get_columns(table.name, table.schema)
    }
    problems = []
    if missing := [column.name for column in table.columns if column.name not in found]:
        problems.append(f"columns missing: {', '.join(missing)}")
    if strange := [name for name in found if name not in table.columns]:
        problems.append(f"columns unknown: {', '.join(strange)}")
    for column in table.columns:
        if column.name in found and _kind(found[column.name]) != _kind(column.type):
            problems.append(f"column {column.name} is {found[column.name]}, not {column.type}")
    key = inspector.get_pk_constraint(table.name, table.schema)["constrained_columns"]
    if key != [column.name for column in table.primary_key.columns]:
        problems.append(f"primary key is ({', '.join(key)})")
    unique = _unique_columns(inspector, table)
    for constraint in table.constraints:
        if isinstance(constraint, UniqueConstraint):
            names = frozenset(column.name for column in constraint.columns)
            if names not in unique:
                problems.append(f"no UNIQUE ({', '.join(sorted(names))})")
    if problems:
        raise SchemaMismatchError(
            f"table {table.name!r} at {where} has another shape: {'; '.join(problems)}; rename it,"
            " or set table_prefix or another database"
        )


def _unique_columns(inspector: Inspector, table: Table) -> set[frozenset[str | None]]:
    constraints = inspector.get_unique_constraints(table.name, table.schema)
    found: set[frozenset[str | None]] = {frozenset(c["column_names"]) for c in constraints}
    for index in inspector.get_indexes(table.name, table.schema):
        if index["unique"]:
            found.add(frozenset(index["column_names"]))
    return found


def _kind(type_: TypeEngine[object]) -> str:
    for kind in (Integer, String):
        if isinstance(type_, kind):
            return kind.__name__
    return "Number" if isinstance(type_, (Float, Numeric)) else type(type_).__name__
