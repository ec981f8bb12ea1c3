"""The recipes with servers: each is followed as a user would, with the page's own blocks.

``python`` blocks are saved under their titles. The first ``sh`` block starts the server (port 8000
becomes a free one), the second is what a client does; then the server is asked to end, and the
``console`` blocks must print what the page shows.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from pages import DOCS, Block, blocks_of, page_name, run, run_console, user_environment
from waiting import wait_until

from zotify_logging.jobs import JobLogReader


class Recipe:
    """One page, its programs written into ``folder``."""

    def __init__(self, name: str, folder: Path) -> None:
        self.page = DOCS / "recipes" / f"{name}.md"
        self.folder = folder
        self.port = _free_port()
        self.blocks = blocks_of(self.page)
        for block in self.of_kind("python"):
            assert block.title, f"{self._place(block)}: a program of a recipe has a title"
            (folder / block.title).write_text(block.text, "utf-8")

    def of_kind(self, kind: str) -> list[Block]:
        """Return the blocks of one kind, in order."""
        return [block for block in self.blocks if block.kind == kind]

    def run_client(self) -> None:
        """Run the second ``sh`` block to its end."""
        block = self.of_kind("sh")[1]
        if "curl" in block.text and shutil.which("curl") is None:
            pytest.skip("needs curl")
        run(self.folder, "bash", "-ec", self._here(block.text), place=self._place(block))

    def check(self) -> None:
        """Run the page's ``console`` blocks and compare what they print."""
        assert self.of_kind("console")
        for block in self.of_kind("console"):
            run_console(self.folder, block.text, self._place(block))

    @contextmanager
    def serving(self, ready: Callable[[], object]) -> Iterator[subprocess.Popen[bytes]]:
        """Run the first ``sh`` block's command; afterwards nothing of it lives."""
        block = self.of_kind("sh")[0]
        said = self.folder / "said.txt"
        with said.open("wb") as output:
            server = subprocess.Popen(
                ["bash", "-c", f"exec {self._here(block.text)}"],
                cwd=self.folder,
                env={**user_environment(), "HOME": str(self.folder)},
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        try:
            wait_until(lambda: server.poll() is not None or ready(), 30)
            assert server.poll() is None, f"{self._place(block)}: {said.read_text()}"
            yield server
        finally:
            try:
                os.killpg(server.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass  # it has ended, and all its children have
            server.wait()

    def listens(self) -> bool:
        """Return whether the port takes connections."""
        try:
            socket.create_connection(("127.0.0.1", self.port), 5).close()
        except ConnectionRefusedError:
            return False
        return True

    def _here(self, text: str) -> str:
        return text.strip().replace("8000", str(self.port))

    def _place(self, block: Block) -> str:
        return f"{page_name(self.page)}:{block.line}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_fastapi(tmp_path: Path) -> None:
    """Under uvicorn, log and trail carry the request's id; uvicorn's own lines are in the log."""
    pytest.importorskip("fastapi")
    recipe = Recipe("fastapi", tmp_path)
    with recipe.serving(recipe.listens) as server:
        recipe.run_client()
        server.terminate()
        server.wait(15)
    recipe.check()
    lines = _lines(tmp_path / "app.log")
    placed = next(line for line in lines if line["message"] == "order placed")
    event = _lines(tmp_path / "audit.jsonl")[-1]
    assert event["request_id"] == placed["request_id"]
    assert event["source_ip"] == placed["source_ip"] == "127.0.0.1"
    assert any(line["logger"] == "uvicorn.error" for line in lines)


def test_gunicorn(tmp_path: Path) -> None:
    """Two workers, handlers made before the fork: one log, one chain, one job; nothing is lost."""
    pytest.importorskip("gunicorn")
    recipe = Recipe("gunicorn", tmp_path)
    with recipe.serving(recipe.listens) as server:
        recipe.run_client()
        server.terminate()
        assert server.wait(15) == 0
    recipe.check()
    lines = _lines(tmp_path / "app.log")
    assert sum(line["logger"] == "uvicorn.access" for line in lines) == 40
    assert lines[-1]["message"] == "Shutting down: Master"
    orders = [event for event in _lines(tmp_path / "audit.jsonl") if "target" in event]
    assert server.pid not in {event["pid"] for event in orders}


def test_django(tmp_path: Path) -> None:
    """Requests and errors reach the log with the request's id, the view's event the trail."""
    pytest.importorskip("django")
    recipe = Recipe("django", tmp_path)
    with recipe.serving(recipe.listens) as server:
        recipe.run_client()
        server.send_signal(signal.SIGINT)
        assert server.wait(15) == 0
    recipe.check()
    lines = _lines(tmp_path / "app.log")
    failed, missing = [line for line in lines if line["logger"] == "django.request"]
    placed = [line for line in lines if line["message"] == "order placed"]
    assert failed["request_id"] == placed[1]["request_id"] != placed[0]["request_id"]
    assert failed["status_code"] == 500 and "no such order" in str(failed["exception"])
    assert missing["status_code"] == 404 and "request_id" not in missing
    assert sum(line["logger"] == "django.server" for line in lines) == 3


def test_celery(tmp_path: Path) -> None:
    """Children that end right after their task leave all its lines, each under its own job."""
    pytest.importorskip("celery")
    recipe = Recipe("celery", tmp_path)
    log = tmp_path / "app.log"
    with recipe.serving(lambda: log.exists() and " ready." in log.read_text("utf-8")):
        recipe.run_client()
        done = re.compile("trace Task tasks.load.* succeeded")
        wait_until(lambda: len(done.findall(log.read_text("utf-8"))) == 2, 30)
        # Read while the worker runs (its end takes seconds): the two children are gone by then.
        reader = JobLogReader(f"sqlite:///{tmp_path}/jobs.db")
        wait_until(lambda: len(reader.jobs(status="finished").items) == 2, 30)
        reader.close()
        recipe.check()


def test_pytest(tmp_path: Path) -> None:
    """The tests of the page pass under pytest, with warnings as errors."""
    recipe = Recipe("pytest", tmp_path)
    (tmp_path / "pytest.ini").write_text("[pytest]\nfilterwarnings = error\n", "utf-8")
    recipe.check()
