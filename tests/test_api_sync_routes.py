"""The library scan end to end, on files that nobody would wish for."""

from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_server import ApiServer, serving
from waiting import wait_until

from zotify_api.cli.samples import tag_wav, write_flac, write_samples, write_wav


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


def scan(client: httpx.Client, library: Path) -> str:
    """Scan a folder to the end and return the job's id."""
    changed = client.patch("/api/config", json={"library_path": str(library)})
    assert changed.status_code == 200, changed.text
    started = client.post("/api/sync")
    assert started.status_code == 202, started.text
    job_id: str = started.json()["job_id"]
    assert started.headers["location"] == f"/api/jobs/{job_id}"
    wait_until(lambda: job_of(client, job_id)["status"] not in ("queued", "running"), 30)
    return job_id


def job_of(client: httpx.Client, job_id: str) -> dict[str, object]:
    """Return the state of a job."""
    state: dict[str, object] = client.get(f"/api/jobs/{job_id}").json()
    return state


def complete_log(client: httpx.Client, job_id: str) -> dict[str, Any]:
    """Return the whole log of an ended job, waiting for its last lines to be stored."""
    url = f"/api/logs/jobs/{job_id}"
    wait_until(lambda: client.get(url).json()["complete"] is True, 10)
    reply: dict[str, Any] = client.get(url).json()
    return reply


def test_every_file_is_in_the_job_log_and_every_readable_one_a_track(
    server: ApiServer, client: httpx.Client, tmp_path: Path
) -> None:
    """Tagged, untagged and broken files; the log, the job and the table agree."""
    library = tmp_path / "music"
    count = write_samples(library)
    job_id = scan(client, library)
    job = job_of(client, job_id)
    assert (job["status"], job["progress"]) == ("finished", 100.0)
    assert (job["found"], job["stored"], job["failed"]) == (count, count - 1, 1)

    reply = complete_log(client, job_id)
    shown = {item["extra"]["path"] for item in reply["items"] if "path" in item["extra"]}
    assert shown == {
        str(path) for path in library.rglob("*") if path.is_file() and path.suffix != ".txt"
    }
    sequence = [item["seq"] for item in reply["items"]]
    assert sequence == list(range(1, len(sequence) + 1))
    (warning,) = [item for item in reply["items"] if item["level"] == "WARNING"]
    assert "broken.flac" in str(warning["message"])

    with closing(sqlite3.connect(server.data_dir / "api.db")) as database:
        titles = database.execute(
            "SELECT title FROM tracks WHERE path LIKE ?", (f"{library}%",)
        ).fetchall()
    assert len(titles) == count - 1
    assert ("Concert Pitch",) in titles


def test_hostile_names_and_tags_are_data(
    server: ApiServer, client: httpx.Client, tmp_path: Path
) -> None:
    """Quotes, newlines, bytes that are no UTF-8, SQL in a tag: all stored, nothing executed."""
    library = tmp_path / "music"
    library.mkdir()
    names = [
        b'it\'s "quoted".wav',
        b"two\nlines.wav",
        b"caf\xe9.wav",
        "naïve \u202e.wav".encode(),
        b"'); DROP TABLE tracks; --.wav",
        b"%s %(x)s {0} ${y}.wav",
    ]
    for name in names:
        path = os.fsencode(library) + b"/" + name
        write_wav(Path(os.fsdecode(path)), 440)
    evil = "Robert'); DROP TABLE tracks; --"
    write_wav(library / "tagged.wav", 440)
    tag_wav(library / "tagged.wav", evil, 'a"; DELETE FROM api_keys; --', "\u202e\x00\U0001f3b5")
    job_id = scan(client, library)
    job = job_of(client, job_id)
    assert (job["status"], job["stored"], job["failed"]) == ("finished", len(names) + 1, 0)

    items = complete_log(client, job_id)["items"]
    paths = [str(item["extra"]["path"]) for item in items if "path" in item["extra"]]
    assert len(paths) == len(names) + 1
    assert f"{library}/two\nlines.wav" in paths
    assert f"{library}/caf\\xe9.wav" in paths
    with closing(sqlite3.connect(server.data_dir / "api.db")) as database:
        rows = database.execute(
            "SELECT title FROM tracks WHERE path = ?", (f"{library}/tagged.wav",)
        ).fetchall()
    assert rows == [(evil,)]
    assert client.get("/api/config").status_code == 200
    # One record is one line, whatever its text.
    for line in (server.data_dir / "logs" / "system.log").read_bytes().splitlines():
        json.loads(line)


