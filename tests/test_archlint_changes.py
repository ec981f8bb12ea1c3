"""Core code and the matrix change together, in a real repository with real trailers."""

from __future__ import annotations

from pathlib import Path

import pytest
from archlint_tree import add, codes, commit, findings, git, lay_out, run_archlint

MATRIX = "docs/TRACEABILITY_MATRIX.md"
CODE = "shelf/books.py"
REASON = "Faster\n\nDoc-Lint-Ignore: same behaviour, one lookup less\n"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Commit the clean project, and branch off."""
    lay_out(tmp_path)
    commit(tmp_path, "Begin")
    git(tmp_path, "checkout", "--quiet", "-b", "work")
    return tmp_path


def change(tree: Path, path: str, text: str = "# changed\n") -> None:
    """Add a line at the end of a file."""
    add(tree, path, (tree / path).read_text(encoding="utf-8") + text)


def found(tree: Path, base: str = "main") -> list[tuple[str, int, str]]:
    """Return what the change rules find against ``base``."""
    return codes(tree, "changes", "--base", base)


def test_nothing_changed(tree: Path) -> None:
    """A branch without changes is silent, and so is a run without a base."""
    assert found(tree) == []
    change(tree, CODE)
    assert codes(tree, "changes") == []


def test_code_without_matrix(tree: Path) -> None:
    """Committed core code without a change of the matrix is found."""
    change(tree, CODE)
    commit(tree, "Change a book")
    (only,) = findings(tree, "changes", "--base", "main")
    assert only[:3] == (CODE, 1, "CH001")
    assert "Doc-Lint-Ignore: <reason>" in only.text


def test_code_with_matrix(tree: Path) -> None:
    """The matrix may change in another commit, or not be committed yet."""
    change(tree, CODE)
    commit(tree, "Change a book")
    change(tree, MATRIX, "\nText.\n")
    assert found(tree) == []
    commit(tree, "Say so")
    assert found(tree) == []


@pytest.mark.parametrize("state", ["changed", "staged", "new", "deleted"])
def test_working_tree_counts(tree: Path, state: str) -> None:
    """What is not committed yet is judged as if it were."""
    path = "shelf/attic.py" if state == "new" else CODE
    if state == "new":
        add(tree, path, '"""Old."""\n')
    elif state == "deleted":
        (tree / path).unlink()
    else:
        change(tree, path)
    if state == "staged":
        git(tree, "add", "--all")
    assert found(tree) == [(path, 1, "CH001")]


def test_other_files_are_no_core_code(tree: Path) -> None:
    """Tests, pages and what git ignores may change freely."""
    change(tree, "tests/test_books.py")
    change(tree, "docs/BACKLOG.md")
    add(tree, "shelf/build/made.py", "")
    commit(tree, "Test a book")
    assert found(tree) == []


def test_trailer_with_reason_excuses_and_is_listed(tree: Path) -> None:
    """The reason of a trailer stands in the output, with the commit that gave it."""
    change(tree, CODE)
    revision = commit(tree, REASON)
    done = run_archlint(tree, "--only", "changes", "--base", "main")
    assert done.returncode == 0
    assert done.stdout == (
        f"commit {revision[:10]}:1: CH001 excused — same behaviour, one lookup less\n"
    )
    assert "1 excused" in done.stderr


@pytest.mark.parametrize("trailer", ["Doc-Lint-Ignore:", "Doc-Lint-Ignore:   "])
def test_trailer_without_reason_excuses_nothing(tree: Path, trailer: str) -> None:
    """An empty trailer is a finding of its own, beside the one that it does not excuse."""
    change(tree, CODE)
    git(tree, "add", "--all")
    git(tree, "commit", "--quiet", "--cleanup=verbatim", "--message", f"Faster\n\n{trailer}\n")
    assert found(tree) == [(CODE, 1, "CH001"), (CODE, 1, "CH002")]


def test_trailer_excuses_its_own_commit_alone(tree: Path) -> None:
    """Another commit, and what is not committed, need the matrix or an excuse of their own."""
    change(tree, CODE)
    commit(tree, REASON)
    change(tree, "shelf/cli.py")
    assert found(tree) == [("shelf/cli.py", 1, "CH001")]
    commit(tree, "Change a command")
    assert found(tree) == [("shelf/cli.py", 1, "CH001")]
    change(tree, CODE)
    assert found(tree) == [(CODE, 1, "CH001")]


def test_words_in_the_message_are_no_trailer(tree: Path) -> None:
    """Only the last paragraph of a message holds trailers."""
    change(tree, CODE)
    commit(tree, "Faster\n\nDoc-Lint-Ignore: not here\n\nAnd more text after it.\n")
    assert found(tree) == [(CODE, 1, "CH001")]


def test_trailer_over_several_lines_beside_others(tree: Path) -> None:
    """Folded reasons are joined, other trailers do not matter, any case will do."""
    change(tree, CODE)
    commit(tree, "Faster\n\nReviewed-by: A <a@b.c>\ndoc-lint-ignore: same\n behaviour\n")
    done = run_archlint(tree, "--only", "changes", "--base", "main")
    assert done.returncode == 0
    assert "CH001 excused — same behaviour\n" in done.stdout


def test_what_was_undone_is_no_change(tree: Path) -> None:
    """A commit and its opposite leave nothing to explain."""
    change(tree, CODE)
    commit(tree, "Change a book")
    git(tree, "revert", "--no-edit", "HEAD")
    assert found(tree) == []


def test_the_base_may_move_on(tree: Path) -> None:
    """Changes on the base since the branch began are not the branch's."""
    git(tree, "checkout", "--quiet", "main")
    change(tree, CODE)
    commit(tree, "Elsewhere")
    git(tree, "checkout", "--quiet", "work")
    change(tree, "docs/BACKLOG.md")
    commit(tree, "Plan")
    assert found(tree) == []


def test_merged_branches_count_by_their_commits(tree: Path) -> None:
    """A merge asks for no excuse beyond those of the commits that it brings."""
    git(tree, "checkout", "--quiet", "-b", "side")
    change(tree, CODE)
    commit(tree, REASON)
    git(tree, "checkout", "--quiet", "work")
    change(tree, "tests/test_books.py")
    commit(tree, "Test a book")
    git(tree, "merge", "--quiet", "--no-ff", "--message", "Join", "side")
    assert found(tree) == []


def test_names_beyond_ascii(tree: Path) -> None:
    """Names of files are taken from git as they are."""
    add(tree, "shelf/bücher regal.py", '"""Old."""\n')
    commit(tree, "Add a shelf")
    assert found(tree) == [("shelf/bücher regal.py", 1, "CH001")]


@pytest.mark.parametrize("base", ["no-such-branch", "--output=x"])
def test_unknown_base_is_misuse(tree: Path, base: str) -> None:
    """A base that git does not know ends with exit code 2 and its cure."""
    done = run_archlint(tree, f"--base={base}")
    assert done.returncode == 2
    assert base in done.stderr
    assert done.stdout == ""


def test_base_outside_a_repository_is_misuse(tmp_path: Path) -> None:
    """A folder without history cannot be compared."""
    lay_out(tmp_path)
    done = run_archlint(tmp_path, "--only", "changes", "--base", "main")
    assert done.returncode == 2
    assert "git" in done.stderr
