"""The documentation: its snippets run and print what it says, its links lead somewhere, and its
tables name every option and setting with the default that the code has.

A ``python`` block is a program, run in a folder of its page's own after the blocks before it, and
saved there under its ``title``. In a ``console`` block every ``$`` line is run and must print the
lines below it. Blocks in ``sh`` are shown and not run. Recipes with servers run in test_recipes.py.
"""

from __future__ import annotations

import inspect
import os
import re
import subprocess
import sys
from pathlib import Path

import pages
import pytest
from pages import DOCS, ROOT, blocks_of, page_name, run, run_console

import zotify_logging
from zotify_api.settings import Settings
from zotify_logging.handlers.base import HandlerOptions

ROOT_PAGES = [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
GATES = DOCS / "SUPER_LINT.md"
PAGES = sorted(DOCS.rglob("*.md"))
OPTION_PAGES = {
    "FileStreamHandler": "handlers/file_stream.md",
    "JsonAuditHandler": "handlers/json_audit.md",
    "DatabaseJobLogHandler": "handlers/database_job_log.md",
    "LoggingService": "handlers/logging_service.md",
}

_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)

#: Pages whose programs serve or wait for others; tests/test_recipes.py runs them as a whole.
SERVED = {
    DOCS / f"recipes/{name}.md" for name in ("celery", "django", "fastapi", "gunicorn", "pytest")
}
PROGRAMS = [page for page in PAGES if any(block.kind == "python" for block in blocks_of(page))]
RUN = [
    page
    for page in PAGES
    if page not in SERVED and any(block.kind in ("python", "console") for block in blocks_of(page))
]


@pytest.mark.parametrize("page", RUN, ids=page_name)
def test_snippets_run_and_print_what_the_page_shows(page: Path, tmp_path: Path) -> None:
    """Every program and command of the page works, one after the other, in a new folder."""
    for number, block in enumerate(blocks_of(page)):
        place = f"{page_name(page)}:{block.line}"
        if block.title:
            (tmp_path / block.title).write_text(block.text, "utf-8")
        if block.kind == "console":
            run_console(tmp_path, block.text, place)
        elif block.kind == "python":
            name = block.title or f"snippet_{number}.py"
            (tmp_path / name).write_text(block.text, "utf-8")
            run(tmp_path, sys.executable, "-W", "error", name, place=place)


def option_rows(page: Path) -> dict[str, str]:
    """Return what the tables of options on a page say: name to default, as written."""
    rows: dict[str, str] = {}
    for table in re.findall(r"^\| Option \|.*(?:\n\|.*)*", page.read_text("utf-8"), re.MULTILINE):
        for line in table.splitlines()[2:]:
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            for name in re.findall(r"`(\w+)`", cells[0]):
                rows[name] = cells[1].strip("`")
    return rows


@pytest.mark.parametrize("name", OPTION_PAGES)
def test_every_option_is_on_the_page_of_its_handler(name: str) -> None:
    """The tables name all options, none that does not exist, and the defaults of the code."""
    rows = option_rows(DOCS / OPTION_PAGES[name])
    parameters = inspect.signature(getattr(zotify_logging, name)).parameters
    own = {key: one for key, one in parameters.items() if one.kind != one.VAR_KEYWORD}
    shared = set() if name == "LoggingService" else set(HandlerOptions.__annotations__)
    differ = sorted(set(rows) ^ (set(own) | shared))
    page = f"docs/{OPTION_PAGES[name]}"
    assert not differ, f"{page}: {differ}: name every option of {name} in its tables, and no other"
    for key, one in own.items():
        assert rows[key] == ("required" if one.default is one.empty else repr(one.default)), key


def test_shared_options_are_explained() -> None:
    """The common page explains every option that all handlers take, and no other."""
    assert set(option_rows(DOCS / "handlers/every_handler.md")) == set(
        HandlerOptions.__annotations__
    )


