"""``zotify-logs stats``: what the processes of an application publish about their handlers."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ..exceptions import ParameterError
from ..published import WorkerReport, read_reports, sum_of
from ..sanitizing import dump_json, escape_line
from .terminal import paint

if TYPE_CHECKING:
    from .command import Commands

__all__ = ["add_commands"]

_DESCRIPTION = """\
Show what each process of an application has published about its handlers (the last two seconds of
it at most are missing), and the sum of those that run. A process that is gone is marked dead, or
ended if it has said so; one that lives and has published nothing for six seconds is stale."""

_CODES = (
    "exit codes: 0 processes run, and all of their handlers are well, 1 nothing is published there,"
    " 2 wrong usage, 3 a handler is degraded or failing, a process is dead or stale, or none runs"
)

_COUNTERS = ("accepted", "written", "queued", "ignored")
_LOSSES = ("dropped", "failed")
_COLOURS = {"ok": "good", "live": "good", "degraded": "warning", "stale": "warning"}


def add_commands(commands: Commands) -> None:
    """Add ``stats``."""
    parser = commands.add_parser(
        "stats",
        help="statistics of an application's handlers",
        description=_DESCRIPTION,
        epilog=_CODES,
    )
    parser.add_argument("folder", metavar="DIR", help="the application's data folder, or its run/")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    if not arguments.folder:  # as an unset variable gives it; the current folder is not meant
        raise ParameterError("DIR", "is empty; name the application's data folder")
    folder = os.path.join(arguments.folder, "run")
    if not os.path.isdir(folder):
        folder = arguments.folder
    try:
        reports = read_reports(folder)
    except (FileNotFoundError, NotADirectoryError):
        print(
            f"zotify-logs: {folder}: no such folder; name the application's data folder",
            file=sys.stderr,
        )
        return 1
    total = sum_of(reports)
    if arguments.json:
        workers = [report.as_dict() for report in reports]
        print(dump_json({"folder": folder, "workers": workers, "sum": total}))
    elif reports:
        _print(reports, total)
    if not reports:
        print(
            f"zotify-logs: {folder}: no process publishes here; the application calls"
            " zotify_logging.published.publish_statistics(DIR)",
            file=sys.stderr,
        )
        return 1
    well = all(_status(one) == "ok" for one in total.values())
    gone = any(report.state in ("dead", "stale") for report in reports)
    runs = any(report.state == "live" for report in reports)
    return 0 if runs and well and not gone else 3  # 3 of none that runs: as systemctl and pg_ctl


def _print(reports: Sequence[WorkerReport], total: Mapping[str, Mapping[str, object]]) -> None:
    for report in reports:
        state = paint(report.state, _COLOURS.get(report.state, "note"), sys.stdout)
        host = "" if report.mark.is_here() else f" on {report.mark.host}"
        print(
            f"{escape_line(f'{report.application} {report.mark.pid}{host}')}: {state},"
            f" published {report.updated}"
        )
        _print_handlers(report.handlers)
    running = sum(report.state in ("live", "stale") for report in reports)
    print(f"sum of {running} running process{'' if running == 1 else 'es'}")
    _print_handlers(total)


def _print_handlers(handlers: Mapping[str, Mapping[str, object]]) -> None:
    for name, one in sorted(handlers.items()):
        status = _status(one)
        level = one.get("level") or "(levels differ)"
        shown_level = "" if level == "NOTSET" else f" {level}"
        off = {True: "", False: ", disabled", None: ", disabled in some"}.get(
            None if one.get("enabled") is None else bool(one["enabled"]), ""
        )
        shown = paint(status, _COLOURS.get(status, "error"), sys.stdout)
        print(
            f"  {escape_line(f'{name}{shown_level}{off}')}: {shown}; {escape_line(_counters(one))}"
        )
        for reason in _reasons(one):
            print(f"    {escape_line(reason)}")


def _counters(one: Mapping[str, object]) -> str:
    statistics = one.get("statistics")
    if not isinstance(statistics, Mapping):
        return "no counters"
    parts = [f"{statistics.get(name, 0)} {name}" for name in _COUNTERS]
    for name in _LOSSES:
        reasons = statistics.get(name)
        if isinstance(reasons, Mapping) and reasons:
            listed = ", ".join(f"{reason} {count}" for reason, count in sorted(reasons.items()))
            parts.append(f"{name} {listed}")
    return ", ".join(parts)


def _status(one: Mapping[str, object]) -> str:
    health = one.get("health")
    return str(health.get("status")) if isinstance(health, Mapping) else "unknown"


def _reasons(one: Mapping[str, object]) -> list[str]:
    health = one.get("health")
    reasons = health.get("reasons") if isinstance(health, Mapping) else None
    return [str(reason) for reason in reasons] if isinstance(reasons, list) else []
