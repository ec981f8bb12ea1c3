"""``zotify-logs jobs``: what the job log holds, without the application."""

from __future__ import annotations

import argparse
import dataclasses
import os
import sys
from typing import TYPE_CHECKING

from ..clock import format_us
from ..exceptions import UnknownJobError
from ..sanitizing import dump_json, escape_line, indent_lines
from ..streaming.selection import level_number
from .terminal import working

if TYPE_CHECKING:
    from ..jobs import JobLine, JobLogReader, JobRow
    from .command import Commands

__all__ = ["add_commands"]

_URL = "database of the job log: a SQLAlchemy URL, or the path of a SQLite file"


def add_commands(commands: Commands) -> None:
    """Add ``jobs list`` and ``jobs show``."""
    group = commands.add_parser("jobs", help="read the job log (needs the jobs extra)")
    kinds = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    jobs = kinds.add_parser("list", help="jobs, newest first", description="List jobs.")
    jobs.add_argument("url", metavar="URL", help=_URL)
    jobs.add_argument("--status", help="only jobs of this status, such as running or failed")
    jobs.add_argument("--type", dest="job_type", help="only jobs of this type")
    jobs.add_argument("--limit", type=int, default=100, metavar="N", help="jobs at most (100)")
    jobs.add_argument("--json", action="store_true", help="one JSON object a line")
    jobs.set_defaults(run=_list)
    show = kinds.add_parser(
        "show", help="all lines of one job", description="Print the lines of a job, oldest first."
    )
    show.add_argument("url", metavar="URL", help=_URL)
    show.add_argument("job_id", metavar="JOB_ID", help="the job, as `jobs list` shows it")
    show.add_argument("--level", default="NOTSET", help="minimum level, such as WARNING")
    show.add_argument("--after", type=int, default=0, metavar="SEQ", help="only lines past this")
    show.add_argument("--limit", type=int, default=None, metavar="N", help="lines at most (all)")
    show.add_argument("--json", action="store_true", help="one JSON object a line")
    show.set_defaults(run=_show)


def _open(url: str) -> JobLogReader:
    from ..jobs import JobLogReader  # here: the other commands do without SQLAlchemy

    return JobLogReader(url if "://" in url else f"sqlite:///{os.path.abspath(url)}")


def _list(arguments: argparse.Namespace) -> int:
    reader = _open(arguments.url)
    try:
        with working("reading the jobs"):
            found = reader.jobs(
                limit=arguments.limit, status=arguments.status, job_type=arguments.job_type
            )
    finally:
        reader.close()
    for job in found.items:
        print(dump_json(dataclasses.asdict(job)) if arguments.json else _job_text(job))
    if found.next_after is not None:
        print(f"zotify-logs: there are more jobs; raise --limit {arguments.limit}", file=sys.stderr)
    return 0


def _show(arguments: argparse.Namespace) -> int:
    level_no = level_number(arguments.level)
    reader = _open(arguments.url)
    try:
        for line in reader.lines(
            arguments.job_id, after=arguments.after, limit=arguments.limit, level_no=level_no
        ):
            print(dump_json(_line_members(line)) if arguments.json else _line_text(line))
    except UnknownJobError as error:
        print(f"zotify-logs: {error}; `zotify-logs jobs list` shows them", file=sys.stderr)
        return 1
    finally:
        reader.close()
    return 0


def _job_text(job: JobRow) -> str:
    progress = "" if job.progress is None else f" {job.progress:g}%"
    return (
        f"{format_us(job.created_us)} {job.status}{progress} {escape_line(job.job_id)}"
        f" ({escape_line(job.job_type or 'no type')}): {job.last_seq} lines,"
        f" {job.warn_count} warnings, {job.error_count} errors"
    )


def _line_members(line: JobLine) -> dict[str, object]:
    members: dict[str, object] = dataclasses.asdict(line)
    del members["extra_json"]
    return {"timestamp": line.timestamp, **members, "extra": line.extra}


def _line_text(line: JobLine) -> str:
    text = f"{line.timestamp} {line.level} {line.logger} {line.message}"
    return indent_lines(text if line.exc_text is None else f"{text}\n{line.exc_text}")
