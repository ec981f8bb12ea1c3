"""A real ``zotify-api`` in a subprocess on a free port, for tests that speak HTTP with it."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
from waiting import wait_until
from warm_start import WarmProcess, start_warm

CHOSEN_KEY = "a-key-chosen-for-tests-0123456789"


class ApiServer:
    """One server process; ``url``, ``port`` and ``key`` are known once it serves.

    Args:
        data_dir: its data folder.
        env: settings, on top of an environment without any.
        arguments: more of the command line.
        cold: a new interpreter, as users start it; takes a second longer.
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        env: Mapping[str, str] | None = None,
        arguments: tuple[str, ...] = (),
        cold: bool = False,
    ) -> None:
        self.data_dir = data_dir
        self.cwd = data_dir.parent
        self.errors = self.cwd / f"{data_dir.name}.stderr"
        words = ["--port", "0", "--data-dir", str(data_dir), *arguments]
        self.process: WarmProcess | subprocess.Popen[bytes]
        if cold:
            with self.errors.open("wb") as stderr:
                self.process = subprocess.Popen(
                    [sys.executable, "-m", "zotify_api", *words],
                    cwd=self.cwd,
                    env=clean_env(env),
                    stdout=subprocess.DEVNULL,
                    stderr=stderr,
                )
        else:
            nowhere = Path(os.devnull)
            self.process = start_warm(words, self.cwd, clean_env(env), nowhere, self.errors)
        self.port = 0
        wait_until(self._serves, 30)
        self.url = f"http://127.0.0.1:{self.port}"
        key_file = data_dir / "admin.key"
        self.key = key_file.read_text().strip() if key_file.exists() else CHOSEN_KEY

    def _serves(self) -> bool:
        said = self.errors.read_text(errors="replace") if self.errors.exists() else ""
        if self.process.poll() is not None:
            raise RuntimeError(f"the server ended with {self.process.returncode}: {said}")
        found = re.search(r"serves http://127\.0\.0\.1:(\d+)", said)
        if found is None:
            return False
        self.port = int(found[1])
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/api/health").status_code == 200
        except httpx.TransportError:
            return False

    def client(self, key: str | None = None) -> httpx.Client:
        """Return a client that sends the first key, or another one; close it after use."""
        return httpx.Client(
            base_url=self.url, headers={"X-API-Key": key or self.key}, timeout=15, trust_env=False
        )

    def connect(self) -> socket.socket:
        """Return a raw connection."""
        return socket.create_connection(("127.0.0.1", self.port), timeout=15)

    def stop(self, sign: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Send a signal; return the exit code and the seconds it took. Kills after 15 s."""
        begun = time.monotonic()
        if self.process.poll() is None:
            self.process.send_signal(sign)
        try:
            code = self.process.wait(15)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait(15)
            raise
        return code, time.monotonic() - begun


def clean_env(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return this process's environment without ``ZOTIFY_*``, plus ``extra``."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("ZOTIFY_")}
    return {**env, "PYTHONWARNINGS": "error::ResourceWarning", **(extra or {})}


@contextmanager
def serving(
    data_dir: Path,
    *,
    env: Mapping[str, str] | None = None,
    arguments: tuple[str, ...] = (),
    cold: bool = False,
) -> Iterator[ApiServer]:
    """Serve from ``data_dir`` for the length of the block."""
    server = ApiServer(data_dir, env=env, arguments=arguments, cold=cold)
    try:
        yield server
    finally:
        server.stop()


def run_cli(
    cwd: Path, *arguments: str, env: Mapping[str, str] | None = None, timeout: float = 60
) -> subprocess.CompletedProcess[str]:
    """Run ``zotify-api`` with these arguments to its end."""
    with tempfile.TemporaryDirectory() as folder:
        stdout, stderr = Path(folder, "stdout"), Path(folder, "stderr")
        process = start_warm(arguments, cwd, clean_env(env), stdout, stderr)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            process.kill()
            raise
        return subprocess.CompletedProcess(
            ["zotify-api", *arguments], code, stdout.read_text(), stderr.read_text()
        )
