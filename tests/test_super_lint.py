"""The gates bite: each planted violation turns its gates red, with place and cure, and no other.

Planted is in a copy of the whole tree; a gate is run by the commands of the copy's tox.ini. At
small size all violations that a gate should notice are planted together, and so are all that it
should not; a gate that judges file by file sees the changed files only, archlint the groups of
rules that they concern. At full size each is planted by itself, every static gate looks at every
planted tree, and first at the clean one as a whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest
from archlint_tree import commit, git
from code_violations import CODE_VIOLATIONS
from document_violations import DOCUMENT_VIOLATIONS
from gate_runs import (
    FILE_BY_FILE,
    REPOSITORY,
    STATIC_GATES,
    GateRun,
    copy_tree,
    restore,
    run_gate,
    run_tests,
)
from sizes import sized
from violation import Violation

VIOLATIONS = CODE_VIOLATIONS + DOCUMENT_VIOLATIONS
FULL = bool(sized(0, 1))
PAGE = REPOSITORY / "docs" / "SUPER_LINT.md"
MATRIX = "docs/TRACEABILITY_MATRIX.md"

#: The groups of archlint's rules that a change of code alone concerns.
CODE_GROUPS = "features,docstrings,conventions"

FINDING = re.compile(r"^\S+:\d+: [A-Z]{2}\d{3} .+ — .+$", re.MULTILINE)

(UNCOMMITTED,) = (violation for violation in VIOLATIONS if violation.group == "changes")


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """Copy the tree once for all tests; return its folder and its one commit."""
    copy = copy_tree(tmp_path_factory.mktemp("super-lint") / "tree")
    return copy, git(copy, "rev-parse", "HEAD")


@pytest.fixture
def tree(original: tuple[Path, str]) -> Iterator[Path]:
    """Lend the copy, and put it back afterwards."""
    yield original[0]
    restore(*original)


class Sight(NamedTuple):
    """What a gate said to a planted tree, and what it had to say about each violation."""

    run: GateRun
    expected: dict[str, list[str]]


def look(tree: Path, gate: str, planted: Sequence[Violation]) -> GateRun:
    """Run a gate on a planted tree, as much of it as the violations need at this size."""
    if gate in ("docs", "py"):
        return run_tests(tree, gate, [violation.test for violation in planted])
    if gate == "archlint":
        groups = {violation.group for violation in planted}
        base = ["--base", "HEAD"] if "changes" in groups else []
        return run_gate(tree, gate, base + ([] if FULL else ["--only", ",".join(groups)]))
    if gate == "imports" or (gate == "mypy" and (FULL or planted[0].whole)):
        return run_gate(tree, gate)
    files = sorted({name for violation in planted for name in violation.files})
    return run_gate(tree, gate, files=files)


def beside(violation: Violation, gate: str) -> list[Violation]:
    """Return what is planted together for one run of a gate: at full size each by itself."""
    # The first red command ends `format`, and so does a file that mypy cannot place.
    if FULL or gate == "format" or violation.whole:
        return [violation]
    return [
        other
        for other in VIOLATIONS
        if gate in other.gates
        and not (other.whole or other.slow)
        and (gate != "archlint" or other.group == violation.group)
    ]


@pytest.fixture(scope="module")
def see(original: tuple[Path, str]) -> Callable[[Violation, str], Sight]:
    """Give a function that plants a violation, runs a gate and puts the copy back."""
    tree = original[0]
    seen: dict[tuple[str, ...], Sight] = {}

    def see_once(violation: Violation, gate: str) -> Sight:
        planted = beside(violation, gate)
        key = (gate, *(other.name for other in planted))
        if key not in seen:
            try:
                for other in planted:
                    other.apply(tree)
                expected = {other.name: other.expected(tree, gate) for other in planted}
                seen[key] = Sight(look(tree, gate, planted), expected)
            finally:
                restore(*original)
        return seen[key]

    return see_once


def others(violation: Violation) -> list[str]:
    """Return the static gates that should stay green and read a file that the violation changes."""
    code = any(name.endswith(".py") for name in violation.files)
    return [
        gate
        for gate in STATIC_GATES
        if gate not in violation.gates and (code or gate == "archlint")
    ]


@pytest.mark.parametrize("gate", STATIC_GATES)
def test_the_clean_tree_is_green(original: tuple[Path, str], gate: str) -> None:
    """Before anything is planted no gate finds anything, so what it finds then was planted."""
    if gate in ("mypy", "archlint") and not FULL:
        pytest.skip("at full size; below, what is planted is all that is found")
    part = None
    if gate in FILE_BY_FILE and not FULL:
        planted = {name for violation in VIOLATIONS for name in violation.files}
        part = sorted(name for name in planted if (original[0] / name).exists())
    done = run_gate(original[0], gate, files=part)
    assert not done.red, done.output


@pytest.mark.parametrize("violation", VIOLATIONS, ids=lambda violation: violation.name)
def test_a_planted_violation_turns_its_gates_red(
    see: Callable[[Violation, str], Sight], violation: Violation
) -> None:
    """Each gate that holds the rule fails, and names file, line and cure."""
    if violation.slow and not FULL:
        pytest.skip("takes tens of seconds; at full size")
    for gate in violation.gates:
        if gate == "py" and "docs" in violation.gates:
            continue  # it runs all tests, and so the one that fails in `docs`
        run, expected = see(violation, gate)
        assert run.red, f"{gate} does not notice:\n{run.output}"
        said = " ".join(run.output.split())
        for part in expected[violation.name]:
            assert " ".join(part.split()) in said, run.output
        if gate == "archlint":
            assert len(FINDING.findall(run.output)) == len(expected), run.output


@pytest.mark.parametrize(
    "violation", VIOLATIONS if FULL else (), ids=lambda violation: violation.name
)
def test_no_other_gate_turns_red(tree: Path, violation: Violation) -> None:
    """Every static gate that does not hold the rule finds nothing in the planted tree."""
    violation.apply(tree)
    with ThreadPoolExecutor(2) as pool:
        runs = {gate: pool.submit(look, tree, gate, [violation]) for gate in others(violation)}
    assert {gate: run.result().output for gate, run in runs.items() if run.result().red} == {}


@pytest.mark.parametrize("gate", [gate for gate in STATIC_GATES if gate != "mypy"])
def test_a_gate_stays_green_under_the_violations_of_others(tree: Path, gate: str) -> None:
    """All that the gate does not hold, planted at once, leaves it green."""
    foreign = [violation for violation in VIOLATIONS if gate in others(violation)]
    assert foreign
    for violation in foreign:
        violation.apply(tree)
    changed = sorted({name for violation in foreign for name in violation.files})
    posargs = ["--only", CODE_GROUPS] if gate == "archlint" else []
    done = run_gate(tree, gate, posargs, files=changed if gate in FILE_BY_FILE else None)
    assert not done.red, done.output


@pytest.mark.parametrize(
    ("trailer", "said"),
    [
        ("Doc-Lint-Ignore: same behaviour, one lookup less", None),
        ("Doc-Lint-Ignore:", "CH002 commit {commit} has the trailer Doc-Lint-Ignore without a"),
        ("Signed-off-by: Reader <reader@example.org>", "CH001 core code changed since HEAD~1"),
    ],
    ids=["reason", "no-reason", "other-trailer"],
)
def test_a_trailer_excuses_a_core_change_for_a_reason(
    tree: Path, trailer: str, said: str | None
) -> None:
    """With a reason the change passes and is listed; without one change and trailer fail."""
    UNCOMMITTED.apply(tree)
    revision = commit(tree, f"Change core code\n\n{trailer}\n")[:10]
    done = run_gate(tree, "archlint", ["--base", "HEAD~1", "--only", "changes"])
    assert done.red == (said is not None)
    if said is None:
        assert "CH001 excused — same behaviour, one lookup less" in done.output
    else:
        place = f"{UNCOMMITTED.files[0]}:1: "
        assert place + said.replace("{commit}", revision) in done.output


def test_a_change_of_the_matrix_allows_a_core_change(tree: Path) -> None:
    """Code and matrix changed in one branch need no excuse."""
    UNCOMMITTED.apply(tree)
    (tree / MATRIX).write_text((tree / MATRIX).read_text("utf-8") + "\nChanged.\n", "utf-8")
    done = run_gate(tree, "archlint", ["--base", "HEAD", "--only", "changes"])
    assert not done.red, done.output


def test_the_page_of_gates_says_which_gate_holds_which_rule() -> None:
    """The table has the rules that are planted here, each with the gates that turn red."""
    text = PAGE.read_text("utf-8").partition("## Which gate holds which rule")[2]
    text = text.partition("\n## ")[0]
    rows = re.findall(r"^\| (.+?) \| (`.+) \|$", text, re.MULTILINE)
    listed = {rule: set(re.findall(r"`([a-z]\w*)`", gates)) for rule, gates in rows}
    planted: dict[str, set[str]] = {}
    for violation in VIOLATIONS:
        planted.setdefault(violation.rule, set()).update(violation.gates)
    assert listed == planted
