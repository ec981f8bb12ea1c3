"""Whoever changes core code changes the traceability matrix, or says why not.

Runs with ``--base REV``. Looked at is everything since the common ancestor of ``REV`` and ``HEAD``:
the commits in ``REV..HEAD``, what is staged, changed and new. When core code (``core``, by default
the packages) differs and the matrix does not, that is a finding, unless each commit that touches
the code carries a git trailer with a reason::

    Speed up rotation

    Doc-Lint-Ignore: same behaviour, the tests of the matrix hold it already

An excuse covers its own commit alone, a change that is not committed yet cannot have one, and the
words elsewhere in a message are no trailer. Excuses are listed in the output with their reasons.
There is no page for this group beside the matrix itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ..disk import git
from ..findings import Code, Excuse, Finding, Misuse
from ..tree import Tree

__all__ = ["CODES", "Commit", "check"]

_TRAILER = "Doc-Lint-Ignore"

CODES = (
    Code(
        "CH001",
        "Core code does not change without the traceability matrix.",
        "git diff --name-only main   ->   zotify_logging/worker.py",
        "docs/TRACEABILITY_MATRIX.md changed as well, or the commit's last lines say\n"
        f"{_TRAILER}: faster by a lookup, same behaviour",
        excusable=False,
    ),
    Code(
        "CH002",
        f"The trailer {_TRAILER} has a reason.",
        f"{_TRAILER}:",
        f"{_TRAILER}: faster by a lookup, same behaviour",
        excusable=False,
    ),
)


@dataclass(frozen=True)
class Commit:
    """A commit with the files it touches; ``reason`` is ``None`` without a trailer."""

    revision: str
    reason: str | None
    files: frozenset[str]


def check(tree: Tree) -> Iterator[Finding | Excuse]:
    """Compare the tree with the base revision, if there is one."""
    if tree.base is None:
        return
    base = _common_ancestor(tree, tree.base)
    changed = _paths(git(tree.root, "diff", "--name-only", "--relative", "-z", base))
    pending = _paths(git(tree.root, "diff", "--name-only", "--relative", "-z", "HEAD"))
    new = _paths(git(tree.root, "ls-files", "--others", "--exclude-standard", "-z"))
    roots = tuple(f"{root.rstrip('/')}/" for root in tree.config.core_roots)
    core = {path for path in changed | new if path.startswith(roots)}
    if not core or tree.config.matrix_page in changed | new:
        return
    unexcused = core & (pending | new)
    for commit in _commits(tree, base):
        touched = core & commit.files
        if not touched:
            continue
        if commit.reason:
            place = f"commit {commit.revision[:10]}"
            yield Excuse(place, 1, "CH001", commit.reason)
            continue
        unexcused |= touched
        if commit.reason is not None:
            yield Finding(
                min(touched),
                1,
                "CH002",
                f"commit {commit.revision[:10]} has the trailer {_TRAILER} without a reason",
                f"reword it: {_TRAILER}: why the matrix need not change",
            )
    if unexcused:
        first, others = min(unexcused), len(unexcused) - 1
        more = f" and {others} more" if others else ""
        yield Finding(
            first,
            1,
            "CH001",
            f"core code changed since {tree.base} ({first}{more}) and the matrix did not",
            f"change {tree.config.matrix_page}, or end the commit message with"
            f" {_TRAILER}: <reason>",
        )


def _common_ancestor(tree: Tree, base: str) -> str:
    if base.startswith("-"):
        raise Misuse(f"--base {base}: this is no revision")
    try:
        return git(tree.root, "merge-base", base, "HEAD").strip()
    except Misuse as error:
        raise Misuse(
            f"--base {base}: git finds no common history with HEAD ({error});"
            " name a branch or commit, and fetch its history in a shallow clone"
        ) from None


def _commits(tree: Tree, base: str) -> Iterator[Commit]:
    """Yield the commits since ``base``; of a merge, only what it changed itself."""
    # Fields end with the byte 1E, trailers are separated by 1F; file names end with NUL.
    layout = f"%x1d%H%x1e%(trailers:key={_TRAILER},unfold,separator=%x1f)%x1e"
    said = git(
        tree.root, "log", "--cc", "--name-only", "--relative", "-z", f"--format={layout}",
        f"{base}..HEAD",
    )  # fmt: skip
    for entry in said.split("\x1d")[1:]:
        revision, trailers, files = entry.split("\x1e", 2)
        reason = None
        if trailers:
            reasons = [trailer.partition(":")[2].strip() for trailer in trailers.split("\x1f")]
            reason = "; ".join(text for text in reasons if text)
        paths = frozenset(path.strip("\n") for path in files.split("\0"))
        yield Commit(revision, reason, paths)


def _paths(said: str) -> set[str]:
    return {path for path in said.split("\0") if path}
