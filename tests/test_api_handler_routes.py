"""Handlers over HTTP, in two workers: figures of each and of all, and changes that reach both."""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import ApiServer, run_cli, serving
from waiting import wait_until

from zotify_api.cli.samples import write_samples
from zotify_logging.audit import verify_trail

HANDLERS = "/api/logs/handlers"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """Two workers for all tests; each puts back what it changed."""
    folder = tmp_path_factory.mktemp("handlers")
    with serving(folder / "data", arguments=("--workers", "2"), cold=True) as running:
        with running.client() as client:
            wait_until(lambda: len(live(client)) == 2, 20)
        yield running


@pytest.fixture
def client(server: ApiServer) -> Iterator[httpx.Client]:
    """One that opens a connection for each request, so that any worker may answer."""
    limits = httpx.Limits(max_keepalive_connections=0)
    with httpx.Client(
        base_url=server.url,
        headers={"X-API-Key": server.key},
        timeout=15,
        trust_env=False,
        limits=limits,
    ) as one:
        yield one
        changed = {(item["kind"], item["name"]) for item in one.get(HANDLERS).json()["changes"]}
        for kind, name in changed:
            body = {"level": None, "enabled": True}
            assert one.patch(f"/api/logs/{kind}s/{name}", json=body).status_code == 200


def live(client: httpx.Client) -> list[dict[str, Any]]:
    """Return the workers that run."""
    return [one for one in client.get(HANDLERS).json()["workers"] if one["state"] == "live"]


def levels(client: httpx.Client, name: str = "system") -> set[str]:
    """Return the levels of a handler in all workers, as they publish them."""
    return {worker["handlers"][name]["level"] for worker in live(client)}


def test_both_workers_and_their_sum_are_shown(client: httpx.Client) -> None:
    """Counters of the sum are those of the workers together; whoever answers says so."""
    reply = client.get(HANDLERS).json()
    workers = [worker for worker in reply["workers"] if worker["state"] == "live"]
    assert len(workers) == 2
    assert [worker["answered"] for worker in workers].count(True) == 1
    handlers = {handler["name"]: handler for handler in reply["handlers"]}
    assert set(handlers) == {"system", "audit", "jobs"}
    for name, total in handlers.items():
        assert (total["workers"], total["enabled"]) == (2, True)
        assert total["health"] == {"status": "ok", "reasons": []}
        for counter in ("accepted", "written", "ignored", "bytes"):
            single = [worker["handlers"][name]["statistics"][counter] for worker in workers]
            assert total["statistics"][counter] == sum(single)
        law = total["statistics"]
        lost = sum(law["dropped"].values()) + sum(law["failed"].values())
        assert law["accepted"] == law["written"] + law["queued"] + lost
    assert {"name": "root", "level": "INFO", "enabled": True} in reply["loggers"]
    assert reply["changes"] == []


def test_a_change_reaches_both_workers_and_is_audited(
    client: httpx.Client, server: ApiServer
) -> None:
    """The reply comes when both have it; the event has actor, target, old and new."""
    reply = client.patch(f"{HANDLERS}/system", json={"level": "ERROR"})
    assert reply.status_code == 200
    change = reply.json()
    assert sorted(change["applied"]) == sorted(worker["pid"] for worker in live(client))
    assert change["pending"] == []
    assert change["previous"] == {"level": "INFO", "enabled": True}
    assert change["current"] == {"level": "ERROR", "enabled": True}
    assert "system" in change["explain"]["accepted_by"]
    assert levels(client) == {"ERROR"}
    for _ in range(4):  # whichever answers
        (force,) = client.get(HANDLERS).json()["changes"]
        assert (force["name"], force["setting"], force["value"]) == ("system", "level", "ERROR")
    query = "event_type=handler.update&target_id=system&outcome=success&limit=1"
    (event,) = client.get(f"/api/logs/audit?{query}").json()["events"]
    assert (event["user_id"], event["target"]) == ("admin", {"type": "handler", "id": "system"})
    assert event["details"]["old"] == {"level": "INFO"}
    assert event["details"]["new"] == {"level": "ERROR"}
    control = server.data_dir / "control.json"
    assert stat.S_IMODE(control.stat().st_mode) == 0o600


