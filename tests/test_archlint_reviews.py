"""Dates of reviews: missing, impossible, overdue."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from archlint_tree import add, codes, lay_out, plant, run_archlint

PAGE = "docs/BACKLOG.md"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Lay out the clean project."""
    return lay_out(tmp_path)


def test_the_clean_tree_is_silent(tree: Path) -> None:
    """Front matter and comments both serve."""
    assert codes(tree, "reviews") == []


def test_page_without_date(tree: Path) -> None:
    """A page of docs without a mark is found; pages elsewhere need none."""
    add(tree, "docs/more/NEW.md", "# New\n")
    add(tree, "README.md", "# Shelf\n")
    assert codes(tree, "reviews") == [("docs/more/NEW.md", 1, "RV001")]


@pytest.mark.parametrize("date", ["yesterday", "2026-02-30", "2026-11-23", ""])
def test_impossible_date(tree: Path, date: str) -> None:
    """A date that is none, or that is still to come, is found."""
    plant(tree, PAGE, "2026-11-22", date)
    assert codes(tree, "reviews") == [(PAGE, 1, "RV002")]


def test_overdue_pages_warn(tree: Path) -> None:
    """A page older than its schedule is a warning, which fails nothing."""
    done = run_archlint(tree, "--only", "reviews", today="2027-02-21")
    assert done.returncode == 0
    assert done.stdout == (
        "docs/ENDPOINTS.md:1: RV003 warning: was due for review on 2027-02-20, 1 days ago"
        " — read it against the code, mend it, and write today's date\n"
    )
    assert "0 findings, 1 warnings" in done.stderr


def test_due_lists_the_longest_overdue_first(tree: Path) -> None:
    """``--due`` lists what is due by now with its dates, and nothing else."""
    assert run_archlint(tree, "--due").stdout == "nothing is due for review\n"
    plant(tree, PAGE, "2026-11-22", "2026-11-01")
    done = run_archlint(tree, "--due", today="2027-05-01")
    assert done.returncode == 0
    assert done.stdout == (
        "docs/ENDPOINTS.md: reviewed 2026-11-22, due 2027-02-20\n"
        f"{PAGE}: reviewed 2026-11-01, due 2027-04-30\n"
    )
    listed = json.loads(run_archlint(tree, "--due", "--format", "json", today="2027-05-01").stdout)
    assert [item["path"] for item in listed["due"]] == ["docs/ENDPOINTS.md", PAGE]
    github = run_archlint(tree, "--due", "--format", "github", today="2027-02-21").stdout
    assert github == (
        "::warning file=docs/ENDPOINTS.md,line=1,title=RV003::due for review since 2027-02-20\n"
    )
