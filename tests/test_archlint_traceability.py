"""The matrix against backlog, features, files, symbols and tests that pytest collects."""

from __future__ import annotations

from pathlib import Path

import pytest
from archlint_tree import add, codes, findings, lay_out, plant

MATRIX = "docs/TRACEABILITY_MATRIX.md"
BACKLOG = "docs/BACKLOG.md"
TESTS = "tests/test_books.py"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Lay out the clean project."""
    return lay_out(tmp_path)


def test_the_clean_tree_is_silent(tree: Path) -> None:
    """Files, folders, constants, methods, parameters and test classes all resolve."""
    assert codes(tree, "traceability") == []


WRONG = [
    ("SHELF-TASK-01 | Boks | `shelf/books.py` | — | planned", ["TM003"]),
    ("SHELF-TASK-01 | Books | `shelf/handler/` | — | planned", ["TM004"]),
    ("SHELF-TASK-01 | Books | `shelf/book.py::LIMIT` | — | planned", ["TM004"]),
    ("SHELF-TASK-01 | Books | `shelf/handlers::Ledger` | — | planned", ["TM004"]),
    ("SHELF-TASK-01 | Books | `shelf/books.py::Book.lift` | — | planned", ["TM005"]),
    ("SHELF-TASK-01 | Books | `pyproject.toml::packages` | — | planned", ["TM005"]),
    ("SHELF-TASK-01 | Books | — | `tests/test_books.py::test_lend` | planned", ["TM006"]),
    ("SHELF-TASK-01 | Books | — | `tests/test_books.py::TestLending::x` | planned", ["TM006"]),
    ("SHELF-TASK-01 | Books | — | `tests/test_books.py::test_move[3]` | planned", ["TM006"]),
    ("SHELF-TASK-01 | Books | — | `tests/test_books.py::helper` | planned", ["TM006"]),
    ("SHELF-TASK-01 | Books | — | `tests/test_gone.py` | planned", ["TM006"]),
    ("SHELF-TASK-01 | Books | `shelf/cli.py` | — | finished", ["TM008"]),
    ("SHELF-TASK-01 | Books | shelf/cli.py | — | planned", ["TM008"]),
    ("SHELF-TASK-01 | Books | — | tests/test_books.py | planned", ["TM008"]),
    ("Moving books | Books | — | — | planned", ["TM008"]),
    ("SHELF-TASK-01 | Books | planned", ["TM008"]),
    ("SHELF-TASK-01 | Books | — | `tests/test_books.py` | done", ["TM007"]),
    ("SHELF-TASK-01 | Books | `shelf/cli.py` | — | done", ["TM007"]),
    ("SHELF-TASK-01 | Books | `shelf/cli.py` | `tests/test_gone.py` | done", ["TM006", "TM007"]),
    ("SHELF-TASK-13 | Books | `shelf/cli.py` | — | planned", ["TM002"]),
]


def test_wrong_rows(tree: Path) -> None:
    """What does not resolve in a row is found at that row, and nothing else is."""
    add(tree, TESTS, (tree / TESTS).read_text() + "\n\ndef helper() -> None: ...\n")
    rows = "".join(f"| {row} |\n" for row, _ in WRONG)
    add(tree, MATRIX, (tree / MATRIX).read_text() + rows)
    plant(tree, BACKLOG, "Move books | done", "Move books | in progress")
    assert codes(tree, "traceability") == [
        (MATRIX, 11 + number, code) for number, (_, wrong) in enumerate(WRONG) for code in wrong
    ]


def test_test_file_that_cannot_be_collected(tree: Path) -> None:
    """An import error of a test file is named there, with its reason; its rows are not done."""
    plant(tree, TESTS, "import pytest", "import pytest\nimport nowhere")
    found = findings(tree, "traceability")
    assert [item[:3] for item in found] == [
        (MATRIX, 7, "TM007"),
        (MATRIX, 8, "TM007"),
        (TESTS, 1, "TM009"),
    ]
    assert "No module named 'nowhere'" in found[-1].text


def test_a_test_file_that_is_skipped_whole_keeps_its_tests(tree: Path) -> None:
    """Without an optional dependency a file collects nothing; its tests exist all the same."""
    plant(tree, TESTS, "import pytest", "import pytest\npytest.importorskip('nowhere')")
    plant(tree, MATRIX, "::test_move[2]", "::test_move")
    assert codes(tree, "traceability") == []
    plant(tree, MATRIX, "::test_move", "::test_lift")
    assert {code for _, _, code in codes(tree, "traceability")} == {"TM006", "TM007"}


def test_pytest_that_does_not_start(tree: Path) -> None:
    """Wrong settings of pytest are one finding, not one for each row."""
    text = (tree / "pyproject.toml").read_text()
    add(
        tree,
        "pyproject.toml",
        f'{text}\n[tool.pytest.ini_options]\naddopts = ["--no-such-option"]\n',
    )
    assert codes(tree, "traceability") == [(MATRIX, 1, "TM009")]


def test_collecting_runs_no_test_and_writes_nothing(tree: Path) -> None:
    """Test modules are imported and nothing more; no cache appears beside them."""
    add(tree, TESTS, (tree / TESTS).read_text().replace("Book().move(place)", "open('ran', 'w')"))
    before = sorted(tree.rglob("*"))
    assert codes(tree, "traceability") == []
    assert sorted(tree.rglob("*")) == before


def test_backlog_item_without_row(tree: Path) -> None:
    """Items are read from rows and headings of the backlog, and each needs its row."""
    plant(tree, MATRIX, "| SHELF-TASK-03 | HTTP | — | — | planned |\n", "")
    add(
        tree,
        BACKLOG,
        (tree / BACKLOG).read_text().replace("\n\n##", "\n| SHELF-TASK-04 | x | |\n\n##"),
    )
    assert codes(tree, "traceability") == [(BACKLOG, 9, "TM001"), (BACKLOG, 11, "TM001")]


def test_requirement_that_nobody_asked_for(tree: Path) -> None:
    """An id that the backlog does not know is found in the matrix."""
    plant(tree, MATRIX, "SHELF-TASK-03", "SHELF-TASK-33")
    found = codes(tree, "traceability")
    assert found == [(BACKLOG, 10, "TM001"), (MATRIX, 10, "TM002")]


def test_backlog_and_matrix_disagree(tree: Path) -> None:
    """An item is done on one page exactly when it is done on the other."""
    plant(tree, BACKLOG, "Move books | done", "Move books | planned")
    plant(tree, BACKLOG, "Lend books | in progress", "Lend books | done")
    assert codes(tree, "traceability") == [(BACKLOG, 7, "TM010"), (BACKLOG, 8, "TM010")]


def test_matrix_without_table(tree: Path) -> None:
    """A matrix whose columns are called otherwise is told what they are."""
    plant(tree, MATRIX, "| Tests |", "| Shown by |")
    assert codes(tree, "traceability") == [(MATRIX, 1, "TM008")]


@pytest.mark.parametrize("page", [MATRIX, BACKLOG])
def test_missing_page(tree: Path, page: str) -> None:
    """Matrix and backlog are both needed."""
    (tree / page).unlink()
    assert codes(tree, "traceability") == [(page, 1, "AL001")]


def test_other_pages_name_tests_too(tree: Path) -> None:
    """On a page with tests each row names one, and each resolves; other tables are left alone."""
    add(
        tree,
        "docs/CASES.md",
        "<!-- reviewed: 2026-11-22 -->\n\n| Case | Tests |\n| --- | --- |\n"
        "| a | `tests/test_books.py::test_move` |\n"
        "| b | `tests/test_books.py::test_lend`, `tests/test_gone.py` |\n"
        "| c | — |\n"
        "\n| Case | Cure |\n| --- | --- |\n| d | none |\n",
    )
    assert codes(tree, "traceability") == []
    plant(
        tree,
        "pyproject.toml",
        "[tool.archlint]\n",
        '[tool.archlint]\ntest-pages = ["docs/CASES.md"]\n',
    )
    page = "docs/CASES.md"
    assert codes(tree, "traceability") == [
        (page, 6, "TM006"),
        (page, 6, "TM006"),
        (page, 7, "TM011"),
    ]
