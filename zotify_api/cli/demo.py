"""``zotify-api demo``: the real server on generated files, with real traffic over HTTP."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from zotify_api.app import create_app
from zotify_api.cli.samples import write_samples
from zotify_api.cli.server import Server, listen, make_server
from zotify_api.dependencies.runtime import open_runtime
from zotify_api.settings import load_settings

__all__ = ["run_demo"]

_START_TIMEOUT = 15.0
_JOB_TIMEOUT = 30.0
_SHOWN_LINES = 5
_SHOWN_WIDTH = 220


def run_demo(host: str | None, port: int | None, exit_after: float | None) -> int:
    """Serve from a temporary folder, which is removed at the end.

    Args:
        host: as the setting; the demo ignores the data folder and databases of the settings.
        port: as the setting.
        exit_after: seconds to go on after the traffic, or ``None`` to run until stopped.
    """
    with tempfile.TemporaryDirectory(prefix="zotify-demo-") as folder:
        library = Path(folder) / "music"
        files = write_samples(library)
        data_dir = Path(folder) / "data"
        settings = load_settings(
            host=host,
            port=port,
            data_dir=data_dir,
            database_url=f"sqlite:///{data_dir / 'api.db'}",
            job_log_url=f"sqlite:///{data_dir / 'logs' / 'job_logs.db'}",
        )
        with listen(settings.host, settings.port) as listener:
            runtime = open_runtime(settings)
            key = runtime.first_key
            if key is None:  # the settings bring one, so that none was made
                key = settings.api_key.get_secret_value() if settings.api_key else ""
            server = make_server(create_app(runtime=runtime), settings, runtime.streams.close)
            shown = f"[{settings.host}]" if ":" in settings.host else settings.host
            url = f"http://{shown}:{listener.getsockname()[1]}"
            traffic = _Traffic(server, url, key, library, files, exit_after)
            thread = threading.Thread(target=traffic.run, name="demo", daemon=True)
            thread.start()
            try:
                server.run(sockets=[listener])
            finally:
                traffic.stopped.set()
                thread.join(2.0)
                runtime.close()
    if traffic.failure is not None:
        print(f"zotify-api demo: {traffic.failure}", file=sys.stderr)
        return 1
    return 0


class _Traffic:
    """What a user and a stranger do to the server, in a thread beside it."""

    def __init__(
        self,
        server: Server,
        url: str,
        key: str,
        library: Path,
        files: int,
        exit_after: float | None,
    ) -> None:
        self._server = server
        self._url = url
        self._key = key
        self._library = library
        self._files = files
        self._exit_after = exit_after
        self.stopped = threading.Event()
        self.failure: str | None = None

    def run(self) -> None:
        """Make the traffic, show it, then go on quietly until it is time to stop."""
        try:
            self._wait_for(lambda: self._server.started, _START_TIMEOUT, "the server did not start")
            # No proxy from the environment: this is the same machine.
            with httpx.Client(
                base_url=self._url, headers={"X-API-Key": self._key}, trust_env=False, timeout=10.0
            ) as client:
                job_id = self._first_traffic(client)
                self._show(client, job_id)
                self._go_on(client)
        except Exception as error:  # whatever it was, the demo must say so and end
            if not self.stopped.is_set():
                self.failure = f"{type(error).__name__}: {error}"
        finally:
            self._server.should_exit = True

    def _first_traffic(self, client: httpx.Client) -> str:
        stranger = client.get("/api/config", headers={"X-API-Key": "not-the-key-of-this-server"})
        self._expect(stranger, 401)
        self._expect(client.patch("/api/config", json={"library_path": str(self._library)}), 200)
        started = client.post("/api/sync")
        self._expect(started, 202)
        job_id = str(started.json()["job_id"])

        def done() -> bool:
            status = client.get(f"/api/jobs/{job_id}").json()["status"]
            return status not in ("queued", "running")

        def stored() -> bool:
            return client.get(f"/api/logs/jobs/{job_id}").json()["complete"] is True

        self._wait_for(done, _JOB_TIMEOUT, f"the job {job_id} did not end")
        self._wait_for(stored, _JOB_TIMEOUT, f"the log of {job_id} was not stored")
        return job_id

    def _show(self, client: httpx.Client, job_id: str) -> None:
        job = client.get(f"/api/jobs/{job_id}").json()
        print(
            f"zotify-api demo serves {self._url} until stopped (Ctrl-C); its folder goes with it."
        )
        print(f"key: {self._key}  (scopes admin and audit:read)")
        print(
            f"\nDone so far: a login refused, library_path set, {self._files} generated audio files"
            f" scanned\n({job['status']}: {job['stored']} stored, {job['failed']} unreadable)."
            " Look at it from another terminal:"
        )
        self._command(
            client,
            "the system log, line by line as it happens",
            "/api/logs/system/stream",
            {"follow": "false"},
            live=True,
        )
        self._command(
            client,
            "the audit trail: who was refused",
            "/api/logs/audit?event_type=auth.denied",
            {"format": "ndjson"},
        )
        self._command(
            client,
            "the scan: a line for every file",
            f"/api/logs/jobs/{job_id}?format=text",
            {},
        )
        sys.stdout.flush()

    def _command(
        self,
        client: httpx.Client,
        title: str,
        path: str,
        parameters: dict[str, str],
        *,
        live: bool = False,
    ) -> None:
        option = "-N " if live else ""
        print(f'\n# {title}\ncurl {option}-H "X-API-Key: {self._key}" "{self._url}{path}"')
        url = httpx.URL(path).copy_merge_params(parameters)
        response = client.get(url)
        self._expect(response, 200)
        # What frames the lines is for programs.
        lines = [
            line
            for line in response.text.splitlines()
            if not line.startswith(("-- zotify", '{"type":"end"'))
        ]
        for line in lines[-_SHOWN_LINES:]:
            print("    " + (line if len(line) <= _SHOWN_WIDTH else line[: _SHOWN_WIDTH - 1] + "…"))

    def _go_on(self, client: httpx.Client) -> None:
        deadline = None if self._exit_after is None else time.monotonic() + self._exit_after
        rounds = 0
        while deadline is None or time.monotonic() < deadline:
            pause = 3.0 if deadline is None else min(3.0, max(0.0, deadline - time.monotonic()))
            if self.stopped.wait(pause):
                return
            client.get("/api/health")
            rounds += 1
            if rounds % 10 == 0:
                client.post("/api/sync")

    def _wait_for(self, condition: Callable[[], bool], timeout: float, failure: str) -> None:
        deadline = time.monotonic() + timeout
        while not condition():
            if self.stopped.wait(0.1):
                raise RuntimeError("stopped")
            if time.monotonic() > deadline:
                raise TimeoutError(failure)

    @staticmethod
    def _expect(response: httpx.Response, status: int) -> None:
        if response.status_code != status:
            raise RuntimeError(
                f"{response.request.method} {response.request.url.path} answered"
                f" {response.status_code}, not {status}: {response.text[:300]}"
            )
