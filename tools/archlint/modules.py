"""Python modules of the tree as syntax: what they define, and where a name they use comes from."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

__all__ = [
    "Definition",
    "Module",
    "definitions",
    "dotted_name",
    "is_public_name",
    "module_name",
    "name_of",
]

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


@dataclass(frozen=True)
class Module:
    """One parsed file; ``name`` is the package's own for an ``__init__.py``."""

    name: str
    path: str
    source: str
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        """Whether it is the ``__init__`` of a package."""
        return PurePosixPath(self.path).name == "__init__.py"

    @property
    def is_public(self) -> bool:
        """Whether no part of its name begins with one underscore."""
        return all(is_public_name(part) or part == "__main__" for part in self.name.split("."))

    @cached_property
    def definitions(self) -> dict[str, ast.AST]:
        """Everything that can be named with ``path::Name`` or ``path::Class.name``."""
        found: dict[str, ast.AST] = {}
        for name, node in _named(self.tree.body):
            found.setdefault(name, node)
            if isinstance(node, ast.ClassDef):
                _add_members(found, name, node)
        return found

    @cached_property
    def imports(self) -> dict[str, str]:
        """Names that imports bind here, with what they mean: ``module`` or ``module.name``."""
        found: dict[str, str] = {}
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                for alias in node.names:
                    found[alias.asname or alias.name.split(".")[0]] = (
                        alias.name if alias.asname else alias.name.split(".")[0]
                    )
            elif isinstance(node, ast.ImportFrom):
                origin = self._absolute(node)
                for alias in node.names:
                    found[alias.asname or alias.name] = f"{origin}.{alias.name}"
        return found

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parts = self.name.split(".")
        up = node.level - 1 if self.is_package else node.level
        base = parts[: len(parts) - up] if up else parts
        return ".".join([*base, node.module] if node.module else base)


def module_name(path: str) -> str:
    """Return the dotted name of the file at ``path``, which is relative to the import root."""
    parts = list(PurePosixPath(path).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def is_public_name(name: str) -> bool:
    """Tell whether a name is meant for others."""
    return not name.startswith("_")


def dotted_name(node: ast.expr) -> str:
    """Return ``a.b`` for such an expression, the part before ``[…]`` or ``(…)``, else nothing."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        inner = dotted_name(node.value)
        return f"{inner}.{node.attr}" if inner else ""
    if isinstance(node, ast.Subscript):
        return dotted_name(node.value)
    if isinstance(node, ast.Call):
        return dotted_name(node.func)
    return ""


def name_of(node: ast.expr) -> str:
    """Return the last part of :func:`dotted_name`."""
    return dotted_name(node).rpartition(".")[2]


def definitions(body: Sequence[ast.stmt]) -> Iterator[Definition]:
    """Yield functions and classes of a body, those under ``if``, ``try`` and ``with`` included."""
    for node in _statements(body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node


def _statements(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    for node in body:
        yield node
        if isinstance(node, ast.If | ast.With | ast.Try | ast.TryStar | ast.For | ast.While):
            for part in ("body", "orelse", "finalbody"):
                yield from _statements(getattr(node, part, ()))
            for handler in getattr(node, "handlers", ()):
                yield from _statements(handler.body)


def _named(body: Sequence[ast.stmt]) -> Iterator[tuple[str, ast.AST]]:
    for node in _statements(body):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                for inner in ast.walk(target):
                    if isinstance(inner, ast.Name):
                        yield inner.id, node
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node


def _add_members(found: dict[str, ast.AST], owner: str, node: ast.ClassDef) -> None:
    for name, inner in _named(node.body):
        found.setdefault(f"{owner}.{name}", inner)
        if isinstance(inner, ast.ClassDef):
            _add_members(found, f"{owner}.{name}", inner)
