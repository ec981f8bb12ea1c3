"""The whole linter: forms of its report, exit codes, excuses, misuse, its own documentation."""

from __future__ import annotations

import json
import re
import resource
from pathlib import Path

import pytest
from archlint_tree import (
    REPOSITORY,
    add,
    codes,
    commit,
    git,
    lay_out,
    plant,
    run_archlint,
)

MATRIX = "docs/TRACEABILITY_MATRIX.md"

#: One way to break each rule that one tree can bear beside the others: file, what is there, what
#: comes instead, and where it is found when not there.
PLANTED = {
    "AL002": ("shelf/cli.py", "def main()", "def main((", ""),
    "EP001": (
        "docs/ENDPOINTS.md",
        "| GET | `/inner/deep/end` | open | |",
        "",
        "shelf_api/inner.py",
    ),
    "EP002": ("docs/ENDPOINTS.md", "| POST | `/v1/books`", "| PUT | `/v1/books`", ""),
    "EP003": ("docs/ENDPOINTS.md", "`x` |", "`y` |", ""),
    "EP004": ("docs/ENDPOINTS.md", "404 unknown, 422", "404", ""),
    "EP005": ("docs/ENDPOINTS.md", "| WEBSOCKET | `/live`", "| WEBSOCKET | live", ""),
    "FS001": ("docs/FEATURE_SPECS.md", "`shelf.books`", "`shelf.cli`", "shelf/books.py"),
    "FS002": ("docs/FEATURE_SPECS.md", "`shelf.handlers`", "`shelf.handlers`, `shelf.x`", ""),
    "FS003": ("docs/FEATURE_SPECS.md", "## Loans", "## Dreams\n\n## Loans", ""),
    "FS004": ("docs/FEATURE_SPECS.md", "## Dreams", "## Books\n\n## Dreams", ""),
    "DS001": ("shelf/books.py", '"""Put it down elsewhere."""', "pass", ""),
    "DS002": ("shelf/books.py", "One volume with its place.", "The class of a book.", ""),
    "TM001": ("docs/BACKLOG.md", "# Backlog", "# Backlog\n\n## SHELF-TASK-44", ""),
    "TM002": (MATRIX, "SHELF-TASK-02", "SHELF-TASK-12", ""),
    "TM003": (MATRIX, "| HTTP |", "| HTPP |", ""),
    "TM004": (MATRIX, "shelf/cli.py", "shelf/clip.py", ""),
    "TM005": (MATRIX, "Book.move", "Book.moves", ""),
    "TM006": (MATRIX, "::test_move[2]", "::test_move[4]", ""),
    "TM008": (MATRIX, "| in progress |", "| later |", ""),
    "TM010": ("docs/BACKLOG.md", "| done |", "| planned |", ""),
    "CV001": ("pyproject.toml", '["shelf_api"]', '["shelf_api", "shelf"]', "shelf/twin/books.py"),
    "CV002": ("shelf/books.py", "LIMIT = 40", "LIMIT = print", ""),
    "CV003": ("shelf_api/factory.py", "docs_url=None,", "docs_url=None, debug=True,", ""),
    "CV004": ("docs/OPTIONS.md", "`sheets`", "`pages`", "shelf/handlers/ledger.py"),
    "CV005": ("docs/OPTIONS.md", "`SHELF_PORT`", "`SHELF_HOST`", "shelf_api/settings.py"),
    "RV001": ("docs/OPTIONS.md", "reviewed", "written", ""),
    "RV002": ("docs/BACKLOG.md", "2026-11-22", "some day", ""),
    "RV003": ("docs/ENDPOINTS.md", "2026-11-22", "2020-01-01", ""),
}

#: What is planted in a tree of its own, in the other files of these tests.
ELSEWHERE = {"AL001", "CH001", "CH002", "EP006", "TM009", "TM011"}

