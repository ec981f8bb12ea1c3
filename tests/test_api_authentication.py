"""Keys over HTTP: nothing is read or validated before one is valid, and refusals leave traces."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
from api_server import CHOSEN_KEY, ApiServer, run_cli, serving
from waiting import wait_until


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One server for this module."""
    with serving(tmp_path_factory.mktemp("api") / "data") as running:
        yield running


@pytest.fixture
def client(server: ApiServer) -> Iterator[httpx.Client]:
    """A client with the first key."""
    with server.client() as opened:
        yield opened


def _is_problem(response: httpx.Response, status: int) -> dict[str, object]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    document: dict[str, object] = response.json()
    assert document["status"] == status
    assert document["request_id"] == response.headers["x-request-id"]
    return document


def test_without_a_key_everything_but_the_open_routes_is_401(server: ApiServer) -> None:
    """Unknown paths too: a stranger does not learn what exists."""
    for path in ("/api/config", "/api/logs/system/stream?nonsense=1", "/api/nothing", "/"):
        response = httpx.get(server.url + path)
        _is_problem(response, 401)
        assert response.headers["www-authenticate"] == "Bearer"
    for path in ("/api/health", "/api/health/ready", "/openapi.json"):
        assert httpx.get(server.url + path).status_code == 200


def test_401_comes_before_the_body_is_read(server: ApiServer) -> None:
    """The answer is there although the announced body never comes."""
    with server.connect() as connection:
        connection.sendall(
            b"PATCH /api/config HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: 1000\r\n\r\n"
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 401 ")


def test_both_headers_work_and_two_different_keys_do_not(server: ApiServer) -> None:
    """X-API-Key or Bearer; the same key in both is one key."""
    url = f"{server.url}/api/config"
    bearer = {"Authorization": f"bearer {server.key}"}
    assert httpx.get(url, headers=bearer).status_code == 200
    assert httpx.get(url, headers={**bearer, "X-API-Key": server.key}).status_code == 200
    both = httpx.get(url, headers={**bearer, "X-API-Key": "another"})
    assert "two different keys" in str(_is_problem(both, 401)["detail"])
    assert httpx.get(url, headers={"Authorization": "Basic eDp5"}).status_code == 401


def test_404_405_and_bad_json_are_problems(client: httpx.Client) -> None:
    """Every error has one form, and says where to look."""
    _is_problem(client.get("/api/nothing"), 404)
    wrong_method = client.put("/api/config")
    _is_problem(wrong_method, 405)
    assert wrong_method.headers["allow"] == "GET, PATCH"
    _is_problem(anything := client.put("/openapi.json"), 405)
    assert "GET" in anything.headers["allow"]
    json_type = {"Content-Type": "application/json"}
    _is_problem(client.patch("/api/config", content=b"{", headers=json_type), 422)
    not_text = client.patch("/api/config", content=b"\xff", headers=json_type)
    assert not_text.status_code in (400, 422)
    _is_problem(not_text, not_text.status_code)
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    said = _is_problem(client.patch("/api/config", content=b"{}", headers=form), 422)["detail"]
    assert said == "body: must be a JSON object; send it with Content-Type: application/json"
    said = _is_problem(client.patch("/api/config", json=[]), 422)["detail"]
    assert said == "body: must be a JSON object"


def test_a_large_body_is_413_with_and_without_length(client: httpx.Client) -> None:
    """Nobody makes the server hold more than 64 KiB."""
    large = b'{"library_path": "' + b"x" * 70_000 + b'"}'
    headers = {"Content-Type": "application/json"}
    _is_problem(client.patch("/api/config", content=large, headers=headers), 413)
    chunked = client.patch("/api/config", content=iter([large]), headers=headers)
    _is_problem(chunked, 413)


def test_unknown_and_repeated_parameters_are_named(client: httpx.Client) -> None:
    """All at once, with near matches; also on routes that have no parameters."""
    problem = _is_problem(
        client.get("/api/logs/system/stream?leve=INFO&tail=1&tail=2&follow=false"), 422
    )
    assert problem["errors"] == [
        {
            "location": "query",
            "name": "leve",
            "message": "unknown parameter; did you mean level?",
        },
        {"location": "query", "name": "tail", "message": "given 2 times; give it once"},
    ]
    for path in ("/api/config?x=1", "/api/health?x=1"):
        assert "unknown parameter" in str(_is_problem(client.get(path), 422)["detail"])


def test_request_ids_are_kept_if_harmless_and_made_otherwise(client: httpx.Client) -> None:
    """An id that could break a log line is replaced."""
    kept = client.get("/api/health", headers={"X-Request-ID": "abc-1.2_3"})
    assert kept.headers["x-request-id"] == "abc-1.2_3"
    for bad in ("a b", "x" * 65, "<script>", ""):
        made = client.get("/api/health", headers={"X-Request-ID": bad})
        assert len(made.headers["x-request-id"]) == 32


def test_a_missing_scope_is_403_before_validation_and_is_audited(
    server: ApiServer, client: httpx.Client
) -> None:
    """A narrow key is told which scope it lacks, whatever its body looks like."""
    data_dir = str(server.data_dir)
    made = run_cli(
        server.cwd,
        *("keys", "create", "--name", "narrow", "--scope", "logs:read", "--data-dir", data_dir),
    )
    assert made.returncode == 0, made.stderr
    key = made.stdout.strip()

    def is_known() -> bool:
        with server.client(key) as narrow:
            return narrow.get("/api/config").status_code == 200

    wait_until(is_known, 10)
    with server.client(key) as narrow:
        problem = _is_problem(narrow.patch("/api/config?x=1", content=b"{not json"), 403)
        assert "config:write" in str(problem["detail"])
        assert narrow.get("/api/logs/audit").status_code == 403
        assert narrow.get("/api/logs/system/stream?follow=false").status_code == 200
    events = client.get("/api/logs/audit?event_type=auth.denied&user_id=narrow").json()["events"]
    assert {event["details"]["scope"] for event in events} >= {"config:write"}
    assert run_cli(
        server.cwd, "keys", "revoke", "--name", "narrow", "--data-dir", data_dir
    ).stdout.startswith("narrow is revoked")
    wait_until(lambda: not is_known(), 10)


def test_listed_keys_never_show_the_key(server: ApiServer) -> None:
    """The list has names, scopes and times."""
    listed = run_cli(server.cwd, "keys", "list", "--data-dir", str(server.data_dir))
    assert listed.stdout.startswith("admin\tadmin,audit:read\tcreated ")
    assert server.key not in listed.stdout


def test_wrong_keys_are_limited_and_the_right_key_is_not(tmp_path: Path) -> None:
    """The 31st wrong key in a minute is 429; a valid key is answered all the same."""
    with serving(tmp_path / "data") as server, server.client() as client:
        wrong = {"X-API-Key": "wrong-key-wrong-key-wrong"}
        statuses = [client.get("/api/config", headers=wrong).status_code for _ in range(35)]
        assert statuses == [401] * 30 + [429] * 5
        limited = client.get("/api/config", headers=wrong)
        assert 1 <= int(limited.headers["retry-after"]) <= 60
        assert client.get("/api/config").status_code == 200
        assert httpx.get(f"{server.url}/api/config").status_code == 401

        events = client.get("/api/logs/audit?event_type=auth.denied&order=asc").json()["events"]
        assert [(event["details"]["kind"], event["details"]["count"]) for event in events] == [
            ("wrong_key", 1),
            ("too_many_wrong_keys", 1),
            ("missing_key", 1),
        ]
        assert events[0]["source_ip"] == "127.0.0.1"
        assert events[0]["outcome"] == "failure"
        server.stop()
    # The counts that were still pending are written at the end.
    trail = (tmp_path / "data" / "logs" / "audit.jsonl").read_text()
    assert '"count":29' in trail


def test_the_first_key_survives_a_restart_and_lies_in_one_file_alone(tmp_path: Path) -> None:
    """A second start on the same folder keeps the keys; no other file ever holds one."""
    data_dir = tmp_path / "data"
    with serving(data_dir) as server, server.client() as client:
        first = server.key
        assert client.get("/api/config").status_code == 200
        client.get(f"/api/{first}")
        client.get(f"/api/config?key={first}")
        client.get("/api/logs/system/stream?follow=false", headers={"User-Agent": first})
    assert (data_dir / "admin.key").stat().st_mode & 0o777 == 0o600
    assert data_dir.stat().st_mode & 0o777 == 0o700
    with serving(data_dir) as server, server.client(first) as client:
        assert client.get("/api/config").status_code == 200
        assert server.key == first
    holders = [
        path.name
        for path in data_dir.rglob("*")
        if path.is_file() and first.encode() in path.read_bytes()
    ]
    assert holders == ["admin.key"]
    for stderr in tmp_path.glob("*.stderr"):
        assert first not in stderr.read_text()


def test_the_chosen_key_works_and_is_stored_nowhere(tmp_path: Path) -> None:
    """ZOTIFY_API_KEY has all scopes, makes a first key unnecessary, and is in no file."""
    data_dir = tmp_path / "data"
    with serving(data_dir, env={"ZOTIFY_API_KEY": CHOSEN_KEY}) as server:
        with server.client(CHOSEN_KEY) as client:
            assert client.get("/api/logs/audit").status_code == 200
            assert client.patch("/api/config", json={"scan_on_startup": False}).status_code == 200
            client.get(f"/api/logs/system/stream?q={CHOSEN_KEY}&follow=false")
    assert not (data_dir / "admin.key").exists()
    for path in data_dir.rglob("*"):
        assert not path.is_file() or CHOSEN_KEY.encode() not in path.read_bytes(), path


def test_access_lines_have_no_query_and_one_per_request(
    server: ApiServer, client: httpx.Client
) -> None:
    """A line says method, path, status and time, under the request's id."""
    client.get("/api/health?secret=1", headers={"X-Request-ID": "find-me"})
    deadline = time.monotonic() + 5
    lines: list[str] = []
    while not lines and time.monotonic() < deadline:
        log = (server.data_dir / "logs" / "system.log").read_text()
        lines = [line for line in log.splitlines() if "find-me" in line]
    assert len(lines) == 1
    assert "zotify_api.access" in lines[0]
    assert "secret" not in lines[0]
    assert '"status":422' in lines[0].replace(" ", "")


def test_proxy_headers_are_believed_from_listed_proxies_only(
    server: ApiServer, client: httpx.Client, tmp_path: Path
) -> None:
    """Else anybody could name any address as his own."""
    forged = {"X-API-Key": "wrong", "X-Forwarded-For": "203.0.113.9"}
    httpx.get(f"{server.url}/api/config", headers=forged)
    assert client.get("/api/logs/audit?source_ip=203.0.113.9").json()["events"] == []
    env = {"ZOTIFY_TRUSTED_PROXIES": '["127.0.0.0/8"]'}
    with serving(tmp_path / "data", env=env) as behind_proxy, behind_proxy.client() as reader:
        httpx.get(f"{behind_proxy.url}/api/config", headers=forged)
        (event,) = reader.get("/api/logs/audit?source_ip=203.0.113.9").json()["events"]
    assert event["event_type"] == "auth.denied"


def test_a_key_in_the_wrong_place_is_never_echoed(tmp_path: Path) -> None:
    """Path, query, body and X-Request-ID: neither the answer nor a log shows the key."""
    for key in (None, 'o\'dd\\key-"chosen"-for-this-test'):
        data_dir = tmp_path / ("made" if key is None else "chosen")
        env = {} if key is None else {"ZOTIFY_API_KEY": key}
        with serving(data_dir, env=env) as server, server.client(key) as client:
            used = key or server.key
            quoted = quote(used, safe="")
            answers = [
                client.get(f"/api/logs/jobs/{quoted}"),
                client.get(f"/api/jobs/{quoted}"),
                client.get(f"/api/nothing/{quoted}"),
                client.get(f"/api/logs/jobs/{quoted}x{'y' * 300}"),
                client.get("/api/logs/audit", params={"after": used}),
                client.get("/api/logs/audit", params={used: "1"}),
                client.get("/api/logs/system/stream", params={"tail": used}),
                client.get("/api/logs/system/stream", params={"since": used}),
                client.patch("/api/config", json={"library_path": f"/{used}"}),
                client.patch("/api/config", json={used: "x"}),
                client.get("/api/config", headers={"X-Request-ID": used}),
                httpx.get(f"{server.url}/api/config", headers={"X-Request-ID": used}),
                httpx.get(f"{server.url}/api/nothing/{quoted}", headers={"X-API-Key": used}),
                httpx.get(f"{server.url}/api/nothing/{quoted}"),
            ]
        assert {answer.status_code // 100 for answer in answers} <= {2, 4}
        for answer in answers:
            shown = answer.text + str(dict(answer.headers))
            for form in (used, repr(used)[1:-1], json.dumps(used)[1:-1], used[:14]):
                assert form not in shown, answer.url
        assert len(answers[10].headers["X-Request-ID"]) == 32
        for path in data_dir.rglob("logs/*"):
            assert used.encode() not in path.read_bytes(), path
            assert json.dumps(used)[1:-1].encode() not in path.read_bytes(), path
