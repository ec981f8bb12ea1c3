"""Starts ``zotify-api`` by forking a process that has imported it already.

Importing takes most of the time that a short run takes. What runs is the same: a process of its own
with its own number, folder, environment and exit, from the first line of ``main``.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

__all__ = ["WarmProcess", "start_warm"]


class WarmProcess:
    """A process so started; what tests use of ``subprocess.Popen``."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, or ``None`` while it runs."""
        if self.returncode is None:
            self.returncode = _ask({"poll": self.pid})["code"]
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Return the exit code, within ``timeout`` seconds."""
        deadline = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("zotify-api", timeout)
            time.sleep(0.005)
        return code

    def send_signal(self, sign: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, sign)

    def terminate(self) -> None:
        """Send SIGTERM."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)


def start_warm(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], stdout: Path, stderr: Path
) -> WarmProcess:
    """Run ``zotify-api`` with these arguments; its output goes to these files."""
    request = {
        "arguments": list(arguments),
        "cwd": str(cwd),
        "env": dict(env),
        "stdout": str(stdout),
        "stderr": str(stderr),
    }
    return WarmProcess(_ask(request)["pid"])


_parents: dict[int, subprocess.Popen[str]] = {}


def _ask(request: Mapping[str, object]) -> dict[str, Any]:
    parent = _parents.get(os.getpid())
    if parent is None:
        # In the folder of this file nothing lies that the applications would import by mistake.
        parent = _parents[os.getpid()] = subprocess.Popen(
            [sys.executable, "-W", "error::ResourceWarning", __file__],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        atexit.register(_end, parent)
    assert parent.stdin is not None and parent.stdout is not None
    parent.stdin.write(json.dumps(request) + "\n")
    parent.stdin.flush()
    reply: dict[str, Any] = json.loads(parent.stdout.readline())
    return reply


def _end(parent: subprocess.Popen[str]) -> None:
    parent.communicate()


def _serve() -> list[str]:
    """Fork at each request; return the arguments in the child."""
    while line := sys.stdin.readline():
        request = json.loads(line)
        if "poll" in request:
            pid, status = os.waitpid(request["poll"], os.WNOHANG)
            reply = {"code": os.waitstatus_to_exitcode(status) if pid else None}
        else:
            pid = os.fork()
            if pid == 0:
                return _become(request)
            reply = {"pid": pid}
        print(json.dumps(reply), flush=True)
    os._exit(0)  # the tests are over


def _become(request: Mapping[str, Any]) -> list[str]:
    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    for number, path in ((0, os.devnull), (1, request["stdout"]), (2, request["stderr"])):
        descriptor = os.open(path, os.O_RDONLY if number == 0 else flags, 0o600)
        os.dup2(descriptor, number)
        os.close(descriptor)
    arguments: list[str] = request["arguments"]
    return arguments


if __name__ == "__main__":
    from importlib import import_module

    from zotify_api.__main__ import main

    import_module("zotify_api.cli")  # what main() imports
    gc.freeze()  # else each child looks through all of it when it ends
    sys.exit(main(_serve()))