EMPTY = '{\n  "findings": [],\n  "excused": []\n}\n'


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Lay out the clean project."""
    return lay_out(tmp_path)


def explained() -> list[str]:
    """Return all codes that the linter explains."""
    done = run_archlint(REPOSITORY, "--explain", "all")
    return re.findall(r"^## ([A-Z]{2}\d{3})", done.stdout, re.MULTILINE)


def test_the_clean_tree_is_silent(tree: Path) -> None:
    """All groups together find nothing and say so on stderr alone, with exit code 0."""
    done = run_archlint(tree)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("archlint: 0 findings, 0 warnings, 0 excused, ")


@pytest.mark.parametrize(("form", "said"), [("github", ""), ("json", EMPTY)])
def test_nothing_found_in_other_forms(tree: Path, form: str, said: str) -> None:
    """Without findings there are no annotations, and the JSON has empty lists."""
    done = run_archlint(tree, "--only", "reviews", "--format", form)
    assert done.returncode == 0
    assert done.stdout == said


def test_each_code_is_found_where_it_is_planted(tree: Path) -> None:
    """A tree with one violation of each rule yields every code at its file, with its cure."""
    add(tree, "shelf/twin/books.py", '"""Copies on the upper floor."""\n')
    for path, old, new, _ in PLANTED.values():
        plant(tree, path, old, new)
    done = run_archlint(tree)
    assert done.returncode == 1
    found = set()
    for line in done.stdout.splitlines():
        match = re.fullmatch(r"([^:]+):\d+: ([A-Z]{2}\d{3}) .+ — .+", line)
        assert match, line
        found.add((match[2], match[1]))
    assert {(code, place or path) for code, (path, _, _, place) in PLANTED.items()} <= found
    assert {code for code, _ in found} == {*PLANTED, "TM007"}


def test_every_code_is_explained_and_planted() -> None:
    """No code is without a test that plants it, nor without a bad and a good example."""
    text = run_archlint(REPOSITORY, "--explain", "all").stdout
    explained = re.findall(r"^## ([A-Z]{2}\d{3})", text, re.MULTILINE)
    assert sorted(explained) == sorted({*PLANTED, *ELSEWHERE, "TM007"})
    assert text.count("\nBad:\n") == text.count("\nGood:\n") == len(explained)
    for group in ("endpoints", "features", "traceability", "conventions", "reviews"):
        part = text[text.index(f"# {group}\n") :]
        assert "``docs/`` format" in part[: part.index("\nBad:\n")]
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_arch*.py"))
    for code in {*ELSEWHERE, "TM007"}:
        assert f'"{code}")' in tests or f'["{code}"]' in tests


def test_one_code_is_explained() -> None:
    """``--explain`` takes a code, in any case."""
    text = run_archlint(REPOSITORY, "--explain", "al001").stdout
    assert text.startswith("## AL001\n")
    assert "\nGood:\n" in text


def test_three_forms_say_the_same(tree: Path) -> None:
    """Text for people, JSON for programs, annotations for GitHub, all with exit code 1."""
    plant(tree, "shelf/books.py", "LIMIT = 40", "LIMIT = print")
    text, data, github = (
        run_archlint(tree, "--only", "conventions", "--format", form)
        for form in ("text", "json", "github")
    )
    assert text.returncode == data.returncode == github.returncode == 1
    message = "prints outside the command line"
    cure = "log it, return it, or move the code into the package's cli"
    assert text.stdout == f"shelf/books.py:3: CV002 {message} — {cure}\n"
    assert json.loads(data.stdout)["findings"] == [
        {
            "path": "shelf/books.py",
            "line": 3,
            "code": "CV002",
            "message": message,
            "cure": cure,
            "severity": "error",
        }
    ]
    assert github.stdout == (
        f"::error file=shelf/books.py,line=3,title=CV002::{message} — {cure}\n"
    )


def test_annotations_are_escaped(tree: Path) -> None:
    """Names with the characters of a workflow command cannot break out of it."""
    add(tree, "shelf/a,b%:c.py", "x = 1\n")
    done = run_archlint(tree, "--only", "docstrings", "--format", "github")
    assert done.stdout.startswith("::error file=shelf/a%2Cb%25%3Ac.py,line=1,title=DS001::")


@pytest.mark.parametrize("mark", ["noqa: CV002 — shows a banner", "noqa: E501, CV002 - a banner"])
def test_noqa_with_a_reason_excuses(tree: Path, mark: str) -> None:
    """A reasoned mark on the line takes the finding back, and is listed."""
    plant(tree, "shelf/books.py", "LIMIT = 40", f"print(40)  # {mark}")
    done = run_archlint(tree, "--only", "conventions")
    assert done.returncode == 0
    assert done.stdout.startswith("shelf/books.py:3: CV002 excused — ")
    assert "banner" in done.stdout


@pytest.mark.parametrize("mark", ["noqa: CV002", "noqa", "noqa: CV003 — another", "noqa: CV002 —"])
def test_noqa_without_reason_or_code_excuses_nothing(tree: Path, mark: str) -> None:
    """A bare mark, one without a reason and one for another code change nothing."""
    plant(tree, "shelf/books.py", "LIMIT = 40", f"print(40)  # {mark}")
    assert codes(tree, "conventions") == [("shelf/books.py", 3, "CV002")]


def test_noqa_in_a_page(tree: Path) -> None:
    """In Markdown the mark is a comment."""
    row = "| SHELF-TASK-03 | HTTP | — | — | done |"
    plant(
        tree, "docs/TRACEABILITY_MATRIX.md", "| HTTP | — | — | planned |", "| HTTP | — | — | done |"
    )
    plant(tree, "docs/TRACEABILITY_MATRIX.md", row, f"{row} <!-- noqa: TM007 — by hand -->")
    done = run_archlint(tree, "--only", "traceability")
    assert done.returncode == 0, done.stdout
    assert "TM007 excused — by hand\n" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("--format", "xml"), "invalid choice"),
        (("--only", "endpoint"), "groups are endpoints,"),
        (("--only", ""), "groups are"),
        (("--today", "tomorrow"), "YYYY-MM-DD"),
        (("--explain", "XX999"), "say all, a group"),
        (("--what",), "unrecognized arguments"),
        (("path",), "unrecognized arguments"),
        (("--root", "/nowhere"), "no such file"),
    ],
)
def test_misuse_of_the_command_line(tree: Path, arguments: tuple[str, ...], complaint: str) -> None:
    """Wrong arguments end with exit code 2 and a word about what would be right."""
    done = run_archlint(tree, *arguments)
    assert done.returncode == 2
    assert complaint in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("settings", "complaint"),
    [
        ("[tool.other]\nx = 1\n", "has no table [tool.archlint]"),
        ("[tool.archlint\n", "cannot be read"),
        ("[tool.archlint]\ndocs = 'docs'\n", "packages: names no package"),
        ("[tool.archlint]\npackages = 'shelf'\n", "packages: 'shelf' is not a list"),
        ("[tool.archlint]\npackages = ['a']\nprint-alowed = []\n", "did you mean print-allowed?"),
        ("[tool.archlint]\npackages = ['a']\nreview-days = 0\n", "not a number of days"),
        ("[tool.archlint]\npackages = ['a']\napplication = 'a.b'\n", "module:name"),
        ("[tool.archlint]\npackages = ['a']\nrequirement-pattern = '('\n", "no regular expression"),
        ("[tool.archlint]\npackages = ['a']\ndocs = 1\n", "docs: 1 is not text"),
        ("[tool.archlint]\npackages = ['a']\nreview-schedule = {a = 'b'}\n", "page = days"),
    ],
)
def test_misuse_of_the_settings(tree: Path, settings: str, complaint: str) -> None:
    """Wrong settings end with exit code 2 and the name of the setting."""
    add(tree, "pyproject.toml", settings)
    done = run_archlint(tree)
    assert done.returncode == 2
    assert complaint in done.stderr


def test_all_wrong_settings_at_once(tree: Path) -> None:
    """Nobody has to mend settings one run at a time."""
    add(tree, "pyproject.toml", "[tool.archlint]\npackages = 1\ndocs = 2\nwhat = 3\n")
    assert run_archlint(tree).stderr.count("tool.archlint.") >= 3


def test_a_repository_is_looked_at_as_it_lies_on_disk(tree: Path) -> None:
    """Untracked files count, ignored ones do not, and a deleted one is gone before its commit."""
    commit(tree, "Begin")
    add(tree, "shelf/new.py", "x = 1\n")
    add(tree, "shelf/build/made.py", "x = 1\n")
    git(tree, "rm", "--quiet", "--cached", "shelf/cli.py")
    plant(tree, "shelf/cli.py", '"""Commands for people at a terminal."""', "")
    (tree / "shelf/books.py").unlink()
    assert codes(tree, "docstrings") == [
        ("shelf/cli.py", 1, "DS001"),
        ("shelf/new.py", 1, "DS001"),
    ]


def test_without_git_it_is_misuse(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without git is told what is missing."""
    monkeypatch.setenv("PATH", str(tree))
    done = run_archlint(tree)
    assert done.returncode == 2
    assert "git is not installed" in done.stderr


def test_this_repository_in_ten_seconds() -> None:
    """All groups run over this repository, whatever they find, within ten seconds of processor."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = run_archlint(REPOSITORY)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode in (0, 1), done.stderr
    # Processor time, not the clock's: other tests may run beside this one.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 10


def test_variables_of_git_hooks_lead_nowhere_else(
    tree: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run from a hook, where git names its own repository, the tree at hand is still the one."""
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "--quiet")
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / "index"))
    add(tree, "shelf/new.py", "x = 1\n")
    assert codes(tree, "docstrings") == [("shelf/new.py", 1, "DS001")]
    commit(tree, "Begin")
    assert codes(tree, "docstrings") == [("shelf/new.py", 1, "DS001")]
