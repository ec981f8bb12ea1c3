"""Classes of the whole tree and what they inherit from, told from the syntax alone."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from .modules import Module, dotted_name

__all__ = ["ClassIndex", "KnownClass"]


@dataclass(frozen=True)
class KnownClass:
    """A class of the tree with the module that defines it; ``name`` has dots when it is nested."""

    module: Module
    name: str
    node: ast.ClassDef


class ClassIndex:
    """Finds classes by name as a module sees them, through imports and re-exports.

    Args:
        modules: all modules of the tree; a base from anywhere else stays unknown.
    """

    def __init__(self, modules: Iterable[Module]) -> None:
        self._modules = {module.name: module for module in modules}

    def find(self, module: Module, name: str) -> KnownClass | None:
        """Return what ``name`` means in ``module`` when that is a class of the tree."""
        return self._find(module, name, frozenset())

    def _find(self, module: Module, name: str, seen: frozenset[str]) -> KnownClass | None:
        node = module.definitions.get(name)
        if isinstance(node, ast.ClassDef):
            return KnownClass(module, name, node)
        head, _, rest = name.partition(".")
        target = module.imports.get(head)
        if target is None or f"{module.name}:{name}" in seen:
            return None
        full = f"{target}.{rest}" if rest else target
        seen |= {f"{module.name}:{name}"}
        parts = full.split(".")
        for length in range(len(parts) - 1, 0, -1):
            other = self._modules.get(".".join(parts[:length]))
            if other is not None:
                return self._find(other, ".".join(parts[length:]), seen)
        return None

    def bases(self, known: KnownClass) -> Iterator[KnownClass]:
        """Yield all base classes that are in the tree, the nearest first."""
        for found, _ in self._walk(known, frozenset()):
            if found is not None:
                yield found

    def base_names(self, known: KnownClass) -> set[str]:
        """Return the last names of all base classes, in the tree or not."""
        return {name.rpartition(".")[2] for _, name in self._walk(known, frozenset())}

    def _walk(
        self, known: KnownClass, seen: frozenset[int]
    ) -> Iterator[tuple[KnownClass | None, str]]:
        for base in known.node.bases:
            name = dotted_name(base)
            found = self.find(known.module, name) if name else None
            if found is not None and id(found.node) in seen:
                continue
            yield found, name
            if found is not None:
                yield from self._walk(found, seen | {id(found.node)})
