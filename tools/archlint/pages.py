"""Markdown pages as the rules read them: headings, tables, lists of items; code blocks are skipped.

A table is GitHub's: a header row, a row of dashes, rows. ``\\|`` is a bar inside a cell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

__all__ = ["Heading", "Page", "Row", "Table", "is_empty_cell", "items_in", "plain"]

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})")
_HEADING = re.compile(r"(#{1,6})\s+(.*?)\s*#*$")
_RULER = re.compile(r":?-+:?")
_BAR = re.compile(r"(?<!\\)\|")
_CODE = re.compile(r"(`+)(.+?)\1")
_LINK = re.compile(r"\[([^\]]+)\]\([^)]*\)")
_COMMENT = re.compile(r"<!--.*?-->")


@dataclass(frozen=True)
class Heading:
    """A heading with the line where it stands; ``level`` 1 is the page's title."""

    line: int
    level: int
    text: str


@dataclass(frozen=True)
class Row:
    """One row of a table, its cells by the names in the header (lower case)."""

    line: int
    cells: dict[str, str]
    whole: bool  # as many cells as the header has


@dataclass(frozen=True)
class Table:
    """A table with the names of its columns, in lower case."""

    line: int
    header: tuple[str, ...]
    rows: tuple[Row, ...]

    def has(self, columns: Sequence[str]) -> bool:
        """Tell whether every one of these columns is there, in any order, among others."""
        return set(columns) <= set(self.header)


class Page:
    """A page's text, taken apart once.

    Args:
        path: where it is, from the root.
        text: the whole of it.
    """

    def __init__(self, path: str, text: str) -> None:
        self.path = path
        self.lines = text.splitlines()

    @cached_property
    def prose(self) -> tuple[tuple[int, str], ...]:
        """Lines with their numbers, without code blocks and comments over several lines."""
        kept = []
        fence = ""
        in_comment = False
        for number, line in enumerate(self.lines, 1):
            found = _FENCE.match(line)
            if fence:
                if found and found[1].startswith(fence) and not line.strip().strip(fence[0]):
                    fence = ""
                continue
            if in_comment:
                in_comment = "-->" not in line
                continue
            if found:
                fence = found[1]
                continue
            bare = _COMMENT.sub("", line)
            if "<!--" in bare:
                in_comment = True
                bare = bare[: bare.index("<!--")]
            kept.append((number, bare))
        return tuple(kept)

    @cached_property
    def headings(self) -> tuple[Heading, ...]:
        """All headings that begin with ``#``."""
        found = []
        for number, line in self.prose:
            match = _HEADING.fullmatch(line)
            if match:
                found.append(Heading(number, len(match[1]), plain(match[2])))
        return tuple(found)

    @cached_property
    def tables(self) -> tuple[Table, ...]:
        """All tables, in order."""
        return tuple(self._read_tables())

    def _read_tables(self) -> Iterator[Table]:
        prose = self.prose
        position = 0
        while position + 1 < len(prose):
            (line, text), (_, ruler) = prose[position], prose[position + 1]
            position += 1
            cells = _split(ruler)
            if "|" not in text or not cells or not all(_RULER.fullmatch(cell) for cell in cells):
                continue
            header = tuple(plain(cell).lower() for cell in _split(text))
            rows = []
            position += 1
            while position < len(prose) and "|" in prose[position][1]:
                number, row = prose[position]
                values = _split(row)
                padded = [*values, *("" for _ in header)]
                named = dict(zip(header, padded, strict=False))
                rows.append(Row(number, named, len(values) == len(header)))
                position += 1
            yield Table(line, header, tuple(rows))


def plain(text: str) -> str:
    """Return the text of a cell or heading without links, code marks and emphasis."""
    return re.sub(r"[*`]", "", _LINK.sub(r"\1", text)).strip()


def items_in(text: str) -> list[str]:
    """Return what a cell or line has in code marks, in order."""
    return [match[2].strip() for match in _CODE.finditer(text)]


def is_empty_cell(text: str) -> bool:
    """Tell whether a cell says "nothing here": empty, a dash or ``none``."""
    return plain(text).lower() in ("", "-", "–", "—", "none")


def _split(row: str) -> list[str]:
    inner = row.strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    return [cell.strip().replace("\\|", "|") for cell in _BAR.split(inner)]
