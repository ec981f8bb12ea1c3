"""The system log over HTTP: as it happens, in three forms, resumable, and within its limits."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from api_server import ApiServer, serving
from waiting import wait_until

STREAM = "/api/logs/system/stream"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One server for this module."""
    with serving(tmp_path_factory.mktemp("api") / "data") as running:
        yield running


@pytest.fixture
def client(server: ApiServer) -> Iterator[httpx.Client]:
    """A client with the first key; it begins when no stream of another test is open."""
    with server.client() as opened:
        wait_until(lambda: open_streams(server) == 0, 10)
        yield opened


def open_streams(server: ApiServer) -> int:
    """Return how many streams the server holds."""
    count: int = httpx.get(f"{server.url}/api/health").json()["streams"]
    return count


@contextmanager
def opened(client: httpx.Client, **parameters: str) -> Iterator[httpx.Response]:
    """Open a stream; closing it is what a reader does who goes away."""
    with client.stream("GET", STREAM, params=parameters) as response:
        assert response.status_code == 200
        yield response


def mark(server: ApiServer, name: str) -> None:
    """Make the server log a line of this request id."""
    httpx.get(f"{server.url}/api/health", headers={"X-Request-ID": name})


def until_found(lines: Iterator[str], wanted: str) -> list[str]:
    """Return lines up to the first that holds ``wanted``."""
    seen = []
    for line in lines:
        seen.append(line)
        if wanted in line:
            return seen
    raise AssertionError(f"{wanted!r} is not in {seen}")


@pytest.mark.parametrize("form", ["text", "ndjson", "sse"])
def test_lines_arrive_as_they_happen(server: ApiServer, client: httpx.Client, form: str) -> None:
    """A line logged after the stream was opened arrives while it is open, in every form."""
    with opened(client, format=form, tail="0") as response:
        lines = response.iter_lines()
        until_found(lines, "hello")
        mark(server, f"live-{form}")
        found = until_found(lines, f"live-{form}")[-1]
    if form == "text":
        assert json.loads(found)["request_id"] == "live-text"
    elif form == "ndjson":
        record = json.loads(found)
        assert (record["type"], record["logger"]) == ("log", "zotify_api.access")
    else:
        assert found.startswith("data: ")
    wait_until(lambda: open_streams(server) == 0, 10)


@pytest.mark.parametrize(
    ("accept", "content_type"),
    [
        ("text/event-stream", "text/event-stream; charset=utf-8"),
        ("application/json", "application/x-ndjson"),
        ("text/plain;q=0.1, application/x-ndjson", "application/x-ndjson"),
        ("*/*", "text/plain; charset=utf-8"),
    ],
)
def test_the_form_is_negotiated(client: httpx.Client, accept: str, content_type: str) -> None:
    """By Accept; the headers keep proxies from holding anything back."""
    response = client.get(f"{STREAM}?follow=false", headers={"Accept": accept})
    assert response.headers["content-type"] == content_type
    assert response.headers["cache-control"] == "no-store, no-transform"
    assert response.headers["x-accel-buffering"] == "no"
    assert response.headers["vary"] == "Accept"
    assert response.headers["x-log-cursor"]


def test_nothing_acceptable_is_406_and_format_overrides(client: httpx.Client) -> None:
    """The parameter wins over the header."""
    picture = {"Accept": "image/png"}
    assert client.get(f"{STREAM}?follow=false", headers=picture).status_code == 406
    given = client.get(f"{STREAM}?follow=false&format=sse", headers=picture)
    assert given.status_code == 200


def test_the_first_byte_comes_at_once_from_a_quiet_log(client: httpx.Client) -> None:
    """A hello record, although nothing matches."""
    begun = time.monotonic()
    with opened(client, q="nothing-holds-this-text", format="ndjson") as response:
        hello = json.loads(next(response.iter_lines()))
        assert time.monotonic() - begun < 3
    assert hello["type"] == "hello"
    assert hello["cursor"] == response.headers["x-log-cursor"]


