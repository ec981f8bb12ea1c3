"""A log on disk that a test writes, cuts and rotates as it pleases."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["LogWriter"]


class LogWriter:
    """Plain writes and renames: rotation as every rotator does it, nothing of ours in between."""

    def __init__(self, path: Path, keep: int = 5) -> None:
        self.path = path
        self.keep = keep

    def write(self, data: bytes | str) -> None:
        """Append bytes as they are."""
        with open(self.path, "ab") as file:
            file.write(data.encode() if isinstance(data, str) else data)

    def lines(self, *texts: str) -> None:
        """Append whole lines."""
        self.write("".join(f"{text}\n" for text in texts))

    def rotate(self) -> None:
        """Rename ``.N`` up to the live file, deleting what is past ``keep``."""
        self.numbered(self.keep).unlink(missing_ok=True)
        for number in range(self.keep - 1, -1, -1):
            if self.numbered(number).exists():
                os.rename(self.numbered(number), self.numbered(number + 1))

    def numbered(self, number: int) -> Path:
        """Return the path of a rotated file; 0 is the live one."""
        return Path(f"{self.path}.{number}") if number else self.path