def test_a_temporary_change_ends_in_both_at_the_same_time(client: httpx.Client) -> None:
    """Level and switch alike; what held before comes back."""
    body = {"level": "ERROR", "enabled": False, "ttl": "1 s"}
    change = client.patch(f"{HANDLERS}/system", json=body).json()
    assert change["until"] is not None
    assert len(change["applied"]) == 2
    wait_until(lambda: levels(client) == {"INFO"}, 8)
    wait_until(lambda: all(one["handlers"]["system"]["enabled"] for one in live(client)), 8)
    wait_until(lambda: client.get(HANDLERS).json()["changes"] == [], 5)


def test_a_temporary_change_returns_to_the_permanent_one(client: httpx.Client) -> None:
    """Not to the configuration; null does that."""
    client.patch(f"{HANDLERS}/system", json={"level": "WARNING"})
    change = client.patch(f"{HANDLERS}/system", json={"level": "DEBUG", "ttl": 1}).json()
    assert change["current"]["level"] == "DEBUG"
    wait_until(lambda: levels(client) == {"WARNING"}, 8)
    back = client.patch(f"{HANDLERS}/system", json={"level": None}).json()
    assert back["current"]["level"] == "INFO"
    assert levels(client) == {"INFO"}


def test_a_handler_opened_under_a_closed_logger_says_so(client: httpx.Client) -> None:
    """The explanation names the logger's level as what keeps records out."""
    change = client.patch(f"{HANDLERS}/system", json={"level": "DEBUG"}).json()
    assert change["explain"]["accepted_by"] == []
    first = change["explain"]["steps"][0]
    assert (first["kind"], first["name"], first["passes"]) == ("logger", "root", False)
    assert "effective level INFO" in first["why"]


def test_a_disabled_handler_ignores_records_in_both(client: httpx.Client) -> None:
    """Until it is enabled again."""
    change = client.patch(f"{HANDLERS}/system", json={"enabled": False}).json()
    assert change["current"] == {"level": "INFO", "enabled": False}
    assert any(step["why"].endswith("is switched off") for step in change["explain"]["steps"])
    before = client.get(HANDLERS).json()["handlers"][-1]["statistics"]
    after = client.get(HANDLERS).json()["handlers"][-1]["statistics"]
    assert after["accepted"] == before["accepted"]
    client.patch(f"{HANDLERS}/system", json={"enabled": True})
    assert client.get(HANDLERS).json()["handlers"][-1]["enabled"] is True


def test_loggers_change_in_both(client: httpx.Client, server: ApiServer) -> None:
    """Level and switch, by name; the root by ``root``."""
    change = client.patch("/api/logs/loggers/zotify_api", json={"level": "DEBUG"}).json()
    assert (change["kind"], change["current"]["level"]) == ("logger", "DEBUG")
    assert len(change["applied"]) == 2
    for _ in range(4):
        listed = client.get(HANDLERS).json()["loggers"]
        assert {"name": "zotify_api", "level": "DEBUG", "enabled": True} in listed
    off = client.patch("/api/logs/loggers/zotify_api", json={"enabled": False}).json()
    assert off["current"] == {"level": "DEBUG", "enabled": False}
    root = client.patch("/api/logs/loggers/root", json={"level": "WARNING", "ttl": 30}).json()
    assert (root["previous"]["level"], root["current"]["level"]) == ("INFO", "WARNING")


