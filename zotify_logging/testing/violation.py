"""One finding about a handler."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Violation"]


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a handler breaks, and how.

    Attributes:
        case: name of the case that found it.
        rule: what every handler is expected to do.
        found: what this one did.
    """

    case: str
    rule: str
    found: str

    def __str__(self) -> str:
        """Return all of it in one line."""
        return f"{self.case}: {self.found} (rule: {self.rule})"
