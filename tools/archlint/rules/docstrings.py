"""Every public module, class, function and method says in its docstring what its name does not.

The words of the docstring's first line, without those of the name, of the class around it and
without words that say nothing (``the``, ``returns``, ``class`` …), must leave something. Word
endings do not count: "Closing workers." adds nothing to ``close_worker``.

Not asked for a docstring of their own:

* private names, everything inside them, and everything inside a function;
* dunder methods: Python says what they do;
* ``@overload`` signatures, property setters and deleters: the function behind them has it;
* methods of a Protocol without a body of their own: the Protocol's docstring describes them;
* a method that overrides a documented one of a base class in the tree, or says ``@override``: it
  inherits that text, as ``help()`` does. A docstring of its own must still say something.

There is no page for this group. A module that begins with a comment or encoding line is fine.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from ..classes import KnownClass
from ..findings import Code, Finding
from ..modules import Definition, Module, definitions, dotted_name, is_public_name, name_of
from ..tree import Tree

__all__ = ["CODES", "check"]

CODES = (
    Code(
        "DS001",
        "Every public module, class, function and method has a docstring.",
        "def rotate(self) -> None:\n    self._swap()",
        'def rotate(self) -> None:\n    """Close the live file as X.1 and begin a new one."""',
    ),
    Code(
        "DS002",
        "The first line of a docstring says something that the name does not.",
        'def close_worker(self) -> None:\n    """Closes the worker."""',
        'def close_worker(self) -> None:\n    """Wait until the queue is written, then end."""',
    ),
)

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")

_EMPTY_WORDS = frozenset("""
    a an and any are as at be been by can do does done doing else for from has have here if in into
    is it its itself may of off on or so than that the their them then there these they this those
    to was what which will with
    return returns returned returning get gets getting set sets setting give gives
    attribute attributes class classes constructor function functions method methods module modules
    package packages property properties instance instances object objects object's value values
    docstring documentation description fixme helper helpers todo tbd xxx implementation implements
    implement represent represents representing define defines defining definition
    """.split())


def check(tree: Tree) -> Iterator[Finding]:
    """Look at every public definition below the docstring roots."""
    for module in tree.modules(tree.config.docstring_roots):
        if not module.is_public:
            continue
        parts = module.name.split(".")
        name = parts[-2] if parts[-1] == "__main__" and len(parts) > 1 else parts[-1]
        yield from _judge(module, module.tree, f"module {module.name}", [name])
        yield from _check_body(tree, module, module.tree.body, None)


def _check_body(
    tree: Tree, module: Module, body: Sequence[ast.stmt], owner: KnownClass | None
) -> Iterator[Finding]:
    for node in definitions(body):
        if not is_public_name(node.name):
            continue
        full = f"{owner.name}.{node.name}" if owner else node.name
        if isinstance(node, ast.ClassDef):
            yield from _judge(module, node, f"class {full}", [node.name])
            yield from _check_body(tree, module, node.body, KnownClass(module, full, node))
            continue
        if _needs_none(tree, node, owner):
            continue
        kind = "method" if owner else "function"
        names = [node.name, owner.node.name] if owner else [node.name]
        yield from _judge(module, node, f"{kind} {full}", names)


def _needs_none(
    tree: Tree, node: ast.FunctionDef | ast.AsyncFunctionDef, owner: KnownClass | None
) -> bool:
    decorators = {name_of(item) for item in node.decorator_list}
    if "overload" in decorators or decorators & {"setter", "deleter"}:
        return True
    if owner is None or ast.get_docstring(node) is not None:
        return False
    if "override" in decorators:
        return True
    if _is_protocol(owner.node) and _is_stub(node):
        return True
    return any(_documents(base, node.name) for base in tree.classes.bases(owner))


def _is_protocol(node: ast.ClassDef) -> bool:
    return any(dotted_name(base).rpartition(".")[2] == "Protocol" for base in node.bases)


def _is_stub(node: Definition) -> bool:
    return all(
        isinstance(item, ast.Pass)
        or (isinstance(item, ast.Expr) and isinstance(item.value, ast.Constant))
        for item in node.body
    )


def _documents(base: KnownClass, name: str) -> bool:
    found = base.module.definitions.get(f"{base.name}.{name}")
    return (
        isinstance(found, ast.FunctionDef | ast.AsyncFunctionDef)
        and ast.get_docstring(found) is not None
    )


def _judge(
    module: Module, node: ast.Module | Definition, what: str, names: list[str]
) -> Iterator[Finding]:
    line = 1 if isinstance(node, ast.Module) else node.lineno
    text = ast.get_docstring(node)
    if text is None:
        yield Finding(
            module.path,
            line,
            "DS001",
            f"the {what} has no docstring",
            "write what it is for, which its name cannot say",
        )
        return
    first = next((part for part in text.splitlines() if part.strip()), "")
    words = _words(first) - _EMPTY_WORDS
    known = {_stem(word) for name in names for word in _words(name)}
    if not any(_stem(word) not in known for word in words):
        yield Finding(
            module.path,
            line,
            "DS002",
            f"the docstring of the {what} says no more than its name: {first.strip()!r}",
            "say in its first line what it is for, guarantees or refuses",
        )


def _words(text: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(text) if len(word) > 1 or word.isdigit()}


def _stem(word: str) -> str:
    for ending in (
        "ings",
        "ing",
        "ied",
        "ies",
        "ed",
        "es",
        "er",
        "ers",
        "or",
        "ors",
        "s",
        "e",
        "y",
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            root = word.removesuffix(ending)
            # "stopped" and "stopping" are "stop".
            return root[:-1] if len(root) > 3 and root[-1] == root[-2] else root
    return word
