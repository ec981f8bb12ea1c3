"""Turns every exception that a route can end with into a problem document."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from typing import Any, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from zotify_api.errors import FieldProblem, ProblemError, problem_response
from zotify_logging.exceptions import AuditWriteError, ParameterError
from zotify_logging.options import near_match

__all__ = ["install_problem_handlers"]

_logger = logging.getLogger("zotify_api.errors")

_QUOTED = re.compile(r"'([^']*)'")


def install_problem_handlers(app: FastAPI) -> None:
    """Register the handlers; what is not named here becomes a 500 in the request log."""
    app.add_exception_handler(ProblemError, _problem)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(ParameterError, _parameter)
    app.add_exception_handler(SQLAlchemyError, _database)
    app.add_exception_handler(AuditWriteError, _audit)


def _request_id(request: Request) -> str | None:
    return cast("str | None", request.scope["state"].get("request_id"))


async def _problem(request: Request, error: Exception) -> Response:
    return cast(ProblemError, error).response(_request_id(request))


async def _http(request: Request, error: Exception) -> Response:
    http = cast(HTTPException, error)
    detail = {
        404: f"nothing is at {request.url.path!r}; /openapi.json lists all paths",
        405: f"{request.method} is not possible here; see the Allow header",
    }.get(http.status_code, http.detail)
    headers = dict(http.headers or {})
    if http.status_code == 405 and (allowed := _methods(request)):
        headers["Allow"] = allowed
    return problem_response(
        http.status_code, detail, headers=headers, request_id=_request_id(request)
    )


def _methods(request: Request) -> str:
    """Return all methods of the path: the router names those of its first route alone."""
    path = getattr(request.scope.get("route"), "path", None)
    return ", ".join(sorted(map(str.upper, request.app.openapi()["paths"].get(path, ()))))


async def _validation(request: Request, error: Exception) -> Response:
    known = _body_fields(request)
    kind = request.headers.get("content-type", "")
    # curl -d says that it is a form.
    hint = "" if "json" in kind else "; send it with Content-Type: application/json"
    problems = _field_problems(cast(RequestValidationError, error).errors(), known, hint)
    listed = "; ".join(f"{problem['name']}: {problem['message']}" for problem in problems)
    return problem_response(422, listed, errors=problems, request_id=_request_id(request))


async def _parameter(request: Request, error: Exception) -> Response:
    parameter = cast(ParameterError, error)
    message = str(parameter).removeprefix(f"{parameter.parameter}: ")
    problem = FieldProblem(location="query", name=parameter.parameter, message=message)
    return problem_response(422, str(error), errors=[problem], request_id=_request_id(request))


async def _database(request: Request, error: Exception) -> Response:
    _logger.error("the database does not answer: %s", error)
    return problem_response(
        503,
        "the database does not answer; try again later",
        headers={"Retry-After": "5"},
        request_id=_request_id(request),
    )


async def _audit(request: Request, error: Exception) -> Response:
    _logger.error("the audit trail cannot be written: %s", error)
    return problem_response(
        503,
        "the change was not made, because the audit trail cannot be written; try again later",
        headers={"Retry-After": "5"},
        request_id=_request_id(request),
    )


def _body_fields(request: Request) -> list[str]:
    """Return the names that the body of the route may hold, for near matches."""
    dependant = getattr(request.scope.get("route"), "dependant", None)
    models = [field.field_info.annotation for field in getattr(dependant, "body_params", ())]
    return [name for model in models for name in getattr(model, "model_fields", {})]


def _field_problems(errors: Sequence[Any], known: Sequence[str], hint: str) -> list[FieldProblem]:
    """Return one problem per field; the branches of a union are joined into one message."""
    messages: dict[tuple[str, str], list[str]] = {}
    for error in errors:
        location, *path = (str(part) for part in error["loc"])
        # In a query the rest of the path names branches of a union or places in a list.
        name = path[0] if path and location != "body" else ".".join(path)
        message = error["msg"].removeprefix("Value error, ")
        if error["type"] == "extra_forbidden":
            message = f"unknown field{_hint(name, known)}"
        elif error["type"] == "literal_error":
            message += _hint(error["input"], _QUOTED.findall(error["ctx"]["expected"]))
        elif error["type"] == "model_attributes_type":
            message = f"must be a JSON object{hint}"
        if error["type"] == "json_invalid":
            name, message = "", f"not JSON: {error.get('ctx', {}).get('error', 'malformed')}"
        found = messages.setdefault((location, name or location), [])
        if message not in found:
            found.append(message)
    return [
        FieldProblem(location=location, name=name, message=", or ".join(found))
        for (location, name), found in messages.items()
    ]


def _hint(given: object, known: Sequence[str]) -> str:
    """Return the nearest of the known names; what was given is not repeated."""
    if not isinstance(given, str) or len(given) > 64:
        return ""
    by_case = {name.lower(): name for name in known}
    near = near_match(given.lower(), by_case)
    for lower, name in by_case.items():
        near = near.replace(f" {lower}?", f" {name}?")
    return near
