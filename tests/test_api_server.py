"""The end of the server: streams are told, jobs are cancelled, nothing hangs."""

from __future__ import annotations

import json
import signal
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from api_server import ApiServer, run_cli, serving
from waiting import wait_until

STREAM = "/api/logs/system/stream"


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_open_streams_get_their_end_and_the_process_exits(
    tmp_path: Path, sign: signal.Signals
) -> None:
    """Twenty readers get `end`, and it is over in two seconds."""
    env = {"ZOTIFY_STREAMS_PER_KEY": "30"}
    server = ApiServer(tmp_path / "data", env=env, cold=sign is signal.SIGTERM)
    readers = [_open(server) for _ in range(20)]
    code, seconds = server.stop(sign)
    assert code == 0, server.errors.read_text()
    assert seconds < 2.5, server.errors.read_text()
    for reader in readers:
        data = b""
        while piece := reader.recv(65536):
            data += piece
        reader.close()
        assert b'"reason":"shutdown"' in data.replace(b" ", b"")
        assert data.endswith(b"0\r\n\r\n")
    log = (tmp_path / "data" / "logs" / "system.log").read_text()
    assert "Finished server process" in log or "Shutting down" in log
    assert "Traceback" not in server.errors.read_text()


def test_a_reader_that_takes_nothing_does_not_hold_up_the_end(tmp_path: Path) -> None:
    """Its socket is full; the others are told, it is cut."""
    server = ApiServer(tmp_path / "data")
    log = tmp_path / "data" / "logs" / "system.log"
    with log.open("a") as file:
        for number in range(60_000):
            file.write(f"2026-01-01T00:00:00.000000Z INFO filler line {number} {'x' * 400}\n")
    deaf = _open(server, "tail=all", small=True)
    code, seconds = server.stop()
    deaf.close()
    assert code == 0
    assert seconds < 3.5, server.errors.read_text()


def _open(server: ApiServer, query: str = "tail=0", *, small: bool = False) -> socket.socket:
    connection = socket.socket()
    if small:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(15)
    connection.connect(("127.0.0.1", server.port))
    head = f"GET {STREAM}?{query}&format=ndjson HTTP/1.1\r\nHost: x\r\nX-API-Key: {server.key}"
    connection.sendall(head.encode() + b"\r\n\r\n")
    data = b""
    while b"hello" not in data:
        data += connection.recv(2048)
    return connection


def test_a_running_job_is_cancelled_by_sigterm(tmp_path: Path) -> None:
    """Its row and its last line say so."""
    library = tmp_path / "music"
    library.mkdir()
    for number in range(4000):
        (library / f"{number}.mp3").write_bytes(b"nothing")
    with serving(tmp_path / "data") as server, server.client() as client:
        assert client.patch("/api/config", json={"library_path": str(library)}).status_code == 200
        job_id = client.post("/api/sync").json()["job_id"]
        wait_until(lambda: client.get(f"/api/jobs/{job_id}").json()["status"] == "running", 10)
        code, seconds = server.stop()
        assert (code, seconds < 3) == (0, True)
    with serving(tmp_path / "data") as server, server.client() as client:
        assert client.get(f"/api/jobs/{job_id}").json()["status"] == "cancelled"
        reply = client.get(f"/api/logs/jobs/{job_id}").json()
        assert reply["job"]["status"] == "cancelled"
        assert reply["items"][-1]["message"].startswith("sync cancelled")
        assert reply["complete"] is True
        kinds = client.get(f"/api/logs/audit?target_id={job_id}&order=asc").json()["events"]
        assert [event["event_type"] for event in kinds] == ["job.start", "job.cancel"]


def test_a_job_whose_process_was_killed_is_lost_at_the_next_start(tmp_path: Path) -> None:
    """kill -9 closes nothing; the next start does, and the next sync may run."""
    library = tmp_path / "music"
    library.mkdir()
    for number in range(4000):
        (library / f"{number}.mp3").write_bytes(b"nothing")
    server = ApiServer(tmp_path / "data")
    with server.client() as client:
        client.patch("/api/config", json={"library_path": str(library)})
        job_id = client.post("/api/sync").json()["job_id"]
    server.stop(signal.SIGKILL)
    with serving(tmp_path / "data") as server, server.client() as client:
        job = client.get(f"/api/jobs/{job_id}").json()
        assert job["status"] == "lost"
        assert client.post("/api/sync").status_code == 202
    with closing(sqlite3.connect(tmp_path / "data" / "api.db")) as database:
        assert database.execute("SELECT count(*) FROM jobs WHERE slot IS NOT NULL").fetchone() == (
            0,
        )


def test_a_taken_port_is_one_clear_line(tmp_path: Path) -> None:
    """Nothing is opened or created before the port is known to be free."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run_cli(tmp_path, "--port", str(port), "--data-dir", "data")
    assert result.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}" in result.stderr
    assert "--port" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (tmp_path / "data").exists()


def test_log_lines_of_uvicorn_go_through_the_same_handler(tmp_path: Path) -> None:
    """One log holds all of them, as JSON lines."""
    with serving(tmp_path / "data"):
        pass
    lines = (tmp_path / "data" / "logs" / "system.log").read_text().splitlines()
    loggers = {json.loads(line)["logger"] for line in lines}
    assert {"uvicorn.error", "zotify_api", "zotify_api.access"} <= loggers
