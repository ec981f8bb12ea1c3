"""Which files the tree holds: all on disk, tracked or not, but not what .gitignore leaves out."""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

from .findings import Misuse

__all__ = ["git", "list_files"]


def git(root: Path, *arguments: str, environment: dict[str, str] | None = None) -> str:
    """Return what git says in the folder ``root``.

    The user's own ignore file plays no part, so that every machine sees the same files, nor do the
    variables by which git points its hooks at another repository.

    Raises:
        Misuse: git is missing, or refuses; its own words are in the message.
    """
    command = ["git", "-c", f"core.excludesFile={os.devnull}", "-C", str(root), *arguments]
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        done = subprocess.run(
            command, capture_output=True, env={**inherited, **(environment or {})}, check=False
        )
    except FileNotFoundError:
        raise Misuse(
            "git is not installed; archlint reads .gitignore and history with it"
        ) from None
    said = done.stdout.decode("utf-8", "surrogateescape")
    if done.returncode:
        errors = done.stderr.decode("utf-8", "replace").strip()
        raise Misuse(f"git {arguments[0]} in {root}: {errors or f'exit code {done.returncode}'}")
    return said


def list_files(root: Path) -> tuple[str, ...]:
    """Return the paths of all files below ``root``, sorted, with ``/`` between their parts.

    A folder that is no repository, a copy or an unpacked archive, is listed by the same rules.

    Raises:
        Misuse: git is missing.
    """
    if (root / ".git").exists():
        said = git(root, "ls-files", "-z", "--cached", "--others", "--exclude-standard")
    else:
        with tempfile.TemporaryDirectory() as folder:
            place = {"GIT_DIR": folder, "GIT_WORK_TREE": str(root)}
            git(root, "init", "--quiet", environment=place)
            said = git(root, "ls-files", "-z", "--others", "--exclude-standard", environment=place)
    paths = {path for path in said.split("\0") if path and (root / path).is_file()}
    return tuple(sorted(paths))
