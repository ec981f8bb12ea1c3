"""Shows files of the repository's root as pages of the site, with links that hold in both places.

A page in ``docs/`` links to ``../CONTRIBUTING.md``, and CONTRIBUTING.md to ``docs/SUPER_LINT.md``,
as one reads them in the repository; on the site all of them lie side by side.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from mkdocs.structure.files import File

if TYPE_CHECKING:
    from mkdocs.config.defaults import MkDocsConfig
    from mkdocs.structure.files import Files
    from mkdocs.structure.pages import Page

NAMES = ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")
"""Files that become pages; others of the root cannot be linked to."""

_TO_DOCS = re.compile(r"(\]\()docs/")
_TO_ROOT = re.compile(rf"(\]\((?:\.\./)*)\.\./(?={'|'.join(map(re.escape, NAMES))})")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the files of the root, their links as seen from ``docs/``."""
    root = Path(config.config_file_path).parent
    for name in NAMES:
        text = (root / name).read_text(encoding="utf-8")
        files.append(File.generated(config, name, content=_TO_DOCS.sub(r"\1", text)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Have links to those files lead to their pages."""
    return _TO_ROOT.sub(r"\1", markdown)
