"""House conventions that no other gate holds: names, ``print``, ``debug``, documented options.

* No two modules of a package in ``unique-names`` have one name, packages included; ``__init__``
  and ``__main__`` are every package's own.
* ``print`` occurs only in ``print-allowed`` (a module or a package with all in it).
* Nothing is switched to ``debug=True``: no argument, default, field, key or assignment of that
  name.
* Every option and setting is documented. Options are what handlers and formatters in
  ``option-modules`` take: the constructor's arguments (without ``not-options``) of classes that
  inherit, by whatever way, from something called ``…Handler`` or ``…Formatter``, and the keys of
  TypedDicts there. Settings are the fields of classes that inherit from ``BaseSettings`` in
  ``setting-modules``.

``docs/`` format: on any page of ``option-pages``, a table with a row whose first cell is the
option or setting in code marks (several, separated by commas, share a row). Options count only on
a page that also names their class in code marks or in a heading; those of a TypedDict on a page
that names it or a class which takes it. A setting may be written as its environment variable::

    ## `FileStreamHandler`

    | Option | Default | Meaning |
    | --- | --- | --- |
    | `max_bytes` | `"10 MB"` | Size past which the file is rotated; 0 never rotates. |

    | Setting | Default | Meaning |
    | --- | --- | --- |
    | `ZOTIFY_DATA_DIR` | `zotify-data` | Folder of the database, log files and keys. |
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import PurePosixPath

from ..classes import KnownClass
from ..findings import Code, Finding
from ..modules import Module, definitions, dotted_name, is_public_name, name_of
from ..pages import Page, items_in
from ..tree import Tree

__all__ = ["CODES", "check"]

CODES = (
    Code(
        "CV001",
        "No two modules of a package have one name.",
        "zotify_api/routes/config.py and zotify_api/models/config.py",
        "zotify_api/routes/config_routes.py and zotify_api/models/config.py",
    ),
    Code(
        "CV002",
        "Only the command line prints.",
        'print("rotated")',
        '_logger.info("rotated")',
    ),
    Code(
        "CV003",
        "Nothing is switched to debug=True.",
        "app = FastAPI(debug=True)",
        "app = FastAPI()",
    ),
    Code(
        "CV004",
        "Every option of a handler or formatter is documented.",
        "def __init__(self, *, max_lines: int = 5)   # and no row for it",
        "| `max_lines` | 5 | Lines to keep. |   on a page that names the handler",
    ),
    Code(
        "CV005",
        "Every setting is documented.",
        "max_streams: int = 100   # and no row for it",
        "| `max_streams` | 100 | Log streams open at once. |",
    ),
)


def check(tree: Tree) -> Iterator[Finding]:
    """Look at every module of the packages, then at options and settings."""
    yield from _check_names(tree)
    for module in tree.modules(tree.config.packages):
        if not _is_within(module.name, tree.config.print_allowed):
            yield from _check_print(module)
        yield from _check_debug(module)
    tables = _documented(tree)
    yield from _check_options(tree, tables)
    yield from _check_settings(tree, tables)


def _is_within(name: str, places: tuple[str, ...]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def _check_names(tree: Tree) -> Iterator[Finding]:
    for package in tree.config.unique_names:
        first: dict[str, str] = {}
        for module in tree.modules((package,)):
            name = module.name.rpartition(".")[2]
            if name == "__main__" or module.name == package:
                continue
            other = first.setdefault(name, module.path)
            if other != module.path:
                yield Finding(
                    module.path,
                    1,
                    "CV001",
                    f"has the name of {other}",
                    f"say what it holds: {name}_{PurePosixPath(module.path).parent.name}.py",
                )


def _check_print(module: Module) -> Iterator[Finding]:
    if "print" in module.definitions:
        return  # a function of its own
    own = {argument for node in ast.walk(module.tree) for argument in _arguments(node)}
    for node in ast.walk(module.tree):
        named = isinstance(node, ast.Name) and node.id == "print" and "print" not in own
        if named or (isinstance(node, ast.Attribute) and dotted_name(node) == "builtins.print"):
            yield Finding(
                module.path,
                getattr(node, "lineno", 1),
                "CV002",
                "prints outside the command line",
                "log it, return it, or move the code into the package's cli",
            )


def _arguments(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.arguments):
        for argument in (*node.posonlyargs, *node.args, *node.kwonlyargs):
            yield argument.arg


def _check_debug(module: Module) -> Iterator[Finding]:
    for node in ast.walk(module.tree):
        for line in _debug_lines(node):
            yield Finding(
                module.path,
                line,
                "CV003",
                "switches debug=True",
                "remove it; tracebacks belong in the log, not in a reply",
            )


def _debug_lines(node: ast.AST) -> Iterator[int]:
    """Yield the lines where the node sets something called debug to true."""
    for value in _debug_values(node):
        if isinstance(value, ast.Call) and name_of(value.func) in ("Field", "field"):
            named = [item.value for item in value.keywords if item.arg == "default"]
            value = next(iter([*value.args, *named]), value)
        if isinstance(value, ast.Constant) and value.value is True:
            yield value.lineno


def _debug_values(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what the node gives to something called debug."""
    if isinstance(node, ast.keyword) and node.arg == "debug":
        yield node.value
    elif isinstance(node, ast.Assign) and any(_is_debug(target) for target in node.targets):
        yield node.value
    elif isinstance(node, ast.AnnAssign) and _is_debug(node.target) and node.value is not None:
        yield node.value
    elif isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "debug":
                yield value
    elif isinstance(node, ast.arguments):
        positional = [*node.posonlyargs, *node.args]
        pairs = [
            *zip(reversed(positional), reversed(node.defaults), strict=False),
            *zip(node.kwonlyargs, node.kw_defaults, strict=True),
        ]
        for argument, default in pairs:
            if argument.arg == "debug" and default is not None:
                yield default


