"""A route that checks the scope first, then refuses parameters it does not know or gets twice."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any, get_origin

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute
from pydantic import BaseModel

from zotify_api.dependencies.access import RequireScope
from zotify_api.errors import FieldProblem, ProblemError

__all__ = ["StrictRoute"]


class StrictRoute(APIRoute):
    """``route_class`` of every router of this API.

    FastAPI takes the last of repeated parameters and ignores unknown ones; a reader who misspells
    ``level`` would get every line and think there are no others. Lists may be repeated.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Return FastAPI's handler with the checks before it, none of which reads the body."""
        handle = super().get_route_handler()
        scopes = [
            dependency.dependency
            for dependency in self.dependencies
            if isinstance(dependency.dependency, RequireScope)
        ]
        names = self._query_names()

        async def checked(request: Request) -> Response:
            for scope in scopes:
                await scope.check(request)
            if request.scope["query_string"]:
                _refuse_unexpected(request, names)
            return await handle(request)

        return checked

    def _query_names(self) -> dict[str, bool]:
        """Return the names of query parameters, and whether each may be repeated."""
        names: dict[str, bool] = {}
        for field in _query_fields(self.dependant):
            annotation = field.field_info.annotation
            if isinstance(annotation, type) and issubclass(annotation, BaseModel):
                for name, info in annotation.model_fields.items():
                    names[info.alias or name] = get_origin(info.annotation) is list
            else:
                names[field.alias] = get_origin(annotation) is list
        return names


def _query_fields(dependant: Dependant) -> list[Any]:
    fields = list(dependant.query_params)
    for dependency in dependant.dependencies:
        fields.extend(_query_fields(dependency))
    return fields


def _refuse_unexpected(request: Request, names: dict[str, bool]) -> None:
    counts = Counter(name for name, _ in request.query_params.multi_items())
    problems = []
    for name, count in counts.items():
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            hint = (
                f"did you mean {near[0]}?" if near else f"known are: {', '.join(names) or 'none'}"
            )
            problems.append(
                FieldProblem(location="query", name=name[:64], message=f"unknown parameter; {hint}")
            )
        elif count > 1 and not names[name]:
            problems.append(
                FieldProblem(
                    location="query", name=name, message=f"given {count} times; give it once"
                )
            )
    if problems:
        listed = "; ".join(f"{problem['name']}: {problem['message']}" for problem in problems)
        raise ProblemError(422, listed, errors=problems)