def test_silence_is_broken_by_checkpoints(server: ApiServer, client: httpx.Client) -> None:
    """A sign of life every keepalive seconds; it moves the resume position of a filtered stream."""
    with opened(client, q="nothing-holds-this-text", format="ndjson", keepalive="5") as response:
        lines = response.iter_lines()
        hello = json.loads(next(lines))
        mark(server, "moves-the-position")
        checkpoint = json.loads(next(lines))
    assert checkpoint["type"] == "checkpoint"
    assert checkpoint["cursor"] != hello["cursor"]


def test_resuming_by_cursor_gives_each_line_once(server: ApiServer, client: httpx.Client) -> None:
    """A reader that is cut again and again gets every line, none twice; header or parameter."""
    for number in range(20):
        mark(server, f"resume-{number:02}")
    pages = []
    cursor: str | None = None
    for turn in range(8):
        parameters = {"follow": "false", "format": "ndjson", "q": '"resume-', "limit": "3"}
        headers = {}
        if cursor is None:
            parameters["tail"] = "all"
        elif turn % 2:
            parameters["after"] = cursor
        else:
            headers["Last-Event-ID"] = cursor
            parameters["after"] = "overruled-by-the-header"
        response = client.get(STREAM, params=parameters, headers=headers)
        records = [json.loads(line) for line in response.text.splitlines()]
        assert records[-1]["type"] == "end"
        cursor = records[-1]["cursor"]
        pages += [record["raw"] for record in records if record["type"] == "log"]
    ids = [json.loads(raw)["request_id"] for raw in pages]
    assert ids == [f"resume-{number:02}" for number in range(20)]


def test_filters_and_the_reasons_of_an_end(server: ApiServer, client: httpx.Client) -> None:
    """level, logger, q, tail and limit select; the end says why."""
    mark(server, "Filter-Me")

    def ask(**parameters: str) -> list[dict[str, str]]:
        response = client.get(STREAM, params={"follow": "false", "format": "ndjson", **parameters})
        assert response.status_code == 200, response.text
        return [json.loads(line) for line in response.text.splitlines()]

    assert [r["type"] for r in ask(tail="2")] == ["hello", "log", "log", "end"]
    assert ask(tail="2")[-1]["reason"] == "eof"
    assert ask(tail="all", limit="1")[-1]["reason"] == "limit"
    assert all(r["logger"] == "uvicorn.error" for r in ask(tail="5", logger="uvicorn")[1:-1])
    assert [r["type"] for r in ask(tail="all", level="CRITICAL")] == ["hello", "end"]
    assert len(ask(tail="all", q="filter-me")) == 3
    assert len(ask(tail="all", q="filter-me", case="true")) == 2
    assert len(ask(since="2099-01-01T00:00:00Z")) == 2
    assert len(ask(since="1h", until="2000-01-01T00:00:00Z")) == 2


@pytest.mark.parametrize(
    ("query", "status", "named"),
    [
        ("tail=-1", 422, "tail"),
        ("tail=many", 422, "tail"),
        ("level=LOUD", 422, "level"),
        ("keepalive=1", 422, "keepalive"),
        ("follow=perhaps", 422, "follow"),
        ("since=yesterday", 422, "since"),
        ("since=2026-01-01T00:00:00", 422, "since"),
        ("since=2026-01-01T00:00:00+01:00", 422, "since"),
        ("q=" + "x" * 257, 422, "q"),
        ("after=nonsense", 400, ""),
    ],
)
def test_wrong_parameters_are_named(
    client: httpx.Client, query: str, status: int, named: str
) -> None:
    """422 names the parameter; a cursor of somebody else's is 400."""
    response = client.get(f"{STREAM}?follow=false&{query}")
    assert response.status_code == status, response.text
    if named:
        assert [problem["name"] for problem in response.json()["errors"]] == [named]


def test_head_answers_headers_and_leaves_no_subscriber(
    server: ApiServer, client: httpx.Client
) -> None:
    """HEAD is as GET without a body, and nobody is left reading."""
    response = client.head(STREAM)
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/plain; charset=utf-8"
    assert response.headers["x-log-cursor"]
    assert response.content == b""
    assert open_streams(server) == 0


