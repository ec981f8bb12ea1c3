"""What a verification says: findings, their places, and the state of the trail."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from .chain import GENESIS

__all__ = ["Finding", "Severity", "VerifyReport"]

Severity = Literal["error", "unverifiable", "warning", "note"]

_NOT_CHECKED = (
    "seals: none of this format version are written yet",
    "anchor: none was given, so a cut end or a trail written anew as a whole is not found",
)
_ORDER: tuple[Severity, ...] = ("error", "unverifiable", "warning")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Attributes:
        code: one word, stable.
        severity: ``error`` = tampering or corruption, ``unverifiable``, ``warning``, ``note`` (of
            no consequence for the result, such as a torn line that the chain accounts for).
        segment: the file's name.
        line: in the file, from 1; 0 = the file as a whole.
        offset: of the line in the (unpacked) file.
        seq: of the line, or the one expected there; ``None`` where there is none.
        message: for people.
    """

    code: str
    severity: Severity
    segment: str
    line: int
    offset: int
    seq: int | None
    message: str


@dataclass(slots=True)
class VerifyReport:
    """The result of one run.

    Attributes:
        path: the live file.
        events: lines that are whole and whose hash holds.
        first_seq: of the first of them, 0 if there is none.
        last_seq: of the last of them in order.
        head_hash: of the last of them in order; compare it with a checkpoint kept elsewhere.
        chain_id: as the first line names it, empty if it does not.
        segments: names of the files read, in order.
        findings: everything, in the order of the trail.
        not_checked: what this run could not or did not prove.
    """

    path: str
    events: int = 0
    first_seq: int = 0
    last_seq: int = 0
    head_hash: str = GENESIS
    chain_id: str = ""
    segments: list[str] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    not_checked: tuple[str, ...] = _NOT_CHECKED

    @property
    def exit_code(self) -> int:
        """0 verified, 1 tampering or corruption, 2 could not verify, 3 warnings; 1 > 2 > 3 > 0."""
        severities = {finding.severity for finding in self.findings}
        for code, severity in enumerate(_ORDER, 1):
            if severity in severities:
                return code
        return 0

    @property
    def state(self) -> str:
        """The exit code in one word: ``verified``, ``broken``, ``unverifiable`` or ``warnings``."""
        return ("verified", "broken", "unverifiable", "warnings")[self.exit_code]
