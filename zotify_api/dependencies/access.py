"""What a route asks of its caller, and how it gets at the runtime."""

from __future__ import annotations

from typing import Annotated, cast

from anyio import to_thread
from fastapi import Depends, Request

from zotify_api.concealment import conceal
from zotify_api.dependencies.runtime import Runtime
from zotify_api.errors import ProblemError
from zotify_api.security.client_address import address_of, refusal_group
from zotify_api.security.refusal_log import Refusal
from zotify_api.security.scopes import Principal

__all__ = ["CurrentPrincipal", "CurrentRuntime", "RequireScope", "principal_of", "runtime_of"]


def runtime_of(request: Request) -> Runtime:
    """Return the parts of the running API."""
    return cast(Runtime, request.app.state.runtime)


def principal_of(request: Request) -> Principal:
    """Return the key behind the request; the middleware has let no other request through."""
    return cast(Principal, request.scope["state"]["principal"])


CurrentRuntime = Annotated[Runtime, Depends(runtime_of)]
CurrentPrincipal = Annotated[Principal, Depends(principal_of)]


class RequireScope:
    """Dependency of a route whose key must hold a scope; runs before the body is read.

    Args:
        scope: one of :data:`zotify_api.security.scopes.SCOPES`.
    """

    def __init__(self, scope: str) -> None:
        self.scope = scope

    def __call__(self, request: Request) -> None:
        """Do nothing: :meth:`check` has run when FastAPI gets here; it stands in the signature."""

    async def check(self, request: Request) -> None:
        """Answer 403, and audit it, if the caller's key lacks the scope."""
        principal = principal_of(request)
        if principal.may(self.scope):
            return
        runtime = runtime_of(request)
        address = address_of(request.scope)
        refusal = Refusal(
            address,
            "missing_scope",
            request.method,
            conceal(request.scope["path"]),
            request.scope["state"].get("request_id", ""),
            key_name=principal.name,
            scope=self.scope,
        )
        if runtime.refusals.add(refusal, refusal_group(address) + " " + principal.name):
            await to_thread.run_sync(runtime.refusals.write_first, refusal)
        raise ProblemError(
            403, f"the key {principal.name!r} is valid but lacks the scope {self.scope}"
        )
