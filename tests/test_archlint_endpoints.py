"""Routes of a real application against the table that documents them."""

from __future__ import annotations

from pathlib import Path

import pytest
from archlint_tree import add, codes, findings, lay_out, plant

PAGE = "docs/ENDPOINTS.md"
ROUTES = "shelf_api/book_routes.py"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Lay out the clean project."""
    return lay_out(tmp_path)


def test_the_clean_tree_is_silent(tree: Path) -> None:
    """Included routers, mounts in mounts, static files, sockets and decorated routes all match."""
    assert codes(tree, "endpoints") == []


def test_undocumented_route(tree: Path) -> None:
    """A route without a row is named where its function stands, with the row to add."""
    add(tree, ROUTES, (tree / ROUTES).read_text() + NEW_ROUTE)
    (found,) = findings(tree, "endpoints")
    assert found[:3] == (ROUTES, 36, "EP001")
    assert "DELETE /v1/books/{number} is not documented" in found.text
    assert "| DELETE | `/v1/books/{number}` | admin, books:write | 409, 422 |" in found.text


NEW_ROUTE = '''

@router.delete(
    "/{number}",
    dependencies=[Depends(RequireScope("books:write")), Depends(RequireScope("admin"))],
    responses={409: {}},
)
def remove_book(number: int) -> None:
    """Throw it away."""
'''


def test_a_missing_row_of_any_kind_of_route(tree: Path) -> None:
    """Mounted, static, socket and built-in routes are missed as well."""
    for row in (
        "| GET | `/inner/page/{name:path}` | `x` | 422 |\n",
        "| GET | `/inner/deep/end` | open | |\n",
        "| MOUNT | `/static` | open | — |\n",
        "| WEBSOCKET | `/live` | open | none | Changes as they happen |\n",
        "| GET | `/openapi.json` | open | — | The document |\n",
    ):
        plant(tree, PAGE, row, "")
    found = findings(tree, "endpoints")
    assert {item.code for item in found} == {"EP001"}
    assert sorted((item.path, item.text.partition(" is ")[0]) for item in found) == [
        (PAGE, "GET /openapi.json"),
        (PAGE, "MOUNT /static"),
        ("shelf_api/factory.py", "WEBSOCKET /live"),
        ("shelf_api/inner.py", "GET /inner/deep/end"),
        ("shelf_api/inner.py", "GET /inner/page/{name}"),
    ]


def test_wrong_rows(tree: Path) -> None:
    """A row that says something else than the application is named with what is true."""
    plant(tree, PAGE, "`/live` | open", "`/live` | any key")
    plant(tree, PAGE, "`books:write` | 403", "any key | 500")
    plant(tree, PAGE, "404 unknown, 422", "422")
    plant(tree, PAGE, "/inner/deep/end` | open |", "/inner/deep/start` | open |")
    plant(tree, PAGE, "`x` | 422 |\n", "`x` | 422 |\n| GET | `/inner/page/{name}` | `x` | 422 |\n")
    add(tree, PAGE, (tree / PAGE).read_text() + "| GET | books | open | |\n| GET | /cut |\n")
    texts = "\n".join(
        f"{item.line} {item.code} {item.text}" for item in findings(tree, "endpoints")
    )
    for expected in (
        "14 EP004 GET /v1/books/{number} can answer 404, which the row lacks",
        "15 EP003 POST /v1/books requires books:write, the row says any key",
        "15 EP004 POST /v1/books can answer 403, which the row lacks and does not declare 500",
        "16 EP003 WEBSOCKET /live requires open, the row says any key",
        "23 EP005 GET /inner/page/{name} stands in line 22 as well",
        "24 EP002 the application has no route GET /inner/deep/start",
        "EP001 GET /inner/deep/end is not documented",
        "26 EP005 this row has not a cell for each column",
        "27 EP005 this row has not a cell for each column",
    ):
        assert expected in texts
    assert texts.count("EP00") == 9


def test_page_without_table(tree: Path) -> None:
    """A page that only talks about endpoints is told which table it needs."""
    add(tree, PAGE, "# Endpoints\n\n| Method | Path |\n| --- | --- |\n| GET | /a |\n")
    assert codes(tree, "endpoints") == [(PAGE, 1, "EP005")]


def test_application_that_does_not_load(tree: Path) -> None:
    """An import error of the application is one finding that carries the error's text."""
    plant(
        tree, "shelf_api/factory.py", "from fastapi import", "import nowhere\nfrom fastapi import"
    )
    (found,) = findings(tree, "endpoints")
    assert found[:3] == ("shelf_api/factory.py", 1, "EP006")
    assert "No module named 'nowhere'" in found.text


@pytest.mark.parametrize("crash", ["import os; os._exit(3)", "raise SystemExit(3)"])
def test_application_that_ends_the_process(tree: Path, crash: str) -> None:
    """Whatever the application does to its process, the linter itself survives it."""
    plant(tree, "shelf_api/factory.py", "from fastapi import", f"{crash}\nfrom fastapi import")
    assert codes(tree, "endpoints") == [("shelf_api/factory.py", 1, "EP006")]


def test_loading_leaves_no_trace(tree: Path) -> None:
    """The application loads in an empty folder without our environment; the tree is not touched."""
    code = (
        "from pathlib import Path\nimport os\nPath('made').mkdir()\nassert 'CI' not in os.environ\n"
    )
    plant(
        tree,
        "shelf_api/factory.py",
        "from fastapi import APIRouter",
        f"{code}from fastapi import APIRouter",
    )
    before = sorted(tree.rglob("*"))
    assert codes(tree, "endpoints") == []
    assert sorted(tree.rglob("*")) == before


def test_open_paths_decide_what_is_open(tree: Path) -> None:
    """With ``open-paths`` a route is open because the application says so, others need a key."""
    plant(
        tree,
        "pyproject.toml",
        "[tool.archlint]",
        '[tool.archlint]\nopen-paths = "shelf_api.access:OPEN"',
    )
    add(tree, "shelf_api/access.py", (tree / "shelf_api/access.py").read_text() + OPEN)
    assert {code for _, _, code in codes(tree, "endpoints")} == {"EP003"}
    plant(tree, PAGE, "| open |", "| any key |")
    plant(tree, PAGE, "`/openapi.json` | any key", "`/openapi.json` | open")
    assert [path for path, _, _ in codes(tree, "endpoints")] == []


OPEN = '\n\nOPEN = frozenset({"/openapi.json"})\n'


def test_security_of_the_document_decides_without_open_paths(tree: Path) -> None:
    """A route with OpenAPI security is no open one, without any setting of ours."""
    plant(
        tree,
        ROUTES,
        "from fastapi import",
        "from fastapi.security import APIKeyHeader\nfrom fastapi import",
    )
    plant(
        tree,
        ROUTES,
        "responses={404:",
        "dependencies=[Depends(APIKeyHeader(name='k'))], responses={404:",
    )
    (found,) = findings(tree, "endpoints")
    assert found.code == "EP003"
    assert "requires any key, the row says open" in found.text


def test_an_application_object_serves_as_well(tree: Path) -> None:
    """The setting may name the application itself instead of a function that returns it."""
    add(
        tree,
        "shelf_api/served.py",
        '"""Served by name."""\nfrom shelf_api.factory import create_app\napp = create_app()\n',
    )
    plant(tree, "pyproject.toml", "factory:create_app", "served:app")
    assert codes(tree, "endpoints") == []
