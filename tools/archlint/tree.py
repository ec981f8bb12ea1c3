"""The tree under inspection: its files, parsed modules and pages, each read once per run."""

from __future__ import annotations

import ast
import datetime
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path

from .classes import ClassIndex
from .config import Config
from .disk import list_files
from .findings import Code, Finding
from .modules import Module, module_name
from .pages import Page

__all__ = ["CODES", "Tree"]

CODES = (
    Code(
        "AL001",
        "Every page that a rule reads exists.",
        "docs/ENDPOINTS.md is not there",
        "docs/ENDPOINTS.md with its table",
        excusable=False,
    ),
    Code(
        "AL002",
        "Every module and page can be read: UTF-8, and Python's syntax.",
        "def f(:",
        "def f() -> None:",
        excusable=False,
    ),
)


class Tree:
    """Files of a project as the rules see them; paths are relative to the root, with ``/``.

    Args:
        root: folder with the pyproject.toml.
        config: its settings.
        today: the date on which reviews are judged.
        base: revision that the change rules compare with; ``None`` switches them off.
    """

    def __init__(
        self, root: Path, config: Config, today: datetime.date, base: str | None = None
    ) -> None:
        self.root = root
        self.config = config
        self.today = today
        self.base = base
        self.problems: dict[tuple[str, str], Finding] = {}
        self._modules: dict[str, Module | None] = {}
        self._pages: dict[str, Page | None] = {}

    @cached_property
    def files(self) -> tuple[str, ...]:
        """All files on disk that .gitignore does not leave out."""
        return list_files(self.root)

    @cached_property
    def _known(self) -> frozenset[str]:
        return frozenset(self.files)

    @cached_property
    def _folders(self) -> frozenset[str]:
        return frozenset(
            str(parent) for path in self.files for parent in Path(path).parents if parent.name
        )

    def has_file(self, path: str) -> bool:
        """Tell whether there is a file at ``path``."""
        return path in self._known

    def has_folder(self, path: str) -> bool:
        """Tell whether there is a folder with files at ``path``."""
        return path.rstrip("/") in self._folders

    def modules(self, roots: Sequence[str]) -> Iterator[Module]:
        """Yield the modules of packages or folders, given with dots; skip unreadable ones."""
        folders = tuple(f"{root.replace('.', '/')}/" for root in roots)
        for path in self.files:
            if path.endswith(".py") and path.startswith(folders):
                module = self.module(path)
                if module is not None:
                    yield module

    def module(self, path: str) -> Module | None:
        """Return the parsed module at ``path``, ``None`` when it is missing or cannot be parsed."""
        if path not in self._modules:
            self._modules[path] = self._parse(path)
        return self._modules[path]

    def find_module(self, name: str) -> str | None:
        """Return the path of the module or package with this dotted name."""
        base = name.replace(".", "/")
        for path in (f"{base}.py", f"{base}/__init__.py"):
            if self.has_file(path):
                return path
        return None

    @cached_property
    def classes(self) -> ClassIndex:
        """The classes of all packages and other folders whose modules are read."""
        roots = {*self.config.packages, *self.config.docstring_roots}
        return ClassIndex(self.modules(sorted(roots)))

    def page(self, path: str) -> Page | None:
        """Return a page, ``None`` and a problem noted when it is missing or unreadable."""
        if path not in self._pages:
            self._pages[path] = self._open(path)
        return self._pages[path]

    def line(self, path: str, number: int) -> str:
        """Return one line of a file, empty when there is no such line."""
        try:
            lines = (self.root / path).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return ""
        return lines[number - 1] if 0 < number <= len(lines) else ""

    def _open(self, path: str) -> Page | None:
        if not self.has_file(path):
            group = {
                self.config.endpoints_page: "endpoints",
                self.config.features_page: "features",
            }.get(path, "traceability")
            cure = f"write it; --explain {group} shows its format"
            self._note(path, 1, "AL001", "this page does not exist", cure)
            return None
        text = self._text(path)
        return None if text is None else Page(path, text)

    def _parse(self, path: str) -> Module | None:
        if not self.has_file(path):
            return None
        source = self._text(path)
        if source is None:
            return None
        try:
            syntax = ast.parse(source)
        except (SyntaxError, ValueError) as error:
            line = getattr(error, "lineno", None) or 1
            self._note(path, line, "AL002", f"cannot be parsed: {error}", "mend the syntax")
            return None
        return Module(module_name(path), path, source, syntax)

    def _text(self, path: str) -> str | None:
        try:
            return (self.root / path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self._note(path, 1, "AL002", f"cannot be read: {error}", "save it as UTF-8 text")
            return None

    def _note(self, path: str, line: int, code: str, message: str, cure: str) -> None:
        self.problems[path, code] = Finding(path, line, code, message, cure)
