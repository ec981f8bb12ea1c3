"""Lays out a small complete project that the architectural linter finds nothing wrong with.

A library ``shelf``, an application ``shelf_api`` on FastAPI, one test file and five pages. Tests
plant a violation with :func:`plant` or :func:`add` and run the linter as a user would.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

__all__ = [
    "REPOSITORY",
    "TODAY",
    "Found",
    "add",
    "codes",
    "commit",
    "findings",
    "git",
    "lay_out",
    "plant",
    "run_archlint",
]

REPOSITORY = Path(__file__).resolve().parents[2]

TODAY = "2026-11-22"
"""The day on which the pages of the tree were reviewed, and on which the linter looks at them."""

FILES = {
    "pyproject.toml": """\
[tool.archlint]
packages = ["shelf", "shelf_api"]
application = "shelf_api.factory:create_app"
unique-names = ["shelf_api"]
print-allowed = ["shelf.cli"]
option-modules = ["shelf.handlers"]
not-options = ["reader"]
setting-modules = ["shelf_api.settings"]
setting-prefix = "SHELF_"

[tool.archlint.review-schedule]
"docs/ENDPOINTS.md" = 90
""",
    ".gitignore": "build/\n__pycache__/\n",
    "shelf/__init__.py": '"""Keeps books in order."""\n',
    "shelf/books.py": '''\
"""What stands on a board, and how it is found again."""

LIMIT = 40


class Book:
    """One volume with its place."""

    def move(self, place: int) -> None:
        """Put it down elsewhere."""
''',
    "shelf/cli.py": '''\
"""Commands for people at a terminal."""


def main() -> None:
    """Show how many volumes there are."""
    print("none")
''',
    "shelf/handlers/__init__.py": '"""Where records of loans go."""\n',
    "shelf/handlers/base.py": '''\
"""What all destinations of loan records share."""

import logging
from typing import TypedDict, Unpack


class LoanOptions(TypedDict, total=False):
    """Options of every destination."""

    delay: float


class LoanHandler(logging.Handler):
    """Writes loans to nowhere in particular."""

    def __init__(self, reader: object = None, **options: Unpack[LoanOptions]) -> None:
        super().__init__()
''',
    "shelf/handlers/ledger.py": '''\
"""Loans on paper."""

from typing import Unpack

from .base import LoanHandler, LoanOptions


class Ledger(LoanHandler):
    """Writes loans on numbered sheets."""

    def __init__(self, sheets: int = 10, **options: Unpack[LoanOptions]) -> None:
        super().__init__(**options)
''',
    "shelf_api/__init__.py": '"""The library over HTTP."""\n',
    "shelf_api/settings.py": '''\
"""What an operator may choose."""

from pydantic_settings import BaseSettings


class Settings(BaseSettings):
    """Choices with defaults that need no thought."""

    port: int = 8000
''',
    "shelf_api/access.py": '''\
"""Who may do what."""


class RequireScope:
    """Dependency of a route that not everybody may call."""

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def __call__(self) -> None:
        pass
''',
    "shelf_api/book_routes.py": '''\
"""Reading and lending over HTTP."""

import functools
from collections.abc import Callable

from fastapi import APIRouter, Depends

from shelf_api.access import RequireScope

router = APIRouter(prefix="/books")


def logged(function: Callable[..., object]) -> Callable[..., object]:
    """Note each call, and go on."""

    @functools.wraps(function)
    def wrapper(*args: object, **kwargs: object) -> object:
        return function(*args, **kwargs)

    return wrapper


@router.get("/{number}", responses={404: {"description": "No such book"}})
@logged
def read_book(number: int) -> str:
    """Tell where a volume stands."""
    return "top"


@router.post("", dependencies=[Depends(RequireScope("books:write"))], responses={403: {}})
def add_book() -> str:
    """Take a volume in."""
    return "new"
''',
    "shelf_api/inner.py": '''\
"""An application of its own below /inner."""

from fastapi import Depends, FastAPI
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from shelf_api.access import RequireScope


def make_inner() -> FastAPI:
    """Build what is mounted: one route, and one more mount."""
    app = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, dependencies=[Depends(RequireScope("x"))]
    )

    @app.get("/page/{name:path}")
    def page(name: str) -> str:
        return name

    async def deep(request: object) -> PlainTextResponse:
        return PlainTextResponse("deep")

    app.router.routes.append(Mount("/deep", routes=[Route("/end", deep)]))
    return app
''',
    "shelf_api/factory.py": '''\
"""Builds the application."""

from fastapi import APIRouter, FastAPI
from starlette.staticfiles import StaticFiles

from shelf_api.book_routes import router
from shelf_api.inner import make_inner


def create_app() -> FastAPI:
    """Put all routes together; nothing is opened."""
    app = FastAPI(docs_url=None, redoc_url=None)
    version = APIRouter(prefix="/v1")
    version.include_router(router)
    app.include_router(version)
    app.mount("/inner", make_inner())
    app.mount("/static", StaticFiles(check_dir=False, directory="nowhere"))

    @app.websocket("/live")
    async def live(websocket: object) -> None:
        pass

    return app
''',
    "tests/test_books.py": '''\
"""Tests of the books."""

import pytest

from shelf.books import Book


@pytest.mark.parametrize("place", [1, 2])
def test_move(place: int) -> None:
    """A book can be moved."""
    Book().move(place)


class TestLending:
    """Lending in its order."""

    def test_lend(self) -> None:
        """A book can be lent."""
''',
    "docs/ENDPOINTS.md": """\
