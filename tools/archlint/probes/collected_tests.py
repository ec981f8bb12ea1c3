"""Has pytest collect files and writes down the ids of their tests; run as a script, never imported.

The argument is JSON: ``root`` (put first on the import path, and the working folder), ``files``
(paths from there), ``output`` (path of the JSON to write). No test runs and no cache is written.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest


class Collector:
    """A pytest plugin that keeps what was collected, what was skipped whole and what failed."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.skipped: dict[str, str] = {}
        self.errors: dict[str, str] = {}

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Keep why a file yields no tests."""
        if report.skipped:
            self.skipped[report.nodeid] = str(report.longrepr)
        elif report.failed:
            self.errors[report.nodeid] = _reason(report.longreprtext)

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        """Keep the ids."""
        self.ids = [item.nodeid for item in session.items]


def _reason(text: str) -> str:
    """Return the line of a traceback that says what went wrong."""
    lines = [line[1:].strip() for line in text.splitlines() if line.startswith("E ")]
    return next(iter(lines), text.strip().splitlines()[-1] if text.strip() else "unknown")


def main(request: dict[str, list[str] | str]) -> None:
    """Write ``{"ids": […], "skipped": {…}, "errors": {…}}``, or ``{"error": text}``."""
    root = str(request["root"])
    sys.path.insert(0, root)
    collector = Collector()
    options = ["--collect-only", "-q", "-p", "no:cacheprovider", "--assert=plain"]
    options += ["--continue-on-collection-errors", f"--rootdir={root}", *request["files"]]
    code = pytest.main(options, plugins=[collector])
    answer: dict[str, object] = {
        "ids": collector.ids,
        "skipped": collector.skipped,
        "errors": collector.errors,
    }
    if code in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
        answer = {"error": f"pytest ended with {pytest.ExitCode(code).name}"}
    Path(str(request["output"])).write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # threads that a test module may have started are of no interest


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
