"""The command line: what to look at, and in which form to say what was found.

Exit codes: 0 nothing found, warnings at most; 1 findings; 2 misuse.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .config import read_config
from .findings import Excuse, Finding, Misuse, excuse_findings
from .reports import FORMATS, Report, explain
from .rules import ALL_CODES, CODES_OF, GROUPS, group_text
from .rules.reviews import Review, read_reviews
from .tree import Tree

__all__ = ["inspect_tree", "main"]

#: They wait for a process of their own, so they begin first and run beside the others.
_SLOW_GROUPS = ("endpoints", "traceability")


def main(arguments: Sequence[str]) -> int:
    """Run the linter and return the exit code.

    Args:
        arguments: without the program's name; see ``--help``.
    """
    begun = time.monotonic()
    options = _parser().parse_args(arguments)
    try:
        if options.explain:
            sys.stdout.write(_explain(options.explain))
            return 0
        root = Path(options.root).resolve()
        tree = Tree(root, read_config(root), options.today, options.base)
        if options.due:
            sys.stdout.write(_due(tree, options.format))
            return 0
        report = inspect_tree(tree, _groups(options.only))
    except Misuse as error:
        sys.stderr.write(f"archlint: {error}\n")
        return 2
    sys.stdout.write(report.render(options.format))
    sys.stderr.write(f"{report.summary()}, {time.monotonic() - begun:.1f} s\n")
    return 1 if report.errors else 0


def inspect_tree(tree: Tree, groups: Sequence[str]) -> Report:
    """Run groups of rules over a tree.

    Args:
        tree: the tree; it is only read.
        groups: names out of :data:`~.rules.GROUPS`.

    Raises:
        Misuse: the tree cannot be listed, or the base revision is unknown.
    """
    found: list[Finding | Excuse] = []
    _ = tree.files  # listed once, not by every thread
    with ThreadPoolExecutor(len(_SLOW_GROUPS)) as pool:

        def run(name: str) -> list[Finding | Excuse]:
            return list(GROUPS[name](tree))

        waiting = [pool.submit(run, name) for name in groups if name in _SLOW_GROUPS]
        for name in groups:
            if name not in _SLOW_GROUPS:
                found += run(name)
        for slow in waiting:
            found += slow.result()
    found += tree.problems.values()
    findings = [item for item in found if isinstance(item, Finding)]
    excused = [item for item in found if isinstance(item, Excuse)]
    excusable = frozenset(code.name for code in ALL_CODES.values() if code.excusable)
    remaining, by_noqa = excuse_findings(sorted(set(findings)), tree.line, excusable)
    return Report(remaining, sorted([*excused, *by_noqa]))


def _due(tree: Tree, form: str) -> str:
    """Return the pages that are due for review, the longest overdue first."""
    due = sorted(
        (
            review
            for review in read_reviews(tree)
            if isinstance(review, Review) and review.due < tree.today
        ),
        key=lambda review: (review.due, review.path),
    )
    if form == "json":
        rows = [
            {"path": item.path, "reviewed": str(item.reviewed), "due": str(item.due)}
            for item in due
        ]
        return json.dumps({"due": rows}, indent=2) + "\n"
    if form == "github":
        return "".join(
            f"::warning file={item.path},line={item.line},title=RV003::"
            f"due for review since {item.due}\n"
            for item in due
        )
    lines = [f"{item.path}: reviewed {item.reviewed}, due {item.due}\n" for item in due]
    return "".join(lines) or "nothing is due for review\n"


def _groups(only: str | None) -> list[str]:
    if only is None:
        return list(GROUPS)
    chosen = [name.strip() for name in only.split(",") if name.strip()]
    unknown = [name for name in chosen if name not in GROUPS]
    if unknown or not chosen:
        raise Misuse(f"--only {only}: groups are {', '.join(GROUPS)}")
    return chosen


def _explain(name: str) -> str:
    """Return the text about a code, a group with its page formats, or everything."""
    if name in GROUPS:
        return f"# {name}\n\n{group_text(name)}\n\n{explain(CODES_OF[name])}"
    if name == "all":
        everywhere = [code for code in ALL_CODES.values() if code.name.startswith("AL")]
        return "\n".join(
            [f"# every group\n\n{explain(everywhere)}", *(_explain(group) for group in GROUPS)]
        )
    code = ALL_CODES.get(name.upper())
    if code is None:
        raise Misuse(
            f"--explain {name}: say all, a group ({', '.join(GROUPS)})"
            f" or a code ({', '.join(ALL_CODES)})"
        )
    return explain([code])


def _date(text: str) -> datetime.date:
    try:
        return datetime.date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date; write YYYY-MM-DD") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tools.archlint",
        description="Hold documents, code, tests and the running application together.",
        epilog="Exit code 0: nothing found, warnings at most; 1: findings; 2: misuse.",
        allow_abbrev=False,
    )
    parser.add_argument("--root", default=".", help="folder of the project (default: here)")
    parser.add_argument(
        "--base",
        metavar="REV",
        default=os.environ.get("ARCHLINT_BASE") or None,
        help="compare with this revision: did the matrix change with code? (ARCHLINT_BASE)",
    )
    parser.add_argument("--format", choices=FORMATS, default="text", help="default: text")
    parser.add_argument(
        "--only", metavar="GROUPS", help=f"only these, with commas: {', '.join(GROUPS)}"
    )
    parser.add_argument("--due", action="store_true", help="list the pages due for review, no more")
    parser.add_argument(
        "--today",
        metavar="DATE",
        type=_date,
        default=datetime.datetime.now(datetime.timezone.utc).date(),
        help="judge reviews on this date (default: today, UTC)",
    )
    parser.add_argument(
        "--explain",
        metavar="NAME",
        help="show a code, a group with the format of its pages, or all; with examples",
    )
    return parser