<!-- reviewed: 2026-11-22 -->

# Endpoints

```
| Method | Path | Scope | Errors |
| --- | --- | --- | --- |
| GET | /an/example/in/a/code/block | open | - |
```

| Method | Path | Scope | Errors | Purpose |
| --- | --- | --- | --- | --- |
| GET | `/openapi.json` | open | — | The document |
| GET | `/v1/books/{number}` | open | 404 unknown, 422 | Read a\\|the book |
| POST | `/v1/books` | `books:write` | 403 | Add one |
| WEBSOCKET | `/live` | open | none | Changes as they happen |

Below `/inner`:

| Method | Path | Scope | Errors |
| :-- | --- | --- | --: |
| GET | `/inner/page/{name:path}` | `x` | 422 |
| GET | `/inner/deep/end` | open | |
| MOUNT | `/static` | open | — |
""",
    "docs/FEATURE_SPECS.md": """\
---
reviewed: 2026-11-22
---

# Features

## Overview

What there is.

## Books

Where they stand.

- **Modules:** `shelf.books`,
  `shelf.cli`, `docs/BACKLOG.md`

## Loans

Modules: `shelf.handlers`

## HTTP

Modules: `shelf_api.factory`, `shelf_api.access`, `shelf_api.book_routes`, `shelf_api.inner`,
`shelf_api.settings`, `pyproject.toml`, `tests`
""",
    "docs/TRACEABILITY_MATRIX.md": """\
<!-- reviewed: 2026-11-22 -->

# Traceability

| Requirement | Feature | Code | Tests | Status |
| --- | --- | --- | --- | --- |
"""
    + "".join(
        f"| {' | '.join(cells)} |\n"
        for cells in (
            (
                "SHELF-TASK-01",
                "[Books](FEATURE_SPECS.md#books)",
                "`shelf/books.py::Book.move`",
                "`tests/test_books.py::test_move`",
                "done",
            ),
            (
                "SHELF-TASK-01",
                "Books",
                "`shelf/books.py::LIMIT`, `shelf/cli.py`",
                "`tests/test_books.py::test_move[2]`",
                "done",
            ),
            (
                "SHELF-TASK-02",
                "Loans",
                "`shelf/handlers/`",
                "`tests/test_books.py::TestLending::test_lend`",
                "in progress",
            ),
            ("SHELF-TASK-03", "HTTP", "—", "—", "planned"),
        )
    ),
    "docs/BACKLOG.md": """\
<!-- reviewed: 2026-11-22 -->

# Backlog

| Item | Title | Status |
| --- | --- | --- |
| `SHELF-TASK-01` | Move books | done |
| SHELF-TASK-02 | Lend books | in progress |

## SHELF-TASK-03: over HTTP
""",
    "docs/OPTIONS.md": """\
<!-- reviewed: 2026-11-22 -->

# Options

## `Ledger`

| Option | Meaning |
| --- | --- |
| `sheets` | how many |
| `delay` | seconds |

| Setting | Meaning |
| --- | --- |
| `SHELF_PORT` | where it listens |
""",
}
"""Every file of the tree."""


def lay_out(root: Path) -> Path:
    """Write the project below ``root``, and return that."""
    for path, text in FILES.items():
        add(root, path, text)
    return root


def add(root: Path, path: str, text: str) -> None:
    """Write one file, with its folders."""
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8")


def plant(root: Path, path: str, old: str, new: str) -> None:
    """Replace ``old``, which occurs in the file, by ``new``."""
    text = (root / path).read_text(encoding="utf-8")
    assert old in text, f"{path} does not contain {old!r}"
    (root / path).write_text(text.replace(old, new), encoding="utf-8")


def run_archlint(
    root: Path, *arguments: str, today: str = TODAY
) -> subprocess.CompletedProcess[str]:
    """Run ``python -m tools.archlint`` of this repository on the tree at ``root``."""
    return subprocess.run(
        [sys.executable, "-m", "tools.archlint", "--root", root, "--today", today, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        encoding="utf-8",
        check=False,
    )


class Found(NamedTuple):
    """One finding; ``text`` is its message and cure as people read them."""

    path: str
    line: int
    code: str
    text: str


def findings(root: Path, group: str, *arguments: str) -> list[Found]:
    """Return what one group of rules finds, warnings included."""
    done = run_archlint(root, "--only", group, "--format", "json", *arguments)
    assert done.returncode in (0, 1), done.stderr
    return [
        Found(item["path"], item["line"], item["code"], f"{item['message']} — {item['cure']}")
        for item in json.loads(done.stdout)["findings"]
    ]


def codes(root: Path, group: str, *arguments: str) -> list[tuple[str, int, str]]:
    """Return path, line and code of what one group of rules finds."""
    return [found[:3] for found in findings(root, group, *arguments)]


def git(root: Path, *arguments: str) -> str:
    """Run git in ``root`` with a name of its own, and return what it says."""
    identity = ["-c", "user.name=Reader", "-c", "user.email=reader@example.org"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("GIT_")}
    done = subprocess.run(
        ["git", *identity, "-c", "commit.gpgsign=false", *arguments],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout.strip()


def commit(root: Path, message: str) -> str:
    """Commit everything in ``root``, which becomes a repository if it is none; return the id."""
    if not (root / ".git").exists():
        git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", message)
    return git(root, "rev-parse", "HEAD")