def _is_debug(node: ast.expr) -> bool:
    return name_of(node) == "debug" and not isinstance(node, ast.Subscript)


def _documented(tree: Tree) -> Mapping[Page, set[str]]:
    """Return, for each page, what stands in code marks in the first cells of its tables."""
    found = {}
    for path in tree.files:
        if path.endswith(".md") and any(
            _matches(path, pattern) for pattern in tree.config.option_pages
        ):
            page = tree.page(path)
            if page is not None:
                found[page] = {
                    item
                    for table in page.tables
                    for row in table.rows
                    for item in items_in(row.cells[table.header[0]])
                }
    return found


def _matches(path: str, pattern: str) -> bool:
    """Match as shells do with ``**``; ``docs/**/*.md`` includes the pages in ``docs`` itself."""
    where = PurePosixPath(path)
    return where.match(pattern) or where.match(pattern.replace("**/", ""))


def _check_options(tree: Tree, tables: Mapping[Page, set[str]]) -> Iterator[Finding]:
    places = tuple(tree.config.option_modules)
    takers: dict[str, set[str]] = {}
    wanted: list[tuple[KnownClass, dict[str, int]]] = []
    for module in tree.modules(tuple(sorted({name.partition(".")[0] for name in places}))):
        if not _is_within(module.name, places):
            continue
        for node in definitions(module.tree.body):
            if not isinstance(node, ast.ClassDef) or not is_public_name(node.name):
                continue
            known = KnownClass(module, node.name, node)
            bases = tree.classes.base_names(known)
            if "TypedDict" in bases:
                wanted.append((known, _fields(node)))
            elif any(base.endswith(("Handler", "Formatter")) for base in bases):
                options, taken = _constructor(node)
                skipped = tree.config.not_options
                wanted.append(
                    (known, {name: at for name, at in options.items() if name not in skipped})
                )
                for name in taken:
                    takers.setdefault(name, set()).add(node.name)
    for known, options in wanted:
        names = {known.name} | takers.get(known.name, set())
        rows: set[str] = set()
        for page, items in tables.items():
            if _names_one(page, names):
                rows |= items
        for option, line in options.items():
            if option not in rows:
                yield Finding(
                    known.module.path,
                    line,
                    "CV004",
                    f"the option {option} of {known.name} is not documented",
                    f"add a row | `{option}` | default | meaning | to a page that names"
                    f" {' or '.join(f'`{name}`' for name in sorted(names))}",
                )


def _names_one(page: Page, names: set[str]) -> bool:
    headings = {word for heading in page.headings for word in heading.text.split()}
    if headings & names:
        return True
    return any(names.intersection(items_in(text)) for _, text in page.prose)


def _constructor(node: ast.ClassDef) -> tuple[dict[str, int], list[str]]:
    """Return the constructor's arguments with their lines, and the TypedDicts it unpacks."""
    for item in definitions(node.body):
        if isinstance(item, ast.FunctionDef) and item.name == "__init__":
            arguments = item.args
            positional = [*arguments.posonlyargs, *arguments.args][1:]
            options = {
                argument.arg: argument.lineno for argument in (*positional, *arguments.kwonlyargs)
            }
            extra = arguments.kwarg.annotation if arguments.kwarg else None
            taken = []
            if isinstance(extra, ast.Subscript) and name_of(extra) == "Unpack":
                taken.append(name_of(extra.slice))
            return options, taken
    return {}, []


def _fields(node: ast.ClassDef) -> dict[str, int]:
    """Return the annotated public names of a class body with their lines."""
    return {
        item.target.id: item.lineno
        for item in node.body
        if isinstance(item, ast.AnnAssign)
        and isinstance(item.target, ast.Name)
        and is_public_name(item.target.id)
        and item.target.id != "model_config"
        and name_of(item.annotation) != "ClassVar"
    }


def _check_settings(tree: Tree, tables: Mapping[Page, set[str]]) -> Iterator[Finding]:
    rows = {item for items in tables.values() for item in items}
    prefix = tree.config.setting_prefix
    for name in tree.config.setting_modules:
        path = tree.find_module(name)
        module = tree.module(path) if path else None
        if module is None:
            continue
        for node in definitions(module.tree.body):
            if not isinstance(node, ast.ClassDef):
                continue
            known = KnownClass(module, node.name, node)
            if "BaseSettings" not in tree.classes.base_names(known):
                continue
            for setting, line in _fields(node).items():
                if setting not in rows and f"{prefix}{setting}".upper() not in rows:
                    yield Finding(
                        module.path,
                        line,
                        "CV005",
                        f"the setting {setting} is not documented",
                        f"add a row | `{setting}` | default | meaning | to one of:"
                        f" {', '.join(tree.config.option_pages)}",
                    )
