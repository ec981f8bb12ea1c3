"""The application as a whole: no side effects, complete OpenAPI, no traceback for clients."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from api_server import clean_env, serving
from fastapi import FastAPI
from waiting import wait_until

from zotify_api.app import create_app
from zotify_api.dependencies.runtime import open_runtime
from zotify_api.security.authentication import OPEN_PATHS
from zotify_api.settings import load_settings
from zotify_logging.published import read_reports


@pytest.fixture
def app(tmp_path: Path) -> Iterator[FastAPI]:
    """An application in this process, opened without a server."""
    settings = load_settings(data_dir=tmp_path / "data")
    runtime = open_runtime(settings)
    application = create_app(runtime=runtime)
    application.state.runtime = runtime
    yield application
    runtime.close()


def ask(app: FastAPI, method: str, path: str, key: str | None = None) -> httpx.Response:
    """Send one request to an application."""

    async def send() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://x") as client:
            return await client.request(method, path, headers={"X-API-Key": key} if key else {})

    return asyncio.run(send())


def test_importing_and_creating_touches_nothing(tmp_path: Path) -> None:
    """No file, no handler on the root logger, before the lifespan begins."""
    code = (
        "import logging, zotify_api.app as a; a.create_app();"
        "assert not logging.root.handlers; print('quiet')"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=clean_env(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.stdout, result.stderr) == ("quiet\n", "")
    assert list(tmp_path.iterdir()) == []


def test_an_error_of_ours_is_500_without_a_traceback(app: FastAPI, tmp_path: Path) -> None:
    """The client gets a request id, the system log the traceback under it."""

    @app.get("/api/broken")
    def broken() -> None:
        raise RuntimeError("internal detail")

    runtime = app.state.runtime
    response = ask(app, "GET", "/api/broken", runtime.first_key)
    assert response.status_code == 500
    assert response.headers["content-type"] == "application/problem+json"
    assert "internal detail" not in response.text
    runtime.logs.flush(5)
    log = (tmp_path / "data" / "logs" / "system.log").read_text()
    (line,) = [line for line in log.splitlines() if "internal detail" in line]
    assert json.loads(line)["request_id"] == response.json()["request_id"]


def test_a_database_that_is_away_is_503_and_not_ready(app: FastAPI) -> None:
    """Readiness says failing; what needs no database goes on."""
    runtime = app.state.runtime
    assert ask(app, "GET", "/api/config", runtime.first_key).status_code == 200
    with runtime.database.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE config_values RENAME TO elsewhere")
    away = ask(app, "GET", "/api/config", runtime.first_key)
    assert away.status_code == 503
    assert away.headers["retry-after"]
    assert "config_values" not in away.text
    assert ask(app, "GET", "/api/health").status_code == 200


def test_openapi_documents_every_answer(app: FastAPI) -> None:
    """Each route says its problems; closed ones say how to send a key; references resolve."""
    document = ask(app, "GET", "/openapi.json").json()
    assert document["security"] == [{"key": []}, {"bearer": []}]
    paths = document["paths"]
    assert set(paths) == {
        "/api/health",
        "/api/health/ready",
        "/api/logs/system/stream",
        "/api/logs/audit",
        "/api/logs/jobs/{job_id}",
        "/api/logs/handlers",
        "/api/logs/handlers/{name}",
        "/api/logs/loggers/{name}",
        "/api/config",
        "/api/sync",
        "/api/jobs/{job_id}",
    }
    for path, operations in paths.items():
        for operation in operations.values():
            assert {"422", "500"} <= set(operation["responses"])
            assert ("401" in operation["responses"]) is (path not in OPEN_PATHS)
            for parameter in operation.get("parameters", []):
                assert parameter["in"] in ("query", "path", "header")
    text = json.dumps(document)
    for reference in {part.split('"')[0] for part in text.split('"$ref": "#/')[1:]}:
        node = document
        for step in reference.split("/"):
            node = node[step]


def test_docs_pages_do_not_exist(app: FastAPI) -> None:
    """They would load scripts from elsewhere."""
    for path in ("/docs", "/redoc"):
        assert ask(app, "GET", path, app.state.runtime.first_key).status_code == 404


def test_the_application_opens_and_closes_itself_under_another_server(tmp_path: Path) -> None:
    """create_app alone, as gunicorn or uvicorn would take it, with ZOTIFY_DATA_DIR."""
    code = (
        "import uvicorn; from zotify_api.app import create_app;"
        "server = uvicorn.Server(uvicorn.Config(create_app(), port=0, log_config=None));"
        "import threading, time;\n"
        "def end():\n"
        "    while not server.started: time.sleep(0.01)\n"
        "    server.should_exit = True\n"
        "threading.Thread(target=end, daemon=True).start()\n"
        "server.run()"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=clean_env({"ZOTIFY_DATA_DIR": "elsewhere"}),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (result.returncode, result.stderr) == (0, "")
    assert (tmp_path / "elsewhere" / "admin.key").exists()
    assert "Finished server process" not in result.stdout


def test_gunicorn_serves_from_several_workers(tmp_path: Path) -> None:
    """Started at once on an empty folder; both publish, and SIGTERM ends them in order."""
    pytest.importorskip("gunicorn", reason="gunicorn is not installed")
    pytest.importorskip("uvicorn_worker", reason="uvicorn-worker is not installed")
    with (tmp_path / "said").open("wb") as said:
        master = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--workers", "2", "--bind", "127.0.0.1:0"]
            + ["--worker-class", "uvicorn_worker.UvicornWorker", "--graceful-timeout", "2"]
            + ["zotify_api.app.factory:create_app()"],
            cwd=tmp_path,
            env=clean_env({"ZOTIFY_DATA_DIR": "data"}),
            stderr=said,
        )
    run_dir = tmp_path / "data" / "run"
    try:
        wait_until(lambda: run_dir.is_dir() and len(read_reports(run_dir)) == 2, 30)
        (url,) = re.findall(r"Listening at: (http://\S+)", (tmp_path / "said").read_text())
        key = (tmp_path / "data" / "admin.key").read_text().strip()
        reply = httpx.patch(
            f"{url}/api/logs/handlers/system",
            json={"level": "WARNING"},
            headers={"X-API-Key": key},
            trust_env=False,
        )
        assert len(reply.json()["applied"]) == 2
    finally:
        master.terminate()
        assert master.wait(15) == 0
    assert [report.state for report in read_reports(run_dir)] == ["ended", "ended"]
    assert "Traceback" not in (tmp_path / "said").read_text()


def test_readiness_of_a_healthy_server(tmp_path: Path) -> None:
    """ok, without reasons."""
    with serving(tmp_path / "data") as server:
        assert httpx.get(f"{server.url}/api/health/ready").json() == {
            "status": "ok",
            "reasons": [],
        }
