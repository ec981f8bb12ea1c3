"""Makes the page of the architectural linter's rules from the linter itself: it cannot drift."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files

PLACE = "reference/archlint.md"

_TITLE = """\
# Rules of the architectural linter

What `python -m tools.archlint --explain all` shows.

"""
_LITERAL = re.compile(r"::\n\n((?: {4}.*\n|\n)+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the page."""
    root = Path(config.config_file_path).parent
    command = [sys.executable, "-m", "tools.archlint", "--explain", "all"]
    said = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout
    files.append(File.generated(config, PLACE, content=_TITLE + as_page(said)))
    return files


def as_page(said: str) -> str:
    """Return the linter's text with headings below the page's, and its examples fenced."""
    text = _LITERAL.sub(_fenced, said.replace("\r", ""))
    lines = []
    fenced = False
    for line in text.splitlines():
        if line.startswith("```"):
            fenced = not fenced
        elif not fenced and line.startswith("#"):
            line = f"#{line}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _fenced(match: re.Match[str]) -> str:
    example = "\n".join(line[4:] for line in match[1].strip("\n").splitlines())
    return f":\n\n```text\n{example}\n```\n\n"
