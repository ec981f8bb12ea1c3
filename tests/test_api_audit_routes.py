"""Audit events over HTTP: found by every filter, page by page, in both forms."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import httpx
import pytest
from api_server import ApiServer, serving

AUDIT = "/api/logs/audit"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One server for this module, with some history."""
    with serving(tmp_path_factory.mktemp("api") / "data") as running:
        httpx.get(f"{running.url}/api/config", headers={"X-Request-ID": "stranger-1"})
        wrong = {"X-API-Key": "wrong", "X-Request-ID": "stranger-2"}
        httpx.get(f"{running.url}/api/config", headers=wrong)
        with running.client() as client:
            for value in (True, False) * 5:
                client.patch("/api/config", json={"scan_on_startup": value})
        yield running


@pytest.fixture
def client(server: ApiServer) -> Iterator[httpx.Client]:
    """A client with the first key."""
    with server.client() as opened:
        yield opened


def test_a_refused_login_is_found(client: httpx.Client) -> None:
    """By type, by request, by address, by text."""
    for query in (
        "event_type=auth.denied&request_id=stranger-2",
        "request_id=stranger-2",
        "event_type=auth.denied&q=stranger-2",
        "source_ip=127.0.0.0/8&outcome=failure&request_id=stranger-2",
        "event_type=user.*&event_type=auth.*&q=wrong_key",
    ):
        (event,) = client.get(f"{AUDIT}?{query}").json()["events"]
        assert event["event_type"] == "auth.denied"
        assert event["details"]["kind"] == "wrong_key"
        assert event["user_id"] is None


def test_filters_exclude(client: httpx.Client) -> None:
    """Different names are joined by AND."""
    for query in (
        "event_type=config.update&outcome=failure",
        "event_type=auth.denied&user_id=admin",
        "source_ip=10.0.0.0/8",
        "until=2000-01-01T00:00:00Z",
        "since=2099-01-01T00:00:00Z",
        "target_type=track",
    ):
        reply = client.get(f"{AUDIT}?{query}")
        assert reply.status_code == 200, reply.text
        assert reply.json()["events"] == []


@pytest.mark.parametrize("order", ["asc", "desc"])
def test_pages_have_each_event_once(client: httpx.Client, order: str) -> None:
    """Following Link: rel=next gives all events in order."""
    query = f"event_type=config.update&outcome=success&order={order}&limit=3"
    seqs: list[int] = []
    url: str | None = f"{AUDIT}?{query}"
    while url is not None:
        response = client.get(url)
        reply = response.json()
        seqs += [event["seq"] for event in reply["events"]]
        assert len(reply["events"]) <= 3
        url = response.links["next"]["url"] if reply["page"]["has_more"] else None
    assert len(seqs) == len(set(seqs)) == 10
    assert seqs == sorted(seqs, reverse=order == "desc")


def test_a_collector_can_poll_for_ever(client: httpx.Client) -> None:
    """Ascending always returns a cursor, and the next poll has only what is new."""
    query = "event_type=config.update&outcome=success&order=asc&limit=1000"
    first = client.get(f"{AUDIT}?{query}").json()
    after = first["page"]["next_after"]
    assert client.get(f"{AUDIT}?{query}&after={after}").json()["events"] == []
    current = client.get("/api/config").json()["scan_on_startup"]
    client.patch("/api/config", json={"scan_on_startup": not current})
    client.patch("/api/config", json={"scan_on_startup": current})
    assert len(client.get(f"{AUDIT}?{query}&after={after}").json()["events"]) == 2


def test_ndjson_is_the_original_bytes_and_a_trailer(client: httpx.Client) -> None:
    """Each line's hash can be checked by whoever got it; the trailer says it is whole."""
    response = client.get(f"{AUDIT}?order=asc", headers={"Accept": "application/x-ndjson"})
    assert response.headers["content-type"] == "application/x-ndjson"
    *lines, trailer = response.content.splitlines()
    previous = None
    for line in lines:
        event = json.loads(line)
        assert hashlib.sha256(line[: -len(',"hash":""}') - 64]).hexdigest() == event["hash"]
        assert previous is None or event["prev"] == previous
        previous = event["hash"]
    assert json.loads(trailer)["type"] == "end"
    assert json.loads(trailer)["integrity"]["chain_id"]


def test_the_reply_carries_the_head_of_the_chain(client: httpx.Client) -> None:
    """To be kept elsewhere."""
    reply = client.get(f"{AUDIT}?limit=1").json()
    assert reply["integrity"]["head_seq"] >= reply["page"]["as_of_seq"]
    assert len(reply["integrity"]["head_hash"]) == 64


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("limit=0", 422),
        ("limit=1001", 422),
        ("event_type=Not+A+Type", 422),
        ("outcome=maybe", 422),
        ("source_ip=somewhere", 422),
        ("order=up", 422),
        ("since=2026-01-01", 422),
        ("seq_from=9&seq_to=3", 422),
        ("user_id=a&user_id=b", 422),
        ("nonsense=1", 422),
        ("after=nonsense", 400),
    ],
)
def test_wrong_parameters(client: httpx.Client, query: str, status: int) -> None:
    """422 names them; a broken cursor is 400."""
    response = client.get(f"{AUDIT}?{query}")
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"


def test_a_cursor_is_bound_to_its_filters(client: httpx.Client) -> None:
    """With others it is refused, for it would skip events silently."""
    after = client.get(f"{AUDIT}?limit=1").json()["page"]["next_after"]
    assert client.get(f"{AUDIT}?limit=1&after={after}").status_code == 200
    assert client.get(f"{AUDIT}?limit=1&after={after}&outcome=success").status_code == 400


def test_reading_is_audited_once_a_minute(client: httpx.Client) -> None:
    """Who looked, and for what."""
    for _ in range(5):
        client.get(f"{AUDIT}?event_type=audit.read")
    reply = client.get(f"{AUDIT}?event_type=audit.read").json()
    (event,) = reply["events"]
    assert event["user_id"] == "admin"
    assert event["details"]["reads"] >= 1


def test_no_verb_changes_events(client: httpx.Client) -> None:
    """The trail is append-only here too."""
    for method in ("POST", "PUT", "PATCH", "DELETE"):
        assert client.request(method, AUDIT).status_code == 405
