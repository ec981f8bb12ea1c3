"""Loads the application and writes down its routes; run as a script, never imported.

The argument is JSON: ``root`` (put first on the import path), ``application`` and ``open_paths``
(``module:name``), ``scope_attribute``, ``output`` (path of the JSON to write). The working folder
is an empty one of the caller, so that nothing is read from or written to the tree.
"""

from __future__ import annotations

import importlib
import inspect
import json
import os
import re
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

_STATUS = re.compile(r"[45]\d\d|[45]XX|default", re.IGNORECASE)
_CONVERTER = re.compile(r"\{(\w+):\w+\}")


def load(reference: str, root: Path) -> Any:
    """Return the object that ``module:name`` means, which must come from the tree."""
    module_name, _, name = reference.partition(":")
    module = importlib.import_module(module_name)
    place = Path(module.__file__ or "").resolve()
    if not place.is_relative_to(root):
        raise ImportError(f"{module_name} was imported from {place}, not from the tree {root}")
    found: Any = module
    for part in name.split("."):
        found = getattr(found, part)
    return found


def contexts(routes: Iterable[Any]) -> Iterable[Any]:
    """Return routes with what including their routers added; newer FastAPI keeps that apart."""
    from fastapi import routing

    iterate = getattr(routing, "iter_route_contexts", None)
    found: Iterable[Any] = iterate(list(routes)) if iterate else routes
    return found


def calls(dependant: Any) -> Iterator[Any]:
    """Yield the callables of all dependencies of a route, at any depth."""
    for dependency in getattr(dependant, "dependencies", ()):
        yield dependency.call
        yield from calls(dependency)


class RouteTable:
    """Walks an application's routes, through included routers and mounted applications.

    Args:
        root: folder below which the files of endpoints are named.
        scope_attribute: attribute of a dependency that holds a required scope.
        open_paths: full paths that need no key; ``None`` lets OpenAPI's ``security`` decide.
    """

    def __init__(self, root: Path, scope_attribute: str, open_paths: set[str] | None) -> None:
        self.root = root
        self.scope_attribute = scope_attribute
        self.open_paths = open_paths
        self.found: list[dict[str, object]] = []

    def walk(self, app: Any, prefix: str = "") -> None:
        """Add the routes of an application that is reachable under ``prefix``."""
        document: dict[str, Any] = app.openapi() if hasattr(app, "openapi") else {}
        router = getattr(app, "router", app)
        self._walk(app.routes, prefix, document)
        # Single-page front ends are kept apart from other routes by newer FastAPI.
        for group in getattr(router, "_low_priority_routes", ()):
            self._walk(getattr(group, "routes", ()), prefix, document)

    def _walk(self, routes: Iterable[Any], prefix: str, document: dict[str, Any]) -> None:
        from starlette.routing import Host, Mount

        for context in contexts(routes):
            original = getattr(context, "original_route", context)
            path = getattr(context, "path_format", None) or getattr(context, "path", None) or ""
            if isinstance(original, Mount):
                mounted = prefix + context.path
                if original.routes:
                    inner = original.app if hasattr(original.app, "routes") else original
                    self.walk(inner, mounted)
                else:
                    self._add(context, "MOUNT", mounted, path, document)
            elif isinstance(original, Host):
                self.walk(original, prefix)
            else:
                path = _CONVERTER.sub(r"{\1}", path)
                methods = set(getattr(context, "methods", None) or {"WEBSOCKET"})
                if "GET" in methods:
                    methods.discard("HEAD")  # Starlette adds it to every GET
                for method in sorted(methods):
                    self._add(context, method, prefix + path, path, document)

    def _add(
        self, context: Any, method: str, full: str, path: str, document: dict[str, Any]
    ) -> None:
        operation = document.get("paths", {}).get(path, {}).get(method.lower())
        responses = getattr(context, "responses", None) or {}
        if operation is not None and getattr(context, "include_in_schema", False):
            responses = operation.get("responses", {})
        else:
            operation = {}
        scopes = {
            scope
            for call in calls(getattr(context, "dependant", None))
            if isinstance(scope := getattr(call, self.scope_attribute, None), str)
        }
        if self.open_paths is not None:
            is_open = full in self.open_paths
        else:
            is_open = not operation.get("security", document.get("security"))
        file, line = self._place(getattr(context, "endpoint", None))
        self.found.append(
            {
                "method": method,
                "path": full,
                "scopes": sorted(scopes),
                "open": is_open,
                "errors": sorted(str(key) for key in responses if _STATUS.fullmatch(str(key))),
                "file": file,
                "line": line,
            }
        )

    def _place(self, endpoint: Any) -> tuple[str, int]:
        """Return where the endpoint's function is defined, nothing when outside the tree."""
        code = getattr(inspect.unwrap(endpoint), "__code__", None) if endpoint else None
        if code is not None:
            file = Path(code.co_filename).resolve()
            if file.is_relative_to(self.root) and "site-packages" not in file.parts:
                return file.relative_to(self.root).as_posix(), code.co_firstlineno
        return "", 0


def main(request: dict[str, str]) -> None:
    """Write ``{"routes": […]}``, or ``{"error": text}`` when the application does not load."""
    root = Path(request["root"])
    sys.path.insert(0, str(root))
    answer: dict[str, object]
    try:
        app = load(request["application"], root)
        if not hasattr(app, "routes"):
            app = app()
        opened = request["open_paths"]
        table = RouteTable(
            root, request["scope_attribute"], set(load(opened, root)) if opened else None
        )
        table.walk(app)
        answer = {"routes": table.found}
    except Exception as error:
        answer = {"error": f"{type(error).__name__}: {error}"}
    Path(request["output"]).write_text(json.dumps(answer), encoding="utf-8")
    sys.stdout.flush()
    os._exit(0)  # threads that the application may have started are of no interest


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
