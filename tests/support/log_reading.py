"""Reads a log and its closed files back, oldest line first."""

from __future__ import annotations

from pathlib import Path

__all__ = ["closed_files", "read_lines"]


def closed_files(path: Path) -> list[Path]:
    """Return ``X.N … X.1``: oldest first."""
    found = [
        item
        for item in path.parent.glob(f"{path.name}.*")
        if item.name[len(path.name) + 1 :].isdigit()
    ]
    return sorted(found, key=lambda item: int(item.name.rpartition(".")[2]), reverse=True)


def read_lines(path: Path) -> list[str]:
    """Return all lines of the closed files and the live one."""
    lines: list[str] = []
    for item in [*closed_files(path), path]:
        if item.exists():
            lines += item.read_text("utf-8").split("\n")[:-1]
    return lines