def test_a_reader_that_goes_away_frees_its_slot(server: ApiServer, client: httpx.Client) -> None:
    """Also one that does so without a word, on a quiet stream."""
    request = f"GET {STREAM}?q=quiet HTTP/1.1\r\nHost: x\r\nX-API-Key: {server.key}\r\n\r\n"
    connection = server.connect()
    connection.sendall(request.encode())
    assert b"hello" in _received(connection, b"hello")
    assert open_streams(server) == 1
    connection.close()
    wait_until(lambda: open_streams(server) == 0, 10)


def _received(connection: socket.socket, wanted: bytes) -> bytes:
    data = b""
    while wanted not in data:
        piece = connection.recv(65536)
        if not piece:
            break
        data += piece
    return data


def test_limits_are_429_before_any_header_of_a_stream(tmp_path: Path) -> None:
    """Per key first; other requests are not touched; a freed slot can be taken again."""
    env = {"ZOTIFY_MAX_STREAMS": "3", "ZOTIFY_STREAMS_PER_KEY": "2"}
    with serving(tmp_path / "data", env=env) as server, server.client() as client:
        with ExitStack() as streams:
            for _ in range(2):
                streams.enter_context(opened(client, q="quiet"))
            refused = client.get(STREAM)
            assert refused.status_code == 429
            assert refused.headers["retry-after"]
            assert refused.headers["content-type"] == "application/problem+json"
            assert "ZOTIFY_STREAMS_PER_KEY" in refused.json()["detail"]
            assert client.get("/api/config").status_code == 200
        wait_until(lambda: open_streams(server) == 0, 10)
        assert client.get(f"{STREAM}?follow=false").status_code == 200


def test_an_old_stream_ends_cleanly(tmp_path: Path) -> None:
    """The end says max_age, and carries the cursor to go on from."""
    env = {"ZOTIFY_STREAM_MAX_AGE": "0.5"}
    with serving(tmp_path / "data", env=env) as server, server.client() as client:
        with opened(client, format="ndjson", q="quiet") as response:
            records = [json.loads(line) for line in response.iter_lines()]
    assert [record["type"] for record in records] == ["hello", "end"]
    assert records[-1]["reason"] == "max_age"


def test_the_access_line_of_a_stream_is_written_at_its_end(
    server: ApiServer, client: httpx.Client
) -> None:
    """One line, with what was sent."""
    log = server.data_dir / "logs" / "system.log"
    with client.stream("GET", f"{STREAM}?q=quiet", headers={"X-Request-ID": "s1"}) as response:
        pieces = response.iter_raw()  # held: a dropped iterator closes the response
        next(pieces)
        assert '"s1"' not in log.read_text()
    wait_until(lambda: '"s1"' in log.read_text(), 10)
    lines = [line for line in log.read_text().splitlines() if '"s1"' in line]
    assert len(lines) == 1
    assert json.loads(lines[0])["bytes"] > 0


def test_a_reader_whose_socket_takes_nothing_is_cut(tmp_path: Path) -> None:
    """After the send timeout its slot is free, and the log says why."""
    env = {"ZOTIFY_STREAM_SEND_TIMEOUT": "0.5"}
    with serving(tmp_path / "data", env=env) as server:
        log = server.data_dir / "logs" / "system.log"
        with log.open("a") as file:
            for number in range(60_000):
                file.write(f"2026-01-01T00:00:00.000000Z INFO filler line {number} {'x' * 400}\n")
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.connect(("127.0.0.1", server.port))
            request = (
                f"GET {STREAM}?tail=all HTTP/1.1\r\nHost: x\r\nX-API-Key: {server.key}\r\n\r\n"
            )
            deaf.sendall(request.encode())
            wait_until(lambda: open_streams(server) == 1, 10)
            wait_until(lambda: open_streams(server) == 0, 15)
        wait_until(lambda: "a reader took no bytes for 0.5 s" in log.read_text()[-20_000:], 10)
