"""Lines that are none, until something accounts for them."""

from __future__ import annotations

from dataclasses import dataclass

from .line_members import line_details
from .lines import RawLine, digest_range
from .segments import TrailFile

__all__ = ["BrokenRegion"]


@dataclass(slots=True)
class BrokenRegion:
    """Broken lines in a row, of which a following line may give account.

    Attributes:
        file: they stand in.
        descriptor: of that file.
        first: the first of them.
        number: of the first one in the file, from 1.
        end: offset behind the last one.
        seq: that the first one would have.
        lines: how many there are.
        torn_only: each could be the beginning of a line that a crash cut off.
    """

    file: TrailFile
    descriptor: int
    first: RawLine
    number: int
    end: int
    seq: int
    lines: int
    torn_only: bool

    def told_by(self, account: RawLine) -> bool:
        """Tell whether a line gives account of exactly these bytes."""
        told = line_details(account.data).get("region")
        if not isinstance(told, dict) or told.get("offset") != self.first.offset:
            return False
        size = self.end - self.first.offset
        digest = self._digest(size, told.get("bytes"))
        return digest is not None and told.get("sha256") == digest

    def _digest(self, size: int, told: object) -> str | None:
        if told == size:
            return digest_range(self.descriptor, self.first.offset, self.end)
        if told == size - 1:  # the newline that ended it was written with the account
            return digest_range(self.descriptor, self.first.offset, self.end - 1)
        return None
