"""Every module is claimed by a feature in docs/FEATURE_SPECS.md, and every claim resolves.

``docs/`` format: a heading of level 2 is a feature (``Overview`` and ``Index`` are not), and one
paragraph or list item of its section begins with ``Modules:`` and names, in code marks, what the
feature is made of, over as many lines as it takes, up to an empty line::

    ## Live system log

    What it does, and for whom.

    Modules: `zotify_logging.streaming`, `zotify_logging.handlers.file_stream`,
    `zotify_api.routes.__init__`, `tox.ini`

A package claims its modules with it, present and future; a package of the top level, and
``name.__init__``, claim the ``__init__`` alone. There are no patterns: a claim is meant. Whatever
contains ``/`` or is a file at the root is a path. Modules outside the packages may be claimed,
those inside must be; an ``__init__`` that holds nothing but its docstring need not. Two features
may claim the same module.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field

from ..findings import Code, Finding
from ..modules import Module
from ..pages import Page, items_in, plain
from ..tree import Tree

__all__ = ["CODES", "Feature", "check", "read_features"]

_NO_FEATURES = ("overview", "index")

CODES = (
    Code(
        "FS001",
        "Every module of the packages is claimed by a feature.",
        "zotify_logging/audit/planted.py   # and no feature claims it",
        "Modules: `zotify_logging.audit`",
    ),
    Code(
        "FS002",
        "Every claim is a module, package, file or folder that exists.",
        "Modules: `zotify_logging.audti`",
        "Modules: `zotify_logging.audit`",
    ),
    Code(
        "FS003",
        "Every feature claims at least one module or file.",
        "## Live system log\n\nText, and no line that begins with Modules:",
        "## Live system log\n\nModules: `zotify_logging.streaming`",
    ),
    Code(
        "FS004",
        "No two features have one name, for the traceability matrix calls them by it.",
        "## Audit trail ... ## Audit trail",
        "## Audit trail ... ## Audit queries",
    ),
)


@dataclass
class Feature:
    """A feature with its name, place and claims, each with its line."""

    name: str
    line: int
    claims: list[tuple[int, str]] = field(default_factory=list)


def read_features(page: Page) -> list[Feature]:
    """Return the features of the page in order."""
    features: list[Feature] = []
    by_line = {heading.line: heading for heading in page.headings}
    current: Feature | None = None
    reading = False
    for number, text in page.prose:
        heading = by_line.get(number)
        if heading is not None:
            reading = False
            if heading.level <= 2:
                current = None
            if heading.level == 2 and heading.text.lower() not in _NO_FEATURES:
                current = Feature(heading.text, number)
                features.append(current)
        elif current is not None:
            if plain(text.lstrip(" -*")).lower().startswith("modules:"):
                reading = True
            elif not text.strip():
                reading = False
            if reading:
                current.claims += [(number, item) for item in items_in(text)]
    return features


def check(tree: Tree) -> Iterator[Finding]:
    """Compare claims with the modules on disk, both ways."""
    page = tree.page(tree.config.features_page)
    if page is None:
        return
    exact: set[str] = set()
    packages: set[str] = set()
    names: dict[str, int] = {}
    for feature in read_features(page):
        first = names.setdefault(feature.name.lower(), feature.line)
        if first != feature.line:
            yield Finding(
                page.path,
                feature.line,
                "FS004",
                f"the feature {feature.name!r} stands in line {first} as well",
                "join the two, or give one another name",
            )
        if not feature.claims:
            yield Finding(
                page.path,
                feature.line,
                "FS003",
                f"the feature {feature.name!r} claims no module",
                "add a line: Modules: `package.module`, ...",
            )
        for line, claim in feature.claims:
            if not _resolves(tree, claim):
                yield Finding(
                    page.path,
                    line,
                    "FS002",
                    f"the feature {feature.name!r} claims {claim}, which does not exist",
                    "mend the name, or remove the claim",
                )
            exact.add(claim.removesuffix(".__init__"))
            if not claim.endswith(".__init__") and claim not in tree.config.packages:
                packages.add(f"{claim}.")
    for module in tree.modules(tree.config.packages):
        if module.name in exact or module.name.startswith(tuple(packages)) or _is_empty(module):
            continue
        yield Finding(
            module.path,
            1,
            "FS001",
            f"no feature claims the module {module.name}",
            f"name it after Modules: of its feature in {page.path}",
        )


def _resolves(tree: Tree, claim: str) -> bool:
    if "/" in claim or tree.has_file(claim):
        return tree.has_file(claim) or tree.has_folder(claim)
    name = claim.removesuffix(".__init__")
    if tree.find_module(name) is None:
        return claim == name and tree.has_folder(name.replace(".", "/"))
    return claim == name or tree.has_file(f"{name.replace('.', '/')}/__init__.py")


def _is_empty(module: Module) -> bool:
    """Tell whether it is an ``__init__`` without code."""
    return module.is_package and all(
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        for node in module.tree.body
    )
