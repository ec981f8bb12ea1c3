"""What ``zotify-logs doctor`` has to say about one thing, with its cure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = ["CODES", "Finding", "Severity", "exit_code_of"]

Severity = Literal["error", "warning", "note"]

CODES = {
    "option": "the configuration itself is wrong: an unknown option, value, class or name",
    "doubled": "one record reaches the same handler, or the same file, twice",
    "skipped": "a service dispatches to a handler that meets the record anyway, and skips it",
    "disabled": "applying the configuration silences loggers that exist already",
    "level": "a level keeps out what somebody below or above it wants",
    "dropped": "a record of a logger reaches no handler",
    "handover": "a handler hands records on to itself, or to one that cannot be handed any",
    "unattached": "a handler is defined, and nothing leads to it",
    "file": "a file or its folder cannot be used, or others can read or write it",
    "database": "a database does not answer, or cannot be used as it is",
}
"""Every kind of finding with its meaning."""


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or will surprise.

    Attributes:
        severity: ``error``: records are lost, doubled, or the configuration cannot be applied;
            ``warning``: it works, and probably not as meant; ``note``: good to know.
        code: one of :data:`CODES`.
        place: path in the configuration, such as ``handlers.app.level``.
        message: what is wrong.
        cure: what to write or do.
    """

    severity: Severity
    code: str
    place: str
    message: str
    cure: str


def exit_code_of(findings: Iterable[Finding]) -> int:
    """Return 1 if there is an error, 3 if there are only warnings, else 0."""
    found = {finding.severity for finding in findings}
    if "error" in found:
        return 1
    return 3 if "warning" in found else 0
