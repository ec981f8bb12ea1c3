"""Errors as ``application/problem+json`` (RFC 9457), and the exception that carries one.

A problem says what was wrong, where, and what would be right. It never holds a traceback, a key
(wherever the caller has put it) or the rejected value of a secret.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import TypedDict

from starlette.responses import Response

from zotify_api.concealment import conceal

__all__ = ["MEDIA_TYPE", "FieldProblem", "ProblemError", "problem_response"]

MEDIA_TYPE = "application/problem+json"


class FieldProblem(TypedDict):
    """One wrong parameter or field: where it is, its name, and the rule it breaks."""

    location: str
    name: str
    message: str


class ProblemError(Exception):
    """Raised by routes and dependencies to answer with a problem document.

    Args:
        status: the HTTP status.
        detail: what was wrong and what would be right, in one sentence for a person.
        errors: single fields at fault.
        headers: additional response headers, such as ``Retry-After``.
    """

    def __init__(  # noqa: B042  # never pickled; str() must be the detail alone
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.errors = tuple(errors)
        self.headers = dict(headers or {})

    def __str__(self) -> str:
        """Return what was wrong."""
        return self.detail

    def response(self, request_id: str | None = None) -> Response:
        """Return the HTTP response of this problem."""
        return problem_response(
            self.status,
            self.detail,
            errors=self.errors,
            headers=self.headers,
            request_id=request_id,
        )


def problem_response(
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
    request_id: str | None = None,
) -> Response:
    """Return a problem document as a response; ``request_id`` lets a user quote it."""
    document: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": conceal(detail),
    }
    if request_id is not None:
        document["request_id"] = request_id
    if errors:
        document["errors"] = [
            {member: conceal(str(text)) for member, text in problem.items()} for problem in errors
        ]
    # ASCII: a rejected value quoted in the text may hold lone surrogates, which UTF-8 cannot carry.
    body = json.dumps(document, ensure_ascii=True).encode("ascii")
    return Response(
        body,
        status,
        headers={"Cache-Control": "no-store", **(headers or {})},
        media_type=MEDIA_TYPE,
    )
