"""Readiness: what cannot be used fails, what was lost of late degrades, and both pass."""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api_server import ApiServer, serving
from waiting import wait_until

from zotify_api.services.health_service import HealthService, Readiness
from zotify_logging.ledger import HandlerHealth
from zotify_logging.service import ServiceHealth


class Handlers:
    """Handlers whose health a test sets by hand."""

    def __init__(self) -> None:
        self.jobs = HandlerHealth("ok")

    def health(self) -> ServiceHealth:
        """Return that of the one handler."""
        return ServiceHealth(self.jobs.status, self.jobs.reasons, {"jobs": self.jobs})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One server for what leaves no trace in it."""
    with serving(tmp_path_factory.mktemp("api") / "data") as running:
        yield running


def ready(server: ApiServer) -> tuple[int, str, list[str]]:
    """Return status, word and reasons of a look that is at most a second old."""
    reply = httpx.get(f"{server.url}/api/health/ready")
    document = reply.json()
    return reply.status_code, document["status"], document["reasons"]


def becomes(server: ApiServer, status: int, word: str, reason: str = "") -> None:
    """Wait until readiness says so."""

    def says() -> bool:
        found = ready(server)
        return found[:2] == (status, word) and any(reason in text for text in found[2] or [""])

    wait_until(says, 10)


def test_a_degraded_handler_degrades_and_says_why() -> None:
    """As long as the handler says so of itself."""
    handlers = Handlers()
    health = HealthService(handlers, {}, max_age=0)
    assert health.look() == Readiness([], [])
    handlers.jobs = HandlerHealth("degraded", ("the queue is 81% full",))
    assert health.look() == Readiness([], ["handler jobs: the queue is 81% full"])
    handlers.jobs = HandlerHealth("ok")
    assert health.look() == Readiness([], [])


def test_a_failing_handler_fails_without_its_reasons() -> None:
    """They may hold paths; a handler whose sink a check tries only degrades."""
    handlers = Handlers()
    handlers.jobs = HandlerHealth("failing", ("the sink refused: /secret/path",))
    said = ["handler jobs could not write its latest record"]
    assert HealthService(handlers, {}, max_age=0).look() == Readiness(said, [])
    assert HealthService(handlers, {}, probed=["jobs"], max_age=0).look() == Readiness([], said)


def test_checks_are_tried_at_most_once_a_second() -> None:
    """However often strangers ask; the text of the error stays inside."""
    tried: list[float] = []
    now = [0.0]

    def check() -> None:
        tried.append(now[0])
        raise OSError("secret path")

    health = HealthService(Handlers(), {"the trail": check}, monotonic=lambda: now[0])
    for _ in range(20):
        assert health.look() == Readiness(["the trail cannot be used"], [])
        now[0] += 0.25
    assert tried == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_health_counts_what_the_api_audits(server: ApiServer) -> None:
    """Events of the helpers are in the counters of the audit handler."""
    httpx.get(f"{server.url}/api/config")
    counters = httpx.get(f"{server.url}/api/health").json()["handlers"]["audit"]
    assert counters["accepted"] == counters["written"] >= 2  # key.create and auth.denied


def test_an_absent_job_database_fails_until_it_is_back(server: ApiServer) -> None:
    """What its readers would get."""
    store = server.data_dir / "logs" / "job_logs.db"
    os.rename(store, f"{store}.away")
    becomes(server, 503, "failing", "the job-log database")
    os.rename(f"{store}.away", store)
    becomes(server, 200, "ok")


def test_a_locked_database_fails(tmp_path: Path) -> None:
    """The API's own tables cannot be written while another program keeps them to itself."""
    with serving(tmp_path / "data") as server:
        other = sqlite3.connect(server.data_dir / "api.db", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        reply = httpx.get(f"{server.url}/api/health/ready", timeout=30)
        assert (reply.status_code, reply.json()["reasons"]) == (
            503,
            ["the database cannot be used"],
        )
        other.close()
        becomes(server, 200, "ok")


@pytest.mark.parametrize("name", ["audit.jsonl", "system.log"])
def test_a_folder_in_the_place_of_a_log_fails_until_it_is_gone(tmp_path: Path, name: str) -> None:
    """503 names what cannot be used; no restart is needed."""
    with serving(tmp_path / "data") as server:
        log = server.data_dir / "logs" / name
        os.rename(log, tmp_path / name)
        log.mkdir()
        (log / "file").touch()
        becomes(server, 503, "failing")
        shutil.rmtree(log)
        wait_until(lambda: ready(server)[0] == 200, 10)


def test_a_full_disk_fails_until_there_is_room(tmp_path: Path) -> None:
    """A real limit on the size of files: 503 while nothing fits, degraded afterwards."""
    with serving(tmp_path / "data") as server:
        becomes(server, 200, "ok")
        pid = server.process.pid
        soft, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (100, hard))
        httpx.get(f"{server.url}/api/config")  # auth.denied has nowhere to go
        becomes(server, 503, "failing", "the audit trail")
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (soft, hard))
        becomes(
            server, 200, "degraded", "handler audit: records were not written in the last 5 min"
        )
