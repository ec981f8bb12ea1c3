"""Job logs over HTTP: every line, any number, every form, and what happens without a database."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api_server import ApiServer, serving
from waiting import wait_until

FILES = 1200


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


@pytest.fixture(scope="module")
def url(server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The log of a scan with more lines than one page of the database."""
    library = tmp_path_factory.mktemp("music")
    for number in range(FILES):
        (library / f"{number:04}.mp3").write_bytes(b"nothing")
    with server.client() as client:
        client.patch("/api/config", json={"library_path": str(library)})
        job_id = client.post("/api/sync").json()["job_id"]
        path = f"/api/logs/jobs/{job_id}"
        wait_until(lambda: client.get(path, params={"limit": 1}).json()["job"]["closed"], 60)
    return path


def test_without_parameters_all_lines_come_oldest_first(client: httpx.Client, url: str) -> None:
    """No hidden limit; the reply is one JSON document that says it is complete."""
    reply = client.get(url).json()
    seqs = [item["seq"] for item in reply["items"]]
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) == FILES + 3  # queued, started, finished
    assert (reply["complete"], reply["has_more"], reply["next_after"]) == (True, False, seqs[-1])
    assert reply["job"]["status"] == "finished"
    assert reply["job"]["warn_count"] == FILES
    assert reply["job"]["progress"] == 100.0


def test_pages_by_after_and_limit_give_each_line_once(client: httpx.Client, url: str) -> None:
    """next_after is passed on until has_more is false."""
    seqs: list[int] = []
    after, more = 0, True
    while more:
        reply = client.get(url, params={"after": after, "limit": 500}).json()
        assert reply["complete"] is not reply["has_more"]
        seqs += [item["seq"] for item in reply["items"]]
        after, more = reply["next_after"], reply["has_more"]
    assert seqs == list(range(1, FILES + 4))


@pytest.mark.parametrize("limit", [500, 1100])
def test_pages_newest_first_give_each_line_once(client: httpx.Client, url: str, limit: int) -> None:
    """next_before is passed on until has_more is false; complete is said by the last page alone."""
    seqs: list[int] = []
    position: dict[str, str | int] = {}
    more = True
    while more:
        parameters: dict[str, str | int] = {"order": "desc", "limit": limit, **position}
        reply = client.get(url, params=parameters).json()
        seqs += [item["seq"] for item in reply["items"]]
        more = reply["has_more"]
        assert reply["complete"] is not more
        assert reply["next_after"] is None
        assert (reply["next_before"] is not None) is more
        position = {"before": reply["next_before"]}
    assert seqs == list(range(FILES + 3, 0, -1))


def test_bounds_on_both_sides(client: httpx.Client, url: str) -> None:
    """after and before together; what they keep out is not called complete."""
    for order, expected in (("asc", [11, 12]), ("desc", [12, 11])):
        reply = client.get(url, params={"after": 10, "before": 13, "order": order}).json()
        assert [item["seq"] for item in reply["items"]] == expected
        assert (reply["complete"], reply["has_more"]) == (False, False)
    assert client.get(url, params={"before": FILES + 4}).json()["complete"] is True
    assert client.get(url, params={"before": 1, "order": "desc"}).json()["items"] == []
    refused = client.get(url, params={"after": 12, "before": 12, "order": "desc"})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["name"] == "before"
    text = client.get(url, params={"order": "desc", "limit": 2, "format": "text"}).text
    assert text.endswith(f"-- zotify: end complete=false next_before={FILES + 2} --\n")


def test_newest_first_and_filters(client: httpx.Client, url: str) -> None:
    """order, level, logger, q, attempt and time select."""
    newest = client.get(url, params={"order": "desc", "limit": 2}).json()
    assert [item["seq"] for item in newest["items"]] == [FILES + 3, FILES + 2]
    whole = client.get(url, params={"order": "desc"}).json()
    assert [item["seq"] for item in whole["items"]] == list(range(FILES + 3, 0, -1))

    def count(**parameters: str) -> int:
        return len(client.get(url, params=parameters).json()["items"])

    assert count(level="WARNING") == FILES
    assert count(level="ERROR") == 0
    assert count(logger="zotify_api.jobs.sync") == FILES
    assert count(logger="zotify_api.job") == 0
    assert count(q="0042.MP3") == 1
    assert count(attempt="2") == 0
    assert count(since="1h") == FILES + 3
    assert count(until="1h") == 0


def test_ndjson_and_text_end_with_an_end(client: httpx.Client, url: str) -> None:
    """A reply that was cut can be told from one that is over."""
    lines = client.get(url, headers={"Accept": "application/x-ndjson"}).text.splitlines()
    records = [json.loads(line) for line in lines]
    assert [records[0]["type"], records[-1]["type"]] == ["job", "end"]
    assert {record["type"] for record in records[1:-1]} == {"log"}
    assert records[-1]["complete"] is True
    text = client.get(url, params={"format": "text"})
    assert text.headers["content-type"].startswith("text/plain")
    assert len(text.text.splitlines()) == FILES + 4
    assert text.text.splitlines()[-1] == f"-- zotify: end complete=true next_after={FILES + 3} --"


def test_unknown_jobs_and_wrong_parameters(client: httpx.Client, url: str) -> None:
    """404 and 422 are problems that name what is wrong; what is not served yet says so."""
    assert client.get("/api/logs/jobs/nonsense").status_code == 404
    assert client.get(f"/api/logs/jobs/{'x' * 256}").status_code == 422
    for query in (
        "limit=0",
        "limit=10001",
        "after=-1",
        "before=0",
        "order=up",
        "level=LOUD",
        "since=now",
    ):
        refused = client.get(f"{url}?{query}")
        assert refused.status_code == 422, query
        assert [problem["name"] for problem in refused.json()["errors"]] == [query.split("=")[0]]
    for query in ("format=sse", "follow=true"):
        refused = client.get(f"{url}?{query}")
        assert refused.status_code == 422
        assert "poll with after" in refused.json()["detail"]
    assert client.get(url, headers={"Accept": "image/png"}).status_code == 406


def test_without_its_database_the_answer_is_503(tmp_path: Path) -> None:
    """With Retry-After, and it recovers by itself."""
    with serving(tmp_path / "data") as server, server.client() as client:
        store = server.data_dir / "logs" / "job_logs.db"
        assert client.get("/api/logs/jobs/x").status_code == 404
        os.rename(store, f"{store}.away")
        gone = client.get("/api/logs/jobs/x")
        assert gone.status_code == 503
        assert gone.headers["retry-after"]
        assert str(store) not in gone.text
        os.rename(f"{store}.away", store)
        assert client.get("/api/logs/jobs/x").status_code == 404
