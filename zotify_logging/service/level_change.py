"""The reply to a change of level."""

from __future__ import annotations

from dataclasses import dataclass

from .explanation import Explanation

__all__ = ["LevelChange"]


@dataclass(frozen=True)
class LevelChange:
    """What a change of level came to: before, after, until when, and what it lets through.

    Attributes:
        target: name of the handler or logger.
        previous: the level in force until now, by name (its number as text where it has none).
        level: the level in force from now on.
        until: when the level returns by itself, RFC 3339 in UTC; ``None`` if it does not.
        explain: the way of a record of the new level. For a handler: from the logger that it is
            attached to, so that a handler opened under a closed logger says so.
    """

    target: str
    previous: str
    level: str
    until: str | None
    explain: Explanation

    def as_dict(self) -> dict[str, object]:
        """Return the change as JSON can carry it."""
        return {
            "target": self.target,
            "previous": self.previous,
            "level": self.level,
            "until": self.until,
            "explain": self.explain.as_dict(),
        }

    def __str__(self) -> str:
        """Return the change in one line, and the way of a record below it."""
        until = "" if self.until is None else f" until {self.until}"
        return f"{self.target}: {self.previous} -> {self.level}{until}\n{self.explain}"