def test_every_setting_is_documented() -> None:
    """The page of settings names each variable once, with the default of the code."""
    text = (DOCS / "settings.md").read_text("utf-8")
    rows = dict(re.findall(r"^\| `(ZOTIFY_\w+)` \| `?([^|`]*)`? \|", text, re.MULTILINE))
    assert set(rows) == {f"ZOTIFY_{name.upper()}" for name in Settings.model_fields}
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        shown = {"None": "none", "[]": "none"}.get(str(default), str(default))
        assert rows[f"ZOTIFY_{name.upper()}"] == shown, name


def slug(heading: str) -> str:
    """Return the anchor of a heading, as GitHub and the site make it."""
    text = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", heading)
    return re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", text).strip().lower())


def dead_links(page: Path) -> list[str]:
    """Return where a page links to no file or no heading below the root, and the cure."""
    dead = []
    text = _CODE.sub(lambda code: "\n" * code[0].count("\n"), page.read_text("utf-8"))
    for link in _LINK.finditer(text):
        target = link[1]
        said = (
            f"{page_name(page)}:{text.count(chr(10), 0, link.start()) + 1}: {target} leads nowhere"
            " — mend the link, or write what it leads to"
        )
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        if not found.exists() or not found.is_relative_to(ROOT):
            dead.append(said)
        elif anchor and found.suffix == ".md":
            headings = _HEADING.findall(found.read_text("utf-8"))
            if anchor not in {slug(heading) for heading in headings}:
                dead.append(said)
    return dead


