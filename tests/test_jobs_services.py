"""The job log on real servers, PostgreSQL and MariaDB, each test in a database of its own."""

from __future__ import annotations

import logging
import os
import uuid
from collections.abc import Iterator
from contextlib import closing

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

from zotify_logging import DatabaseJobLogHandler, SchemaMismatchError
from zotify_logging.jobs import JobLogReader

pytestmark = pytest.mark.services

SERVERS = {
    "postgresql": os.environ.get(
        "ZOTIFY_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
    ),
    "mariadb": os.environ.get("ZOTIFY_TEST_MARIADB", "mariadb+pymysql://root@127.0.0.1:3306/mysql"),
}


@pytest.fixture(params=sorted(SERVERS))
def url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Make a database and remove it; skip without a server, unless one is required."""
    server = create_engine(SERVERS[request.param], isolation_level="AUTOCOMMIT")
    name = f"zotify_test_{uuid.uuid4().hex[:12]}"
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError as error:
        if os.environ.get("ZOTIFY_REQUIRE_SERVICES") == "1":
            raise
        pytest.skip(f"{request.param} does not answer: {error.orig}")
    yield server.url.set(database=name).render_as_string(hide_password=False)
    with server.connect() as connection:
        force = " WITH (FORCE)" if request.param == "postgresql" else ""
        connection.execute(text(f"DROP DATABASE {name}{force}"))
    server.dispose()


def test_lines_come_back_in_order_and_once(url: str) -> None:
    """Batches over two jobs: every row, dense seq per job, exact text and fields."""
    handler = DatabaseJobLogHandler(url, max_batch_size=100)
    logger = logging.getLogger("services")
    logger.setLevel("INFO")
    logger.addHandler(handler)
    for number in range(600):
        logger.info("line %d", number, extra={"job_id": f"job-{number % 2}", "number": number})
    logger.info("é 🎵 NUL\0 lone\ud800 %s ' \" \\", "end", extra={"job_id": "odd"})
    logger.info("done", extra={"job_id": "job-0", "status": "finished"})
    assert handler.flush(60)
    assert handler.statistics().written == 602
    handler.close()
    with closing(JobLogReader(url)) as reader:
        for parity, extra_lines in ((0, 1), (1, 0)):
            lines = list(reader.lines(f"job-{parity}"))
            assert [line.seq for line in lines] == list(range(1, 301 + extra_lines))
            assert [line.message for line in lines[:300]] == [
                f"line {number}" for number in range(parity, 600, 2)
            ]
        (odd,) = reader.lines("odd")
        job = reader.job("job-0")
    assert odd.message == "é 🎵 NUL\\u0000 lone\\ud800 end ' \" \\"
    assert job is not None and job.status == "finished" and job.closed is not None


def test_ids_that_differ_by_case_or_a_space_are_different_jobs(url: str) -> None:
    """`a`, `A` and `a ` are three jobs."""
    handler = DatabaseJobLogHandler(url)
    for job_id in ("a", "A", "a "):
        handler.handle(logging.makeLogRecord({"msg": f"of <{job_id}>", "job_id": job_id}))
    assert handler.flush(60)
    handler.close()
    with closing(JobLogReader(url)) as reader:
        for job_id in ("a", "A", "a "):
            assert [line.message for line in reader.lines(job_id)] == [f"of <{job_id}>"]


def test_a_table_of_our_name_in_another_shape_is_refused(url: str) -> None:
    """The error names the table and the remedy; the table stays as it is."""
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE job_logs (id INTEGER PRIMARY KEY)"))
    with pytest.raises(SchemaMismatchError, match="job_logs"):
        DatabaseJobLogHandler(url)
    engine.dispose()
