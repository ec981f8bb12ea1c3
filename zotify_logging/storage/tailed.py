"""What a :class:`~.tailer.Tailer` gives out: lines, and what befell between them."""

from __future__ import annotations

from typing import NamedTuple

from .cursor import Cursor
from .line_reader import RawLine

__all__ = ["Gap", "Rotated", "Tailed", "TailedLine", "Waiting"]


class TailedLine(NamedTuple):
    """One line of the log.

    Attributes:
        line: its bytes, and where they stand in their file.
        cursor: the position behind it.
        late: it was written to a rotated file after the reader had gone on to the next.
    """

    line: RawLine
    cursor: Cursor
    late: bool = False


class Gap(NamedTuple):
    """Something of the log is gone, or may be, between two positions.

    Attributes:
        reason: ``expired`` (no file carries what the cursor points at), ``rotated`` (files were
            removed before they were read, or it cannot be told whether), ``truncated`` (the file
            became shorter, or began anew in place), ``replaced`` (another file took its place).
        bytes: how many bytes are missing; ``None`` if that cannot be known.
        start: the position before the gap.
        cursor: the position behind it.
    """

    reason: str
    bytes: int | None
    start: Cursor
    cursor: Cursor


class Rotated(NamedTuple):
    """The reader has drained one file and goes on with the next."""

    cursor: Cursor


class Waiting(NamedTuple):
    """There is no file to read yet."""

    cursor: Cursor


Tailed = TailedLine | Gap | Rotated | Waiting
"""Anything that reading can give."""
