"""Tests that a table names: which they are, and whether pytest has them."""

from __future__ import annotations

from collections.abc import Iterator

from .collected import CollectedTests
from .findings import Finding
from .pages import Page, Row, items_in
from .tree import Tree

__all__ = ["check_case", "check_named", "named_tests", "rows_elsewhere"]


def named_tests(row: Row) -> list[str]:
    """Return the ids in the column Tests."""
    return items_in(row.cells["tests"])


def rows_elsewhere(tree: Tree) -> Iterator[tuple[Page, Row]]:
    """Yield the rows of all tables with such a column on ``test-pages``."""
    for path in tree.config.test_pages:
        page = tree.page(path)
        if page is None:
            continue
        for table in page.tables:
            if table.has(("tests",)):
                yield from ((page, row) for row in table.rows)


def check_named(page: Page, row: Row, collected: CollectedTests) -> Iterator[Finding]:
    """Report the ids that pytest does not collect."""
    for item in named_tests(row):
        known = item.partition("::")[0] in collected.errors or collected.failure
        if not collected.has(item) and not known:
            yield Finding(
                page.path,
                row.line,
                "TM006",
                f"pytest collects no test {item}",
                "mend the id; pytest --collect-only -q shows those that exist",
            )


def check_case(page: Page, row: Row, collected: CollectedTests) -> Iterator[Finding]:
    """Report a row of another page that names no test, or one that does not exist."""
    yield from check_named(page, row, collected)
    if not named_tests(row):
        yield Finding(
            page.path,
            row.line,
            "TM011",
            "this row names no test",
            "name one that shows it, in code marks",
        )