@pytest.mark.parametrize(
    ("path", "body", "status", "said"),
    [
        ("handlers/systm", {"level": "INFO"}, 404, "no handler named 'systm'; did you mean system"),
        ("loggers/zotify_ap", {"level": "INFO"}, 404, "did you mean zotify_api?"),
        ("handlers/system", {"levl": "INFO"}, 422, "levl: unknown field; did you mean level?"),
        ("handlers/system", {"level": "INFO", "class": "os.system"}, 422, "class: unknown field"),
        ("handlers/system", {"level": "INFO", "()": "os.system"}, 422, "(): unknown field"),
        ("handlers/system", {"level": "INFO", "filename": "/x"}, 422, "filename: unknown field"),
        ("handlers/system", {"level": "ext://sys.stderr"}, 422, "level: "),
        ("handlers/system", {"level": "warnin"}, 422, "did you mean WARNING?"),
        ("handlers/system", {"level": 10}, 422, "level: "),
        ("handlers/system", {"enabled": "yes"}, 422, "enabled: "),
        ("handlers/system", {"enabled": None}, 422, "enabled: "),
        ("handlers/system", {}, 422, "changes nothing: give level or enabled"),
        ("handlers/system", {"ttl": 5}, 422, "changes nothing"),
        ("handlers/system", {"level": "INFO", "ttl": "soon"}, 422, "ttl: 'soon' is not a duration"),
        ("handlers/system", {"level": "INFO", "ttl": 0}, 422, "ttl: must be between 1 second"),
        ("handlers/system", {"level": "INFO", "ttl": "31 d"}, 422, "ttl: must be between"),
        ("handlers/system", {"level": None, "ttl": 5}, 422, "takes no ttl"),
        ("loggers/root", [1], 422, "body: "),
    ],
)
def test_what_cannot_be_changed_is_named(
    client: httpx.Client, path: str, body: object, status: int, said: str
) -> None:
    """A closed patch: nothing but level, enabled and ttl comes in, and nothing is changed."""
    reply = client.patch(f"/api/logs/{path}", json=body)
    assert reply.status_code == status, reply.text
    assert reply.headers["content-type"] == "application/problem+json"
    assert said in reply.json()["detail"]
    assert "os.system" not in reply.text
    assert client.get(HANDLERS).json()["changes"] == []


def test_more_changes_than_are_kept_are_refused(client: httpx.Client, server: ApiServer) -> None:
    """With the bound and the cure; ending one makes room."""
    control = server.data_dir / "control.json"
    item = {"kind": "logger", "name": "full.test", "setting": "level", "permanent": "DEBUG"}
    revision = time.time_ns() // 1000
    partial = server.data_dir / "by.hand"
    partial.write_text(json.dumps({"revision": revision, "items": [item] * 1000}))
    partial.chmod(0o600)
    partial.replace(control)
    wait_until(lambda: len(client.get(HANDLERS).json()["changes"]) == 1000, 5)
    reply = client.patch(f"{HANDLERS}/system", json={"level": "ERROR"})
    assert (reply.status_code, reply.headers["content-type"]) == (409, "application/problem+json")
    assert reply.json()["detail"].startswith("1000 settings of changes made at run time are kept")
    assert client.patch("/api/logs/loggers/full.test", json={"level": None}).status_code == 200
    assert client.get(HANDLERS).json()["changes"] == []


def test_scopes_are_kept(client: httpx.Client, server: ApiServer) -> None:
    """logs:read looks and cannot change; logs:control changes and cannot look."""
    keys = {}
    for scope in ("logs:read", "logs:control"):
        made = run_cli(
            server.cwd,
            *("keys", "create", "--name", scope.replace(":", "-"), "--scope", scope),
            *("--data-dir", str(server.data_dir)),
        )
        keys[scope] = made.stdout.strip()
    body = {"enabled": True}

    def kept() -> bool:
        got = {
            scope: (
                client.get(HANDLERS, headers={"X-API-Key": key}).status_code,
                client.patch(
                    f"{HANDLERS}/system", json=body, headers={"X-API-Key": key}
                ).status_code,
            )
            for scope, key in keys.items()
        }
        return got == {"logs:read": (200, 403), "logs:control": (403, 200)}

    wait_until(kept, 10)  # each worker knows a new key within 0.25 s
    assert client.get(HANDLERS, headers={"X-API-Key": ""}).status_code == 401


def test_a_hostile_control_file_changes_nothing_and_is_told_once(
    client: httpx.Client, server: ApiServer
) -> None:
    """Whatever it says; the next change takes its place."""
    control = server.data_dir / "control.json"
    log = server.data_dir / "logs" / "system.log"
    for count, (text, mode, said) in enumerate(
        [
            ('{"version": 1, "items": [{"kind": "handler", "class": "os.system"}]}', 0o600, ""),
            ('{"revision": 1e999', 0o600, ""),
            ('{"version": 1, "revision": 1, "items": []}', 0o666, "can be written by others"),
        ]
    ):
        partial = control.with_suffix(".evil")
        partial.write_text(text)
        partial.chmod(mode)
        partial.replace(control)

        def told(number: int = count + 1) -> bool:
            return log.read_text().count("control.json is ignored") == 2 * number

        wait_until(told, 5)
        assert said in log.read_text()
    assert levels(client) == {"INFO"}
    assert len(client.patch(f"{HANDLERS}/system", json={"level": "ERROR"}).json()["applied"]) == 2
    assert levels(client) == {"ERROR"}


