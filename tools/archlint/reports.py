"""Findings as people, programs and GitHub read them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from .findings import Code, Excuse, Finding
from .rules import ALL_CODES

__all__ = ["FORMATS", "Report", "explain"]

FORMATS = ("text", "json", "github")
"""The forms that :meth:`Report.render` knows."""


@dataclass(frozen=True)
class Report:
    """The outcome of one run."""

    findings: Sequence[Finding]
    excused: Sequence[Excuse]

    @property
    def errors(self) -> int:
        """How many findings fail the run; warnings do not."""
        return sum(not ALL_CODES[finding.code].warning for finding in self.findings)

    def render(self, form: str) -> str:
        """Return the report in one of :data:`FORMATS`; every line ends with a newline."""
        lines = {"text": self._text, "json": self._json, "github": self._github}[form]()
        return "".join(f"{line}\n" for line in lines)

    def summary(self) -> str:
        """Return the counts as one line."""
        warnings = len(self.findings) - self.errors
        return f"archlint: {self.errors} findings, {warnings} warnings, {len(self.excused)} excused"

    def _text(self) -> Iterable[str]:
        for finding in self.findings:
            mark = "warning: " if ALL_CODES[finding.code].warning else ""
            yield (
                f"{finding.path}:{finding.line}: {finding.code}"
                f" {mark}{finding.message} — {finding.cure}"
            )
        for excuse in self.excused:
            yield f"{excuse.path}:{excuse.line}: {excuse.code} excused — {excuse.reason}"

    def _json(self) -> Iterable[str]:
        document = {
            "findings": [
                {
                    **asdict(finding),
                    "severity": "warning" if ALL_CODES[finding.code].warning else "error",
                }
                for finding in self.findings
            ],
            "excused": [asdict(excuse) for excuse in self.excused],
        }
        yield json.dumps(document, indent=2, ensure_ascii=False)

    def _github(self) -> Iterable[str]:
        for finding in self.findings:
            level = "warning" if ALL_CODES[finding.code].warning else "error"
            yield (
                f"::{level} file={_property(finding.path)},line={finding.line},"
                f"title={_property(finding.code)}::" + _data(f"{finding.message} — {finding.cure}")
            )
        for excuse in self.excused:
            title = _property(f"{excuse.code} excused")
            yield f"::notice title={title}::" + _data(f"{excuse.path}: {excuse.reason}")


def _data(text: str) -> str:
    """Escape what ends a workflow command."""
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape what ends a property of a workflow command as well."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def explain(codes: Iterable[Code]) -> str:
    """Return the codes as Markdown: what must hold, a bad and a good example."""
    parts = []
    for code in codes:
        kind = " (warning)" if code.warning else ""
        parts.append(
            f"## {code.name}{kind}\n\n{code.rule}\n\n"
            f"Bad:\n\n```\n{code.bad}\n```\n\nGood:\n\n```\n{code.good}\n```\n"
        )
    return "\n".join(parts)
