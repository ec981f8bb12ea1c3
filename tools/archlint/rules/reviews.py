"""Pages say when they were last reviewed, and come up again when that is too long ago.

``docs/`` format: front matter, or a comment within the first 15 lines, on every page of the
folder ``docs``; either of::

    ---
    reviewed: 2026-11-22
    ---

    <!-- reviewed: 2026-11-22 -->

A page is due ``review-days`` after that, or the days that ``[tool.archlint.review-schedule]`` gives
for the first pattern that matches it. A page that is due is a warning, which fails nothing;
``--due`` lists what is due, the longest overdue first.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from ..findings import Code, Finding
from ..pages import Page
from ..tree import Tree

__all__ = ["CODES", "Review", "check", "read_reviews"]

_HEAD_LINES = 15
_MARK = re.compile(r"(?:<!--\s*)?reviewed:\s*(?P<date>.*?)\s*(?:-->)?\s*$", re.IGNORECASE)

CODES = (
    Code(
        "RV001",
        "Every page says when it was reviewed.",
        "# Endpoints",
        "<!-- reviewed: 2026-11-22 -->\n\n# Endpoints",
    ),
    Code(
        "RV002",
        "The date of a review is a day that has been, as YYYY-MM-DD.",
        "<!-- reviewed: 22 November -->",
        "<!-- reviewed: 2026-11-22 -->",
    ),
    Code(
        "RV003",
        "A page is reviewed as often as the schedule says.",
        "<!-- reviewed: 2024-01-01 -->",
        "<!-- reviewed: 2026-11-22 -->   after reading it against the code",
        warning=True,
    ),
)


@dataclass(frozen=True)
class Review:
    """When a page was reviewed, and when it is due again."""

    path: str
    line: int
    reviewed: datetime.date
    due: datetime.date


def read_reviews(tree: Tree) -> Iterator[Review | Finding]:
    """Yield the review of each page, or what is wrong with its mark."""
    for path in tree.files:
        if not path.startswith(f"{tree.config.docs}/") or not path.endswith(".md"):
            continue
        page = tree.page(path)
        if page is not None:
            yield _read(tree, page)


def check(tree: Tree) -> Iterator[Finding]:
    """Report pages without a mark, with a wrong one, and those that are due."""
    for review in read_reviews(tree):
        if isinstance(review, Finding):
            yield review
        elif review.due < tree.today:
            late = (tree.today - review.due).days
            yield Finding(
                review.path,
                review.line,
                "RV003",
                f"was due for review on {review.due}, {late} days ago",
                "read it against the code, mend it, and write today's date",
            )


def _read(tree: Tree, page: Page) -> Review | Finding:
    for number, line in enumerate(page.lines[:_HEAD_LINES], 1):
        found = _MARK.match(line.strip())
        if not found:
            continue
        try:
            reviewed = datetime.date.fromisoformat(found["date"].strip("'\""))
        except ValueError:
            reviewed = None
        if reviewed is None or reviewed > tree.today:
            return Finding(
                page.path,
                number,
                "RV002",
                f"{found['date']!r} is no day that has been",
                "write the day of the last review as YYYY-MM-DD",
            )
        days = _days(tree, page.path)
        return Review(page.path, number, reviewed, reviewed + datetime.timedelta(days=days))
    return Finding(
        page.path,
        1,
        "RV001",
        "does not say when it was reviewed",
        f"add <!-- reviewed: {tree.today} --> at the top once you have read it",
    )


def _days(tree: Tree, path: str) -> int:
    for pattern, days in tree.config.review_schedule.items():
        if PurePosixPath(path).match(pattern):
            return days
    return tree.config.review_days
