"""Which tests pytest collects in the files that the matrix names."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass, field

from .probe import run_probe
from .tree import Tree

__all__ = ["CollectedTests", "collect_tests"]


@dataclass
class CollectedTests:
    """What pytest found in the files of the matrix; ids without parameters are among ``names``."""

    names: set[str] = field(default_factory=set)
    errors: dict[str, str] = field(default_factory=dict)
    failure: str = ""

    def has(self, test: str) -> bool:
        """Tell whether a file, a test or one of a test's parameters was collected."""
        return test in self.names


def collect_tests(tree: Tree, files: Sequence[str]) -> CollectedTests:
    """Have pytest collect ``files``, which exist."""
    found = CollectedTests()
    if not files:
        return found
    answer = run_probe("collected_tests", {"root": str(tree.root), "files": list(files)}, tree.root)
    if "error" in answer:
        found.failure = str(answer["error"])
        return found
    ids, skipped, errors = answer["ids"], answer["skipped"], answer["errors"]
    if isinstance(ids, list) and isinstance(skipped, dict) and isinstance(errors, dict):
        for test in ids:
            path, _, name = str(test).partition("::")
            found.names |= {path, str(test), f"{path}::{name.partition('[')[0]}"}
        for path in skipped:
            found.names |= _tests_by_syntax(tree, str(path))
        found.errors = {str(path): str(reason) for path, reason in errors.items()}
    return found


def _tests_by_syntax(tree: Tree, path: str) -> set[str]:
    module = tree.module(path)
    if module is None:
        return set()
    names = {
        name.replace(".", "::")
        for name, node in module.definitions.items()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and name.rpartition(".")[2].startswith("test")
    }
    return {f"{path}::{name}" for name in names} | ({path} if names else set())
