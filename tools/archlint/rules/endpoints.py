"""Every route of the running application stands in docs/ENDPOINTS.md, and nothing else does.

The routes come from the application's own table: it is loaded from the tree in a process of its
own, in an empty folder and without this one's environment, and never started. Included routers and
mounted applications are followed; a mount without routes of its own has the method ``MOUNT``, a
web socket ``WEBSOCKET``. The ``HEAD`` that Starlette adds to a ``GET`` is not listed, a ``HEAD``
route of its own is.

A route's errors are the statuses from 400 of its OpenAPI ``responses``; its scope is the text in
the attribute ``scope`` (``scope-attribute``) of one of its dependencies. A route without scope is
``open`` when its path is among ``open-paths``, or, without that setting, when OpenAPI asks for no
security; else ``any key``.

``docs/`` format: one or more tables with at least these columns, among any other text::

    | Method | Path | Scope | Errors | Purpose |
    | --- | --- | --- | --- | --- |
    | GET | `/api/logs/audit` | `audit:read` | 400, 401, 403, 422 | Find audit events |
    | GET | `/api/health` | open | — | Is the process alive |

Several methods or scopes in one cell are separated by commas; words beside the statuses are free.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ..findings import Code, Finding
from ..pages import Page, Row, is_empty_cell, plain
from ..probe import run_probe
from ..tree import Tree

__all__ = ["CODES", "Route", "check", "load_routes"]

_COLUMNS = ("method", "path", "scope", "errors")
_STATUS = re.compile(r"\b(?:[45]\d\d|[45]XX|default)\b")
_CONVERTER = re.compile(r"\{(\w+):\w+\}")

CODES = (
    Code(
        "EP001",
        "Every route of the application stands in the table of endpoints.",
        '@router.get("/api/jobs")   # and no row for it',
        "| GET | `/api/jobs` | any key | 401, 422 | List jobs |",
    ),
    Code(
        "EP002",
        "Every row of the table is a route of the application.",
        "| GET | `/api/job` | any key | 401 | ... |   <- no such route",
        "| GET | `/api/jobs` | any key | 401 | ... |",
    ),
    Code(
        "EP003",
        "A row names the scope that the route requires: scopes, `any key` or `open`.",
        '| GET | `/api/logs/audit` | any key | ... |   <- Depends(RequireScope("audit:read"))',
        "| GET | `/api/logs/audit` | `audit:read` | ... |",
    ),
    Code(
        "EP004",
        "A row names the error statuses of the route's OpenAPI responses, all and no others.",
        "| GET | `/api/jobs` | any key | 401 | ... |   <- responses={401: ..., 503: ...}",
        "| GET | `/api/jobs` | any key | 401, 503 | ... |",
    ),
    Code(
        "EP005",
        "The page has a table with the columns Method, Path, Scope, Errors; each route once.",
        "| Method | Path |",
        "| Method | Path | Scope | Errors |",
    ),
    Code(
        "EP006",
        "The application loads from the tree, without settings and without a network.",
        "import nowhere   # in a module of the application",
        "every import resolves",
        excusable=False,
    ),
)


@dataclass(frozen=True)
class Route:
    """A method and path that the application answers, as far as the page must tell it."""

    method: str
    path: str
    scope: tuple[str, ...]
    errors: tuple[str, ...]
    file: str
    line: int


def load_routes(tree: Tree) -> list[Route] | str:
    """Return the routes of the tree's application, or why it does not load."""
    config = tree.config
    answer = run_probe(
        "route_table",
        {
            "root": str(tree.root),
            "application": config.application,
            "open_paths": config.open_paths,
            "scope_attribute": config.scope_attribute,
        },
    )
    found = answer.get("routes")
    if not isinstance(found, list):
        return str(answer.get("error"))
    routes = []
    for item in found:
        scope = tuple(item["scopes"]) or (("open",) if item["open"] else ("any key",))
        routes.append(
            Route(
                item["method"],
                item["path"],
                scope,
                tuple(item["errors"]),
                item["file"] or config.endpoints_page,
                item["line"] or 1,
            )
        )
    return routes


