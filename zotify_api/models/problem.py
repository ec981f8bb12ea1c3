"""The problem document as OpenAPI shows it, and the answers that every route can give."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from zotify_api.models.strict import Outgoing

__all__ = ["Problem", "ProblemField", "problem_responses"]


class ProblemField(Outgoing):
    """One parameter or field at fault."""

    location: str = Field(description="Where it is: query, path, header or body.")
    name: str = Field(description="Its name; nested fields joined by dots.")
    message: str = Field(description="The rule it breaks and how to write it.")


class Problem(Outgoing):
    """RFC 9457 problem document: every error of this API."""

    type: str = "about:blank"
    title: str = Field(description="The status as words.")
    status: int
    detail: str = Field(description="What was wrong and what would be right.")
    request_id: str | None = Field(None, description="Find the request in the logs by this.")
    errors: list[ProblemField] | None = Field(None, description="Single fields at fault.")


_MEANINGS = {
    400: "A cursor or body that cannot be read.",
    401: "No valid key.",
    403: "The key is valid but lacks the scope.",
    404: "Nothing of that name.",
    406: "No acceptable form.",
    409: "In conflict with what is running or kept.",
    410: "The data that the cursor points at is gone.",
    413: "The body is too large.",
    422: "A parameter or field that is unknown, repeated or malformed; it is named.",
    429: "Too many; Retry-After says when.",
    500: "An error of ours; the log has it under the request id.",
    503: "A store is away; Retry-After says when to try again.",
}


def problem_responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return the ``responses`` of a route for these statuses, and the ones all routes share."""
    return {
        status: {
            "description": _MEANINGS[status],
            "content": {
                "application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}
            },
        }
        for status in sorted({*statuses, 422, 429, 500})
    }
