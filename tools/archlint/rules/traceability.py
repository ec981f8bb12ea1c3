"""docs/TRACEABILITY_MATRIX.md leads from each requirement to code and to tests that exist.

Files and symbols are looked up in the tree (symbols in the syntax: nothing is imported), tests by
having pytest collect the files that the matrix names, once per run. A file that pytest skips as a
whole (an extra is not installed) is judged by its syntax instead.

``docs/`` format of the matrix: one or more tables with these columns; a requirement may have
several rows, and its id is the backlog's::

    | Requirement | Feature | Code | Tests | Status |
    | --- | --- | --- | --- | --- |
    | LOG-TASK-02 | Live system log | `zotify_logging/streaming/` | `tests/test_tailer.py` | done |
    | LOG-TASK-02 | Live system log | `zotify_logging/handlers/file_stream.py::FileStreamHandler` |
      `tests/test_file_stream.py::test_rotation` | in progress |      (on one line)

Feature: a heading of docs/FEATURE_SPECS.md, as text or link. Code: in code marks, separated by
commas or ``<br>``, ``path``, ``folder/``, ``path::name``, ``path::Class.name``. Tests: the same
with pytest ids, ``path``, ``path::test_name`` (all its parameters) or ``path::test_name[id]``.
Status: ``done``, ``in progress`` or ``planned``; only ``done`` needs code and a test; an empty
cell is ``—``.

``docs/`` format of other pages with tests (``test-pages``): any table with a column Tests, as in
the matrix; each row names at least one::

    | Case | Tests |
    | --- | --- |
    | The disk is full | `tests/test_file_stream.py::test_a_full_disk` |

``docs/`` format of the backlog: each item's id (``requirement-pattern``) begins a heading or the
first cell of a row. With a column ``Status``, an item is ``done`` there exactly when all its rows
of the matrix are::

    | Item | Title | Priority | Status | Where |
    | --- | --- | --- | --- | --- |
    | LOG-TASK-02 | FileStreamHandler for system logs | high | done | `zotify_logging/...` |
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..collected import CollectedTests, collect_tests
from ..findings import Code, Finding
from ..named_tests import check_case, check_named, named_tests, rows_elsewhere
from ..pages import Page, Row, is_empty_cell, items_in, plain
from ..tree import Tree
from .features import read_features

__all__ = ["CODES", "check"]

_COLUMNS = ("requirement", "feature", "code", "tests", "status")
_STATUSES = ("done", "in progress", "planned")

CODES = (
    Code(
        "TM001",
        "Every item of the backlog has a row in the matrix.",
        "LOG-TASK-09 in docs/BACKLOG.md alone",
        "| LOG-TASK-09 | Audit trail | ... | ... | planned |",
    ),
    Code(
        "TM002",
        "Every requirement in the matrix is an item of the backlog.",
        "| LOG-TASK-99 | Audit trail | ... |",
        "| LOG-TASK-03 | Audit trail | ... |",
    ),
    Code(
        "TM003",
        "The feature of a row is a heading of the feature page.",
        "| LOG-TASK-03 | Audit log | ... |   <- the feature is called Audit trail",
        "| LOG-TASK-03 | Audit trail | ... |",
    ),
    Code(
        "TM004",
        "Every file and folder in the column Code exists.",
        "`zotify_logging/audit/trial.py`",
        "`zotify_logging/audit/trail.py`",
    ),
    Code(
        "TM005",
        "Every symbol in the column Code is defined in its file.",
        "`zotify_logging/audit/trail.py::AuditTrial`",
        "`zotify_logging/audit/trail.py::AuditTrail`",
    ),
    Code(
        "TM006",
        "Every test in a column Tests is collected by pytest.",
        "`tests/test_trail.py::test_that_was_renamed`",
        "`tests/test_trail.py::test_chain_survives_kill`",
    ),
    Code(
        "TM007",
        "What is done has code, and a test that pytest collects.",
        "| LOG-TASK-03 | Audit trail | `zotify_logging/audit/` | — | done |",
        "| LOG-TASK-03 | Audit trail | `zotify_logging/audit/` | `tests/test_trail.py` | done |",
    ),
    Code(
        "TM008",
        "A row has an id, a cell for each column, items in code marks and a status that exists.",
        "| LOG-TASK-03 | Audit trail | zotify_logging/audit | `tests/test_trail.py` | finished |",
        "| LOG-TASK-03 | Audit trail | `zotify_logging/audit/` | `tests/test_trail.py` | done |",
    ),
    Code(
        "TM009",
        "Every test file that the matrix names can be collected.",
        "import nowhere   # in tests/test_trail.py",
        "every import resolves",
        excusable=False,
    ),
    Code(
        "TM010",
        "The backlog calls an item done exactly when all its rows of the matrix are done.",
        "| LOG-TASK-03 | ... | done | in docs/BACKLOG.md, a row in progress in the matrix",
        "| LOG-TASK-03 | ... | in progress | ...",
    ),
    Code(
        "TM011",
        "Every row of a table of tests names a test.",
        "| The disk is full | — |",
        "| The disk is full | `tests/test_file_stream.py::test_a_full_disk` |",
    ),
)


def check(tree: Tree) -> Iterator[Finding]:
    """Look at every row of the matrix and every item of the backlog."""
    config = tree.config
    page, backlog = tree.page(config.matrix_page), tree.page(config.backlog_page)
    features = tree.page(config.features_page)
    if page is None:
        return
    rows = [row for table in page.tables if table.has(_COLUMNS) for row in table.rows]
    if not rows:
        yield Finding(
            page.path,
            1,
            "TM008",
            "has no table that leads from requirements to tests",
            "write one with the columns Requirement, Feature, Code, Tests, Status",
        )
        return
    others = list(rows_elsewhere(tree))
    named = [*rows, *(row for _, row in others)]
    files = sorted({item.partition("::")[0] for row in named for item in named_tests(row)})
    collected = collect_tests(tree, [path for path in files if tree.has_file(path)])
    if collected.failure:
        yield Finding(
            page.path,
            1,
            "TM009",
            f"the tests cannot be collected: {collected.failure}",
            "run pytest --collect-only and mend what it says",
        )
    for path, reason in sorted(collected.errors.items()):
        yield Finding(
            path.partition("::")[0],
            1,
            "TM009",
            f"cannot be collected: {reason}",
            f"run pytest --collect-only {path}",
        )
    names = {item.name for item in read_features(features)} if features is not None else None
    for row in rows:
        yield from _check_row(tree, page, row, names)
        yield from _check_tests(page, row, collected)
    for other, row in others:
        yield from check_case(other, row, collected)
    if backlog is not None:
        yield from _check_backlog(tree, page, rows, backlog)


def _requirement(row: Row) -> str:
    return plain(row.cells["requirement"])


def _status(row: Row) -> str:
    return plain(row.cells["status"]).lower()


def _check_row(tree: Tree, page: Page, row: Row, features: set[str] | None) -> Iterator[Finding]:
    name = _requirement(row)
    problem = ""
    if not row.whole:
        problem = "has not one cell for each column"
    elif not re.fullmatch(tree.config.requirement_pattern, name):
        problem = f"has the requirement {name!r}, which is no id of a backlog item"
    elif _status(row) not in _STATUSES:
        problem = f"has the status {_status(row)!r}"
    else:
        for column in ("code", "tests"):
            cell = row.cells[column]
            if not items_in(cell) and not is_empty_cell(cell):
                problem = f"has in the column {column} text without code marks"
    if problem:
        yield Finding(
            page.path,
            row.line,
            "TM008",
            f"this row {problem}",
            f"an id, a feature, `path::name` or — twice, and one of: {', '.join(_STATUSES)}",
        )
    feature = plain(row.cells["feature"])
    if features is not None and feature not in features:
        yield Finding(
            page.path,
            row.line,
            "TM003",
            f"no feature is called {feature!r}",
            f"write a heading of {tree.config.features_page}, word for word",
        )
    code = items_in(row.cells["code"])
    for item in code:
        yield from _check_code(tree, page, row, item)
    if _status(row) == "done" and not code:
        yield Finding(
            page.path,
            row.line,
            "TM007",
            f"{name} is done without code",
            "name the files, or change the status",
        )


def _check_code(tree: Tree, page: Page, row: Row, item: str) -> Iterator[Finding]:
    path, _, symbol = item.partition("::")
    if not tree.has_file(path) and not (not symbol and tree.has_folder(path)):
        yield Finding(
            page.path,
            row.line,
            "TM004",
            f"there is no file or folder {path}",
            "mend the path; it begins at the root of the repository",
        )
        return
    if not symbol:
        return
    module = tree.module(path) if path.endswith(".py") else None
    if module is None or symbol.replace("::", ".") not in module.definitions:
        yield Finding(
            page.path,
            row.line,
            "TM005",
            f"{path} defines no {symbol}",
            "mend the name, or name the file alone",
        )


def _check_tests(page: Page, row: Row, collected: CollectedTests) -> Iterator[Finding]:
    yield from check_named(page, row, collected)
    name = _requirement(row)
    alive = any(collected.has(item) for item in named_tests(row))
    if _status(row) == "done" and not alive and not collected.failure:
        yield Finding(
            page.path,
            row.line,
            "TM007",
            f"{name} is done without a test that pytest collects",
            "name a test that shows it, or change the status",
        )


def _check_backlog(tree: Tree, page: Page, rows: list[Row], backlog: Page) -> Iterator[Finding]:
    items = _backlog_items(tree, backlog)
    named: dict[str, list[Row]] = {}
    for row in rows:
        named.setdefault(_requirement(row), []).append(row)
    for item, (line, status) in items.items():
        traced = named.get(item, [])
        if not traced:
            yield Finding(
                backlog.path,
                line,
                "TM001",
                f"{item} has no row in the matrix",
                f"add one to {page.path}, with the status planned if nothing exists yet",
            )
        elif status and (status == "done") != all(_status(row) == "done" for row in traced):
            states = ", ".join(sorted({_status(row) for row in traced}))
            yield Finding(
                backlog.path,
                line,
                "TM010",
                f"{item} is {status} here, and in the matrix {states}",
                "make the two pages agree",
            )
    for item, traced in named.items():
        if item not in items and re.fullmatch(tree.config.requirement_pattern, item):
            yield Finding(
                page.path,
                traced[0].line,
                "TM002",
                f"{item} is no item of {backlog.path}",
                "mend the id, or add the item to the backlog",
            )


def _backlog_items(tree: Tree, backlog: Page) -> dict[str, tuple[int, str]]:
    """Return line and status of each item; the status is empty where the page has none."""
    pattern = re.compile(rf"({tree.config.requirement_pattern})\b")
    items: dict[str, tuple[int, str]] = {}
    for heading in backlog.headings:
        if found := pattern.match(heading.text):
            items.setdefault(found[1], (heading.line, ""))
    for table in backlog.tables:
        for row in table.rows:
            if found := pattern.match(plain(row.cells[table.header[0]])):
                status = plain(row.cells.get("status", "")).lower()
                items[found[1]] = (row.line, status)
    return items