def check(tree: Tree) -> Iterator[Finding]:
    """Compare the application's routes with the page, both ways."""
    config = tree.config
    if not config.application:
        return
    page = tree.page(config.endpoints_page)
    routes = load_routes(tree)
    if isinstance(routes, str):
        module = config.application.partition(":")[0]
        yield Finding(
            tree.find_module(module) or "pyproject.toml",
            1,
            "EP006",
            f"the application {config.application} does not load: {routes}",
            "mend what it says; nothing may be needed but the tree and its dependencies",
        )
        return
    if page is None:
        return
    tables = [table for table in page.tables if table.has(_COLUMNS)]
    if not tables:
        yield Finding(
            page.path,
            1,
            "EP005",
            "has no table of routes",
            "write one with the columns Method, Path, Scope, Errors",
        )
        return
    documented: dict[tuple[str, str], Row] = {}
    for table in tables:
        for row in table.rows:
            yield from _add_row(page, row, documented)
    yield from _compare(page, routes, documented)


def _add_row(page: Page, row: Row, documented: dict[tuple[str, str], Row]) -> Iterator[Finding]:
    methods = [name.strip().upper() for name in plain(row.cells["method"]).split(",")]
    path = _CONVERTER.sub(r"{\1}", row.cells["path"].replace("`", "").strip())
    if not row.whole or not all(methods) or not path.startswith("/"):
        yield Finding(
            page.path,
            row.line,
            "EP005",
            "this row has not a cell for each column, or no method and path",
            "write | GET | `/path` | scope | 401, 404 | ... |",
        )
        return
    for method in methods:
        first = documented.setdefault((method, path), row)
        if first is not row:
            yield Finding(
                page.path,
                row.line,
                "EP005",
                f"{method} {path} stands in line {first.line} as well",
                "remove one of the two rows",
            )


def _compare(
    page: Page, routes: list[Route], documented: dict[tuple[str, str], Row]
) -> Iterator[Finding]:
    known = set()
    for route in routes:
        key = (route.method, route.path)
        if key in known:
            continue  # the first one answers
        known.add(key)
        row = documented.get(key)
        name = f"{route.method} {route.path}"
        if row is None:
            errors = ", ".join(route.errors) or "—"
            scope = ", ".join(route.scope)
            yield Finding(
                route.file,
                route.line,
                "EP001",
                f"{name} is not documented",
                f"add to {page.path}: | {route.method} | `{route.path}` | {scope} | {errors} |",
            )
            continue
        yield from _compare_row(page, route, row)
    for (method, path), row in documented.items():
        if (method, path) not in known:
            yield Finding(
                page.path,
                row.line,
                "EP002",
                f"the application has no route {method} {path}",
                "remove the row, or mend its method and path",
            )


def _compare_row(page: Page, route: Route, row: Row) -> Iterator[Finding]:
    name = f"{route.method} {route.path}"
    scope = {part.strip() for part in plain(row.cells["scope"]).split(",")}
    if scope != set(route.scope):
        yield Finding(
            page.path,
            row.line,
            "EP003",
            f"{name} requires {', '.join(route.scope)}, the row says {', '.join(sorted(scope))}",
            f"write {', '.join(route.scope)}, or change the route",
        )
    cell = row.cells["errors"]
    errors = set() if is_empty_cell(cell) else set(_STATUS.findall(cell))
    missing = sorted(set(route.errors) - errors)
    invented = sorted(errors - set(route.errors))
    if missing or invented:
        parts = []
        if missing:
            parts.append(f"can answer {', '.join(missing)}, which the row lacks")
        if invented:
            parts.append(f"does not declare {', '.join(invented)}, which the row has")
        yield Finding(
            page.path,
            row.line,
            "EP004",
            f"{name} {' and '.join(parts)}",
            f"write {', '.join(route.errors) or '—'}, or change the route's responses",
        )