def test_one_log_one_chain_for_both(client: httpx.Client, server: ApiServer) -> None:
    """Whole lines of both workers in one file, and a trail that verifies."""
    for _ in range(20):
        client.get("/api/config")
    statistics = client.get(HANDLERS).json()
    by_worker = [one["handlers"]["system"]["statistics"]["written"] for one in live(client)]
    assert min(by_worker) > 0
    assert statistics["handlers"][-1]["name"] == "system"
    for line in (server.data_dir / "logs" / "system.log").read_text().splitlines():
        json.loads(line)
    report = verify_trail(server.data_dir / "logs" / "audit.jsonl")
    assert (report.state, report.exit_code) == ("verified", 0)


def test_one_job_table_for_both(client: httpx.Client, tmp_path: Path) -> None:
    """A scan that one worker runs is known to whoever is asked, with all its lines."""
    write_samples(tmp_path / "music")
    client.patch("/api/config", json={"library_path": str(tmp_path / "music")})
    job_id = client.post("/api/sync").json()["job_id"]
    states = {client.get(f"/api/jobs/{job_id}").json()["status"] for _ in range(6)}
    assert states <= {"queued", "running", "finished"}
    wait_until(lambda: client.get(f"/api/logs/jobs/{job_id}").json()["complete"], 20)
    for _ in range(6):
        assert client.get(f"/api/jobs/{job_id}").json()["status"] == "finished"
        sequence = [line["seq"] for line in client.get(f"/api/logs/jobs/{job_id}").json()["items"]]
        assert sequence == list(range(1, len(sequence) + 1))


def test_a_worker_that_starts_later_has_what_holds(client: httpx.Client, server: ApiServer) -> None:
    """One is killed, its successor comes up with the change and the time that is left of it."""
    client.patch(f"{HANDLERS}/system", json={"level": "WARNING"})
    client.patch(f"{HANDLERS}/system", json={"level": "ERROR", "ttl": 60})
    victim = live(client)[0]["pid"]
    os.kill(victim, 9)

    def replaced() -> bool:
        try:
            pids = {worker["pid"] for worker in live(client)}
        except httpx.TransportError:  # the connection was the victim's
            return False
        return len(pids) == 2 and victim not in pids

    wait_until(replaced, 20)
    assert levels(client) == {"ERROR"}
    states = {one["pid"]: one["state"] for one in client.get(HANDLERS).json()["workers"]}
    assert states[victim] == "dead"
    change = client.patch(f"{HANDLERS}/system", json={"level": None}).json()
    assert len(change["applied"]) == 2
    assert levels(client) == {"INFO"}


def test_sigterm_ends_all_workers_with_everything_flushed(server: ApiServer) -> None:
    """Within two seconds, streams told, last reports written, and what held still holds."""
    with server.client() as client:
        client.patch(f"{HANDLERS}/system", json={"level": "DEBUG"})
        pids = {worker["pid"] for worker in live(client)}
        with client.stream("GET", "/api/logs/system/stream?format=text&tail=0") as stream:
            pieces = stream.iter_text()
            assert "hello" in next(pieces)
            server.process.terminate()
            begun = time.monotonic()
            assert "reason=shutdown" in "".join(pieces)
    assert server.process.wait(10) == 0
    assert time.monotonic() - begun < 4.0, server.errors.read_text()
    reports = [json.loads(one.read_text()) for one in (server.data_dir / "run").glob("*.json")]
    assert {report["pid"] for report in reports if report["ended"]} == pids
    for report in reports:
        if report["ended"]:
            assert report["handlers"]["system"]["statistics"]["queued"] == 0
    assert "Traceback" not in server.errors.read_text()
    with serving(server.data_dir) as again, again.client() as client:
        assert levels(client) == {"DEBUG"}
