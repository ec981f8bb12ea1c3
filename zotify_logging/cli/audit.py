"""``zotify-logs audit``: what can be asked of a trail without the application."""

from __future__ import annotations

import argparse
import dataclasses
import json
import sys
from typing import TYPE_CHECKING

from .terminal import working

if TYPE_CHECKING:
    from .command import Commands

__all__ = ["add_commands"]

_VERIFY = """\
Check every line of an audit trail and all its closed segments, also while it is being written, and
report everything that is wrong in one run."""
_VERIFY_CODES = (
    "exit codes: 0 verified, 1 tampering or corruption, 2 could not verify (missing, empty,"
    " unreadable, unknown version; also wrong usage), 3 warnings only; 1 outranks 2 outranks 3"
)


def add_commands(commands: Commands) -> None:
    """Add ``audit verify``."""
    group = commands.add_parser("audit", help="check an audit trail")
    kinds = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    verify = kinds.add_parser(
        "verify", help="check the whole chain", description=_VERIFY, epilog=_VERIFY_CODES
    )
    verify.add_argument("path", metavar="PATH", help="the live file of the trail")
    verify.add_argument("--json", action="store_true", help="the report as one JSON object")
    verify.set_defaults(run=_verify)


def _verify(arguments: argparse.Namespace) -> int:
    from ..audit.verification import verify_trail

    with working(f"checking {arguments.path}"):
        report = verify_trail(arguments.path)
    if arguments.json:
        print(json.dumps({"state": report.state, **dataclasses.asdict(report)}))
        return report.exit_code
    for finding in report.findings:
        place = f"{finding.segment}:{finding.line}" if finding.line else finding.segment
        seq = "" if finding.seq is None else f" seq {finding.seq}"
        print(
            f"{finding.severity}: {place}:{seq} (byte {finding.offset})"
            f" {finding.code}: {finding.message}"
        )
    print(
        f"{arguments.path}: {report.state}; {report.events} events,"
        f" seq {report.first_seq} to {report.last_seq}, head {report.head_hash}"
    )
    for item in report.not_checked:
        print(f"not checked: {item}", file=sys.stderr)
    return report.exit_code
