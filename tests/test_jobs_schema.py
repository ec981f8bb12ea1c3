"""The schema: made once by many, refused in another shape."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine, MetaData, inspect

from zotify_logging.exceptions import SchemaMismatchError
from zotify_logging.jobs import build_tables, ensure_schema, open_engine
from zotify_logging.jobs.schema import check_schema


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    return open_engine(f"sqlite:///{tmp_path}/jobs.db")


def test_the_tables_have_the_columns_of_the_specification(engine: Engine) -> None:
    """Columns, keys and index by name, in order."""
    ensure_schema(engine)
    found = inspect(engine)
    assert [column["name"] for column in found.get_columns("job_log_jobs")] == (
        "job_id job_type status progress last_seq attempt warn_count error_count dropped_count"
        " first_us last_us closed_us purged_us created_us"
    ).split()
    assert [column["name"] for column in found.get_columns("job_logs")] == (
        "id uid job_id seq attempt created_us level_no level logger message exc_text extra source"
        " host pid thread orig_bytes"
    ).split()
    assert found.get_pk_constraint("job_log_jobs")["constrained_columns"] == ["job_id"]
    assert {tuple(c["column_names"]) for c in found.get_unique_constraints("job_logs")} == {
        ("uid",),
        ("job_id", "seq"),
    }
    assert [i["column_names"] for i in found.get_indexes("job_logs")] == [["created_us"]]
    engine.dispose()


def test_ensure_schema_is_idempotent_and_keeps_prefixes_apart(engine: Engine) -> None:
    """Calling it again changes nothing; another prefix makes other tables."""
    ensure_schema(engine)
    ensure_schema(engine)
    ensure_schema(engine, table_prefix="other_")
    assert sorted(inspect(engine).get_table_names()) == [
        "job_log_jobs",
        "job_logs",
        "other_job_log_jobs",
        "other_job_logs",
    ]
    engine.dispose()


@pytest.mark.parametrize(
    ("ddl", "says"),
    [
        ("CREATE TABLE job_logs (id INTEGER PRIMARY KEY, line TEXT)", "columns missing: uid"),
        ("CREATE TABLE job_log_jobs (job_id TEXT, x INT)", "columns unknown: x"),
    ],
)
def test_a_table_in_another_shape_is_refused(engine: Engine, ddl: str, says: str) -> None:
    """Somebody else's table of our name is left alone, and the message holds the remedy."""
    with engine.begin() as connection:
        connection.exec_driver_sql(ddl)
    with pytest.raises(SchemaMismatchError, match=says) as caught:
        ensure_schema(engine)
    assert "set table_prefix" in str(caught.value)
    engine.dispose()


def test_a_lost_unique_constraint_is_another_shape(engine: Engine) -> None:
    """Without UNIQUE(job_id, seq) the guarantees do not hold."""
    tables = ensure_schema(engine)
    columns = ", ".join(f"{c.name} {c.type.compile(engine.dialect)}" for c in tables.lines.columns)
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE job_logs")
        connection.exec_driver_sql(f"CREATE TABLE job_logs ({columns}, PRIMARY KEY (id))")
    with pytest.raises(SchemaMismatchError, match=r"no UNIQUE \(job_id, seq\)"):
        ensure_schema(engine)
    engine.dispose()


def test_without_auto_create_a_missing_table_is_named(engine: Engine) -> None:
    """check_schema says what is missing and who makes it."""
    with pytest.raises(SchemaMismatchError, match="ensure_schema"):
        check_schema(engine, build_tables(MetaData()))
    engine.dispose()


def test_eight_processes_make_it_at_once(tmp_path: Path) -> None:
    """All of eight processes that start together find the tables, and none fails."""
    code = (
        "import sys; from zotify_logging.jobs import ensure_schema;"
        "sys.stdin.readline(); ensure_schema(sys.argv[1])"
    )
    url = f"sqlite:///{tmp_path}/new/jobs.db"
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, url],
            stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=tmp_path,
        )
        for _ in range(8)
    ]
    for process in processes:
        assert process.stdin is not None
        process.stdin.write(b"\n")
        process.stdin.flush()
    errors = [process.communicate(timeout=60)[1] for process in processes]
    assert [(p.returncode, e) for p, e in zip(processes, errors, strict=True)] == [(0, b"")] * 8
