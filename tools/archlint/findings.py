"""What rules report: findings with place, code, message and cure, and what excuses them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass

__all__ = ["Code", "Excuse", "Finding", "Misuse", "excuse_findings"]

_NOQA = re.compile(r"noqa:\s*(?P<codes>[A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*)(?P<rest>[^#]*)")


class Misuse(Exception):
    """The linter cannot run as it was asked to: wrong arguments, settings or place. Exit code 2."""


@dataclass(frozen=True)
class Code:
    """One thing that can be wrong, with what it looks like wrong and right.

    Args:
        name: two letters of the group and a number, ``EP001``.
        rule: what must hold, as a sentence.
        bad: an excerpt that breaks it.
        good: the same excerpt, mended.
        warning: whether it is reported without failing the run.
        excusable: whether ``noqa`` on its line can excuse it.
    """

    name: str
    rule: str
    bad: str
    good: str
    warning: bool = False
    excusable: bool = True


@dataclass(frozen=True, order=True)
class Finding:
    """One place where a rule does not hold; ``path`` is relative to the root, ``line`` from 1."""

    path: str
    line: int
    code: str
    message: str
    cure: str


@dataclass(frozen=True, order=True)
class Excuse:
    """A finding that somebody has taken back, with the reason that was given."""

    path: str
    line: int
    code: str
    reason: str


def excuse_findings(
    findings: Iterable[Finding],
    line_of: Callable[[str, int], str],
    excusable: frozenset[str],
) -> tuple[list[Finding], list[Excuse]]:
    """Sort out the findings whose line says ``noqa: CODE — why``.

    The mark is a comment of the language at hand: ``# noqa: CV002 — why`` in Python,
    ``<!-- noqa: TM007 — why -->`` in Markdown. Without a reason it excuses nothing, and the
    finding says so.

    Args:
        findings: everything that the rules reported.
        line_of: returns the text of a line, empty when there is none.
        excusable: the codes that can be excused in this way.

    Returns:
        What remains, and what was excused.
    """
    remaining: list[Finding] = []
    excused: list[Excuse] = []
    for finding in findings:
        reason = None
        if finding.code in excusable:
            reason = _reason(line_of(finding.path, finding.line), finding.code)
        if reason:
            excused.append(Excuse(finding.path, finding.line, finding.code, reason))
        elif reason is None:
            remaining.append(finding)
        else:
            cure = f"{finding.cure}; a noqa needs its reason: noqa: {finding.code} — why"
            remaining.append(
                Finding(finding.path, finding.line, finding.code, finding.message, cure)
            )
    return remaining, excused


def _reason(line: str, code: str) -> str | None:
    """Return the reason given for ``code``, empty without one, ``None`` without a mark."""
    found = None
    for mark in _NOQA.finditer(line):
        if code in re.split(r"\s*,\s*", mark["codes"]):
            found = mark["rest"].replace("-->", "").strip().lstrip("—–-").strip()
    return found
