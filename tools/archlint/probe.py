"""Runs a probe script in a process of its own and reads its answer."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

__all__ = ["run_probe"]

_FOLDER = Path(__file__).resolve().parent / "probes"

#: The rest of the environment could change what the application is: settings, paths, keys.
_PASSED = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "SYSTEMROOT", "VIRTUAL_ENV")

_TIMEOUT = 120.0  # s; for a machine under load, not for a slow probe


def run_probe(
    name: str, request: Mapping[str, object], cwd: Path | None = None
) -> dict[str, object]:
    """Return what the script ``probes/<name>.py`` answers to ``request``.

    Args:
        name: of the script.
        request: JSON values; ``output`` is added.
        cwd: folder to run in; an empty temporary one when left out.

    Returns:
        The answer; ``{"error": text}`` also when there was none.
    """
    with tempfile.TemporaryDirectory() as folder:
        output = Path(folder) / "answer.json"
        working = Path(folder) / "empty"
        working.mkdir()
        text = json.dumps({**request, "output": str(output)})
        environment = {key: os.environ[key] for key in _PASSED if key in os.environ}
        # -P: the script's own folder stays off the import path; -B: the tree gets no bytecode.
        command = [sys.executable, "-P", "-B", str(_FOLDER / f"{name}.py"), text]
        try:
            done = subprocess.run(
                command,
                cwd=cwd or working,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_TIMEOUT,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return {"error": f"no answer within {_TIMEOUT:.0f} s"}
        if not output.exists():
            said = done.stdout.decode("utf-8", "replace").strip().splitlines()
            return {"error": said[-1] if said else f"exit code {done.returncode}"}
        answer = json.loads(output.read_text(encoding="utf-8"))
    return answer if isinstance(answer, dict) else {"error": "the answer is no object"}
