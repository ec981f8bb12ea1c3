"""Modules on disk against the features that claim them."""

from __future__ import annotations

from pathlib import Path

import pytest
from archlint_tree import add, codes, findings, lay_out, plant

PAGE = "docs/FEATURE_SPECS.md"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Lay out the clean project."""
    return lay_out(tmp_path)


def test_the_clean_tree_is_silent(tree: Path) -> None:
    """Modules, packages, paths and claims over several lines all resolve."""
    assert codes(tree, "features") == []


def test_module_without_feature(tree: Path) -> None:
    """A module on disk that nothing claims is found, tracked or not."""
    add(tree, "shelf/attic.py", '"""Old books."""\n')
    (found,) = findings(tree, "features")
    assert found[:3] == ("shelf/attic.py", 1, "FS001")
    assert f"Modules: of its feature in {PAGE}" in found.text


def test_package_claim_covers_what_comes_later(tree: Path) -> None:
    """A module added to a claimed package belongs to its feature."""
    add(tree, "shelf/handlers/card.py", '"""Loans on cards."""\n')
    assert codes(tree, "features") == []


def test_ignored_files_are_no_modules(tree: Path) -> None:
    """What .gitignore leaves out is build output."""
    add(tree, "shelf/build/made.py", '"""Made."""\n')
    assert codes(tree, "features") == []


def test_top_level_package_claims_itself_alone(tree: Path) -> None:
    """Claiming the whole library would claim everything for ever, so it does not."""
    plant(tree, PAGE, "`shelf.books`", "`shelf`")
    assert codes(tree, "features") == [("shelf/books.py", 1, "FS001")]


def test_init_with_code_needs_a_claim_of_its_own(tree: Path) -> None:
    """``package.__init__`` claims one file, and an ``__init__`` with code must be claimed."""
    plant(tree, PAGE, "`shelf.handlers`", "`shelf.handlers.base`, `shelf.handlers.ledger`")
    assert codes(tree, "features") == []
    add(
        tree,
        "shelf/handlers/__init__.py",
        '"""Where records go."""\nfrom .base import LoanHandler\n',
    )
    assert codes(tree, "features") == [("shelf/handlers/__init__.py", 1, "FS001")]
    plant(tree, PAGE, "`shelf.handlers.base`", "`shelf.handlers.base`, `shelf.handlers.__init__`")
    assert codes(tree, "features") == []


def test_claims_that_do_not_resolve(tree: Path) -> None:
    """A claim of what does not exist is found at its line, patterns included."""
    wrong = ["shelf.attic", "shelf.books.__init__", "docs/NOTHING.md", "shelf.*", "Shelf.books"]
    plant(tree, PAGE, "`shelf.cli`", "`shelf.cli`, " + ", ".join(f"`{claim}`" for claim in wrong))
    found = findings(tree, "features")
    assert {item[:3] for item in found} == {(PAGE, 16, "FS002")}
    assert sorted(item.text.split()[4] for item in found) == sorted(f"{name}," for name in wrong)


def test_feature_without_modules(tree: Path) -> None:
    """A feature that claims nothing is found at its heading."""
    add(tree, PAGE, (tree / PAGE).read_text() + "\n## Dreams\n\nSome day.\n")
    assert codes(tree, "features") == [(PAGE, 27, "FS003")]


def test_two_features_of_one_name(tree: Path) -> None:
    """The matrix calls features by name, so a name stands once."""
    add(tree, PAGE, (tree / PAGE).read_text() + "\n## Loans\n\nModules: `shelf.books`\n")
    assert codes(tree, "features") == [(PAGE, 27, "FS004")]


def test_missing_page(tree: Path) -> None:
    """Without the page there is one finding that says where its format is described."""
    (tree / PAGE).unlink()
    (found,) = findings(tree, "features")
    assert found[:3] == (PAGE, 1, "AL001")
    assert "--explain features" in found.text


def test_page_that_is_no_text(tree: Path) -> None:
    """A page in another encoding is named instead of guessed."""
    (tree / PAGE).write_bytes(b"## Caf\xe9\n")
    assert codes(tree, "features") == [(PAGE, 1, "AL002")]