def test_a_second_scan_refreshes_and_does_not_double(
    server: ApiServer, client: httpx.Client, tmp_path: Path
) -> None:
    """A file is one track however often it is scanned."""
    library = tmp_path / "music"
    library.mkdir()
    write_flac(library / "a.flac")
    scan(client, library)
    job_id = scan(client, library)
    messages = [str(item["message"]) for item in complete_log(client, job_id)["items"]]
    assert any(message.startswith("refreshed: ") for message in messages)
    with closing(sqlite3.connect(server.data_dir / "api.db")) as database:
        count = database.execute(
            "SELECT count(*) FROM tracks WHERE path = ?", (f"{library}/a.flac",)
        ).fetchone()
    assert count == (1,)


def test_one_scan_at_a_time(client: httpx.Client, tmp_path: Path) -> None:
    """The second is 409 while the first runs, and audited is only what ran."""
    library = tmp_path / "music"
    library.mkdir()
    for number in range(1500):
        (library / f"{number}.mp3").write_bytes(b"nothing")
    client.patch("/api/config", json={"library_path": str(library)})
    first = client.post("/api/sync")
    second = client.post("/api/sync")
    assert (first.status_code, second.status_code) == (202, 409)
    assert "running already" in second.json()["detail"]
    job_id = first.json()["job_id"]
    wait_until(lambda: job_of(client, job_id)["status"] == "finished", 60)
    assert job_of(client, job_id)["failed"] == 1500
    wait_until(lambda: len(_events(client, job_id)) == 2, 10)
    assert [event["event_type"] for event in _events(client, job_id)] == [
        "job.start",
        "job.finish",
    ]


def _events(client: httpx.Client, job_id: str) -> list[dict[str, object]]:
    events: list[dict[str, object]] = client.get(
        "/api/logs/audit", params={"target_id": job_id, "order": "asc"}
    ).json()["events"]
    return events


def test_the_job_is_known_the_moment_its_id_is_given_out(
    client: httpx.Client, tmp_path: Path
) -> None:
    """Both job endpoints answer 200 right after the 202."""
    library = tmp_path / "music"
    library.mkdir()
    client.patch("/api/config", json={"library_path": str(library)})
    job_id = client.post("/api/sync", json={}).json()["job_id"]
    assert client.get(f"/api/jobs/{job_id}").status_code == 200
    assert client.get(f"/api/logs/jobs/{job_id}").status_code == 200
    wait_until(lambda: job_of(client, job_id)["status"] == "finished", 30)


def test_without_a_library_there_is_nothing_to_scan(client: httpx.Client) -> None:
    """409 says what to set; a body with fields is 422."""
    client.patch("/api/config", json={"library_path": None})
    refused = client.post("/api/sync")
    assert refused.status_code == 409
    assert "library_path is not set" in refused.json()["detail"]
    assert client.post("/api/sync", json={"path": "/"}).status_code == 422
    assert client.get("/api/jobs/sync-nonsense").status_code == 404


def test_a_scan_carries_the_request_that_started_it(client: httpx.Client, tmp_path: Path) -> None:
    """The audit events of the job have the request's id and the key's name."""
    library = tmp_path / "music"
    library.mkdir()
    client.patch("/api/config", json={"library_path": str(library)})
    started = client.post("/api/sync", headers={"X-Request-ID": "started-by"})
    job_id = started.json()["job_id"]
    wait_until(lambda: len(_events(client, job_id)) == 2, 15)
    for event in _events(client, job_id):
        assert (event["request_id"], event["user_id"]) == ("started-by", "admin")
        assert event["target"] == {"type": "job", "id": job_id}