@pytest.mark.parametrize("page", [*ROOT_PAGES, *PAGES], ids=page_name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file or heading of the repository has its target."""
    dead = dead_links(page)
    assert not dead, "\n".join(dead)


def test_a_dead_link_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing file, a missing heading and a place outside are dead; what exists is not."""
    monkeypatch.setitem(globals(), "ROOT", tmp_path)
    monkeypatch.setattr(pages, "ROOT", tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "# Two `words`\n[a](page.md#two-words) [b](gone.md) [c](#three) [d](../page.md)"
        " `[e](code.md)` [f](https://example.org/x)\n"
    )
    cure = "leads nowhere — mend the link, or write what it leads to"
    assert dead_links(page) == [
        f"page.md:2: {target} {cure}" for target in ("gone.md", "#three", "../page.md")
    ]


def section(page: Path, heading: str) -> str:
    """Return what stands under a heading of a page, up to the next of its level or above."""
    level = heading.index(" ")
    text = page.read_text("utf-8").split(f"\n{heading}\n", 1)[1]
    return re.split(rf"^#{{1,{level}}} ", text, maxsplit=1, flags=re.MULTILINE)[0]


SUBJECTS = (
    "Maintainability",
    "Performance",
    "Architecture",
    "Security",
    "Documentation",
    "Tests",
)


def test_the_review_checklist_asks_about_every_subject() -> None:
    """Each of the six subjects has three yes/no questions or more, and an example."""
    contributing = ROOT / "CONTRIBUTING.md"
    assert re.findall(
        r"^### (\w+)$", section(contributing, "## Review checklist"), re.MULTILINE
    ) == [*SUBJECTS]
    for subject in SUBJECTS:
        text = section(contributing, f"### {subject}")
        questions = re.findall(r"^- \[ \] (.*(?:\n  .*)*)", text, re.MULTILINE)
        assert len(questions) >= 3
        assert all(question.endswith("?") for question in questions)
        assert "*Example.*" in text and "is a no" in text and "is a yes" in text


def test_every_score_is_anchored() -> None:
    """The scale has one meaning for each number, and the worked example scores every subject."""
    page = DOCS / "CODE_SCORING_RUBRIC.md"
    scale = re.findall(r"^\| (\d+) \| (.+) \|$", section(page, "## The scale"), re.MULTILINE)
    assert [int(number) for number, _ in scale] == list(range(11))
    example = section(page, "## A worked example")
    scores = dict(re.findall(r"^\| (\w+) \| (\d+) \| .{40,} \|$", example, re.MULTILINE))
    assert tuple(scores) == SUBJECTS
    assert f"Score: **{min(map(int, scores.values()))}**" in example
    assert re.match(r"\n`([^`]+)`", example) and (ROOT / example.split("`")[1]).exists()


def test_every_gate_is_explained() -> None:
    """Each environment of tox stands on the page of gates and in the table of cures."""
    workflow = (ROOT / ".github/workflows/ci.yml").read_text("utf-8")
    names = set(re.findall(r"\{env: (\w+)", workflow))
    gates = GATES.read_text("utf-8")
    cures = section(ROOT / "CONTRIBUTING.md", "## Gates")
    assert [name for name in sorted(names) if f"`{name}`" not in gates] == []
    single = names - {"py312", "py313", "bench"}  # explained with the other Pythons; cannot be red
    assert [name for name in sorted(single) if f"`{name}`" not in cures] == []


def test_the_commands_of_contributing_find_their_tests() -> None:
    """A command that runs a part of the tests names a file and a word that are there."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    named = re.findall(r"-- (tests/\w+\.py) -k (\w+)", text)
    assert named
    for path, word in named:
        if path != "tests/test_x.py":  # stands for any
            tests = re.findall(r"^def (test_\w+)", (ROOT / path).read_text("utf-8"), re.MULTILINE)
            assert any(word in test for test in tests), (path, word)


def test_pre_commit_runs_environments_of_tox() -> None:
    """Each hook calls the environment of its name (``tests``: the current Python), and no other."""
    tox = (ROOT / "tox.ini").read_text("utf-8")
    hooks = (ROOT / ".pre-commit-config.yaml").read_text("utf-8")
    called = dict(re.findall(r"- id: (\w+)\n(?:.*\n)+?        entry: tox -q -e (\w+)\n", hooks))
    assert len(called) == hooks.count("- id:") > 0
    for hook, environment in called.items():
        assert environment == ("py" if hook == "tests" else hook)
        assert environment == "py" or f"[testenv:{environment}]\n" in tox


def test_every_code_of_the_linter_is_listed() -> None:
    """The page of gates has every code of the architectural linter, and no other."""
    said = run(ROOT, sys.executable, "-m", "tools.archlint", "--explain", "all")
    listed = re.findall(r"^\| `([A-Z]+\d+)` \|", section(GATES, "### All codes"), re.MULTILINE)
    assert listed == sorted(re.findall(r"^## ([A-Z]+\d+)", said, re.MULTILINE))


#: Neither Celery nor Django has types, and the names by which blocks import each other are titles.
UNTYPED = """\
[mypy]
[mypy-celery.*,django.*,tasks.*]
ignore_missing_imports = true
[mypy-docs_recipes_celery_0]
disallow_untyped_decorators = false
"""


def test_snippets_are_typed(tmp_path: Path) -> None:
    """Strict mypy finds nothing in the programs of the docs and the README."""
    pytest.importorskip("mypy")
    if os.environ.get("ZOTIFY_CHECK_SNIPPETS") != "1":
        pytest.skip("takes up to a minute; `tox -e docs` does it")
    for page in [ROOT / "README.md", *PROGRAMS]:
        name = re.sub(r"\W", "_", page_name(page).removesuffix(".md"))
        programs = [block.text for block in blocks_of(page) if block.kind == "python"]
        for block in blocks_of(page):
            module = block.title.removesuffix(".py")
            imported = any(f"from {module} import" in program for program in programs)
            if module and imported and f"{module}.*" not in UNTYPED:
                (tmp_path / block.title).write_text(block.text, "utf-8")
        for number, program in enumerate(programs):
            # The README's later snippets go on where the first one ends.
            before = programs[0] if page.name == "README.md" and number else ""
            (tmp_path / f"{name}_{number}.py").write_text(before + program, "utf-8")
    files = [path.name for path in sorted(tmp_path.glob("*.py"))]
    (tmp_path / "mypy.ini").write_text(UNTYPED, "utf-8")
    command = [sys.executable, "-m", "mypy", "--strict", *files]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
