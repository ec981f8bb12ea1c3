"""A violation of one rule that a gate holds: how to plant it in the tree, and who must notice.

Each is clean in every other respect: formatted, typed, documented, in its layer, claimed by a
feature. So whatever else turns red is a gate that holds more than its rule.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from archlint_tree import add, plant

__all__ = ["FEATURES", "Edit", "Violation", "claim"]

FEATURES = "docs/FEATURE_SPECS.md"


@dataclass(frozen=True)
class Edit:
    """A change of one file: ``old``, which is there, becomes ``new``; without ``old``, a new end.

    Where there is no such file yet, ``new`` is all of it.
    """

    path: str
    new: str
    old: str = ""

    def apply(self, tree: Path) -> None:
        """Change the file below ``tree``."""
        file = tree / self.path
        if self.old:
            plant(tree, self.path, self.old, self.new)
        else:
            add(tree, self.path, (file.read_text("utf-8") if file.exists() else "") + self.new)


@dataclass(frozen=True)
class Violation:
    """A violation of one rule.

    Attributes:
        name: of the test.
        rule: first cell of its row in docs/SUPER_LINT.md.
        edits: what plants it; the first edit's file is where it is.
        gates: environments of tox that turn red, each with parts of what it says: place and cure.
            ``{line}`` is the line where ``at`` stands.
        at: a piece of the offending line; the first line without it.
        group: the rules of archlint that notice.
        test: the test that notices, for ``docs`` and ``py``.
        whole: only a look at the whole tree shows it.
        slow: takes tens of seconds, so it is for the full size.
    """

    name: str
    rule: str
    edits: tuple[Edit, ...]
    gates: dict[str, tuple[str, ...]]
    at: str = ""
    group: str = ""
    test: str = ""
    whole: bool = False
    slow: bool = False

    def apply(self, tree: Path) -> None:
        """Plant it."""
        for edit in self.edits:
            edit.apply(tree)

    @property
    def files(self) -> list[str]:
        """The files that it changes."""
        return sorted({edit.path for edit in self.edits})

    def expected(self, tree: Path, gate: str) -> list[str]:
        """Return what the gate has to say, once it is planted in ``tree``."""
        lines = (tree / self.edits[0].path).read_text("utf-8").splitlines()
        numbers = [number for number, line in enumerate(lines, 1) if self.at in line]
        assert self.at == "" or len(numbers) == 1, f"{self.name}: {self.at!r} is not in one line"
        return [part.replace("{line}", str(numbers[0])) for part in self.gates[gate]]


def claim(module: str) -> Edit:
    """Let the first feature claim a module as well."""
    first = "`zotify_logging.handlers.base`,"
    return Edit(FEATURES, f"`{module}`, {first}", first)
