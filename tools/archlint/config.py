"""Settings of the linter, read from ``[tool.archlint]`` of the tree's pyproject.toml."""

from __future__ import annotations

import dataclasses
import difflib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from .findings import Misuse

__all__ = ["Config", "read_config"]

_REFERENCE = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*")


@dataclass(frozen=True)
class Config:
    """Everything that can be set; in pyproject.toml the names have dashes for underscores.

    Modules are written with dots, pages and folders as paths from the root.

    Args:
        packages: import packages that every group looks at.
        application: ``module:name`` of the FastAPI application or of a function without required
            arguments that returns one; empty switches the endpoint rules off.
        open_paths: ``module:name`` of the collection of paths that need no key; when empty,
            OpenAPI's ``security`` decides.
        scope_attribute: attribute of a route's dependency that holds the scope it requires.
        docstrings: folders whose modules need docstrings; ``packages`` when empty.
        unique_names: packages in which no two modules may share a name.
        print_allowed: modules and packages that may print.
        core: folders of which a change asks for a change of the matrix; ``packages`` when empty.
        option_modules: modules and packages whose handlers and formatters take options.
        not_options: constructor arguments of theirs that are no options.
        setting_modules: modules with pydantic settings classes.
        setting_prefix: prefix of a setting's environment variable.
        option_pages: pages that may document options and settings, as glob patterns.
        docs: folder of the pages that are reviewed.
        endpoints_page: page with the table of routes.
        features_page: page with features and the modules they claim.
        matrix_page: page with the traceability matrix.
        backlog_page: page with the items that the matrix must hold.
        test_pages: pages with further tables whose column Tests names tests that exist.
        requirement_pattern: regular expression of a backlog item's id.
        review_days: days after which a page is due for review.
        review_schedule: days for single pages, as glob patterns; the first that matches counts.
    """

    packages: tuple[str, ...] = ()
    application: str = ""
    open_paths: str = ""
    scope_attribute: str = "scope"
    docstrings: tuple[str, ...] = ()
    unique_names: tuple[str, ...] = ()
    print_allowed: tuple[str, ...] = ()
    core: tuple[str, ...] = ()
    option_modules: tuple[str, ...] = ()
    not_options: tuple[str, ...] = ()
    setting_modules: tuple[str, ...] = ()
    setting_prefix: str = ""
    option_pages: tuple[str, ...] = ("README.md", "docs/**/*.md")
    docs: str = "docs"
    endpoints_page: str = "docs/ENDPOINTS.md"
    features_page: str = "docs/FEATURE_SPECS.md"
    matrix_page: str = "docs/TRACEABILITY_MATRIX.md"
    backlog_page: str = "docs/BACKLOG.md"
    test_pages: tuple[str, ...] = ()
    requirement_pattern: str = r"[A-Z]+-TASK-\d+"
    review_days: int = 180
    review_schedule: Mapping[str, int] = field(default_factory=dict)

    @property
    def docstring_roots(self) -> tuple[str, ...]:
        """Folders that the docstring rules look at, as dotted names."""
        return self.docstrings or self.packages

    @property
    def core_roots(self) -> tuple[str, ...]:
        """Folders whose changes the matrix must follow, as paths."""
        return self.core or tuple(name.replace(".", "/") for name in self.packages)


def read_config(root: Path) -> Config:
    """Return the settings of the tree at ``root``.

    Raises:
        Misuse: there is no such table, or it has unknown names or wrong values; all are named.
    """
    path = root / "pyproject.toml"
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise Misuse(f"{path}: no such file; --root names the folder of a project") from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise Misuse(f"{path}: cannot be read: {error}") from None
    table = document.get("tool", {}).get("archlint")
    if not isinstance(table, dict) or not table:
        raise Misuse(f"{path}: has no table [tool.archlint]; it needs at least `packages`")
    problems: list[str] = []
    values: dict[str, object] = {}
    kinds = {item.name.replace("_", "-"): item for item in dataclasses.fields(Config)}
    for name, value in table.items():
        known = kinds.get(name)
        if known is None:
            near = difflib.get_close_matches(name, kinds, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(kinds)}"
            problems.append(f"{name}: unknown setting; {hint}")
            continue
        values[known.name] = _read(name, value, str(known.type), problems)
    problems += _check(values)
    if problems:
        raise Misuse("\n".join(f"{path}: tool.archlint.{problem}" for problem in problems))
    return Config(**values)  # type: ignore[arg-type] # _read has checked every type


def _read(name: str, value: object, kind: str, problems: list[str]) -> object:
    """Return the value in the type of its field, noting a problem if it has another."""
    if kind == "str":
        if isinstance(value, str):
            return value
        problems.append(f"{name}: {value!r} is not text")
    elif kind == "int":
        if isinstance(value, int) and not isinstance(value, bool) and value > 0:
            return value
        problems.append(f"{name}: {value!r} is not a number of days, 1 or more")
    elif kind.startswith("tuple"):
        if isinstance(value, list) and all(isinstance(item, str) and item for item in value):
            return tuple(value)
        problems.append(f"{name}: {value!r} is not a list of names")
    else:
        days = value.values() if isinstance(value, dict) else (None,)
        if all(isinstance(item, int) and not isinstance(item, bool) and item > 0 for item in days):
            return value
        problems.append(f"{name}: {value!r} is not a table of page = days, 1 or more")
    return None


def _check(values: Mapping[str, object]) -> list[str]:
    """Return what is wrong beyond the types."""
    problems = []
    if not values.get("packages"):
        problems.append('packages: names no package; write packages = ["name"]')
    for name in ("application", "open_paths"):
        value = values.get(name)
        if isinstance(value, str) and value and not _REFERENCE.fullmatch(value):
            problems.append(
                f"{name.replace('_', '-')}: {value!r} names no object; write it as module:name"
            )
    pattern = values.get("requirement_pattern")
    if isinstance(pattern, str):
        try:
            re.compile(pattern)
        except re.error as error:
            problems.append(f"requirement-pattern: {pattern!r} is no regular expression: {error}")
    return problems
