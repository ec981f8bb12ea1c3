"""ASGI middleware: no valid key, no entry. The body is not read and nothing is validated before."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from anyio import to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from zotify_api.concealment import conceal, presented_keys
from zotify_api.errors import ProblemError
from zotify_api.security.client_address import address_of, refusal_group
from zotify_api.security.key_ring import KeysUnavailableError
from zotify_api.security.refusal_log import Refusal
from zotify_logging.context import bind

if TYPE_CHECKING:
    from zotify_api.security.key_ring import KeyRing
    from zotify_api.security.refusal_log import RefusalLog
    from zotify_api.security.wrong_key_limit import WrongKeyLimit

__all__ = ["OPEN_PATHS", "AuthenticationMiddleware", "Gate"]

OPEN_PATHS = frozenset({"/api/health", "/api/health/ready", "/openapi.json"})
"""Paths that need no key; compared exactly."""

_HOW = "send a key in the X-API-Key header, or as Authorization: Bearer"


class Gate(Protocol):
    """What the middleware needs of the running application."""

    @property
    def key_ring(self) -> KeyRing: ...  # noqa: D102
    @property
    def refusals(self) -> RefusalLog: ...  # noqa: D102
    @property
    def wrong_keys(self) -> WrongKeyLimit: ...  # noqa: D102


class _AmbiguousKeyError(Exception):
    pass


class AuthenticationMiddleware:
    """Puts the key's :class:`Principal` into ``scope["state"]``, or answers 401, 429 or 503.

    ``app.state.runtime`` must be a :class:`Gate` once requests arrive.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request through, or answer it here."""
        if scope["type"] != "http" or scope["path"] in OPEN_PATHS:
            await self._app(scope, receive, send)
            return
        gate: Gate = scope["app"].state.runtime
        try:
            await self._admit(gate, scope)
        except ProblemError as problem:
            await problem.response(scope["state"].get("request_id"))(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _admit(self, gate: Gate, scope: Scope) -> None:
        try:
            key = _presented_key(scope)
        except _AmbiguousKeyError:
            await self._refuse(gate, scope, "ambiguous_key")
            raise _unauthorized(f"two different keys in one request; {_HOW}") from None
        if key is None:
            await self._refuse(gate, scope, "missing_key")
            raise _unauthorized(f"no key in the request; {_HOW}")
        ring = gate.key_ring
        try:
            if ring.stale:
                principal = await to_thread.run_sync(ring.find, key)
            else:
                principal = ring.find(key)
            if principal is None and ring.may_have_new_keys:
                principal = await to_thread.run_sync(ring.find_anew, key)
        except KeysUnavailableError as error:
            raise ProblemError(
                503, f"{error}; try again later", headers={"Retry-After": "5"}
            ) from None
        if principal is None:
            wait = gate.wrong_keys.record(refusal_group(address_of(scope)))
            if wait is not None:
                await self._refuse(gate, scope, "too_many_wrong_keys")
                raise ProblemError(
                    429,
                    "too many wrong keys from this address; a valid key is answered at any time",
                    headers={"Retry-After": str(wait)},
                )
            await self._refuse(gate, scope, "wrong_key")
            raise _unauthorized(f"this key is not valid (unknown or revoked); {_HOW}")
        scope["state"]["principal"] = principal
        bind(user_id=principal.name)

    async def _refuse(self, gate: Gate, scope: Scope, kind: str) -> None:
        address = address_of(scope)
        refusal = Refusal(
            address,
            kind,
            scope["method"],
            conceal(scope["path"]),
            scope["state"].get("request_id", ""),
        )
        if gate.refusals.add(refusal, refusal_group(address)):
            await to_thread.run_sync(gate.refusals.write_first, refusal)


def _presented_key(scope: Scope) -> str | None:
    """Return the one key in the headers, ``None`` without any."""
    keys = presented_keys(scope)
    if len(keys) > 1:
        raise _AmbiguousKeyError
    return next(iter(keys), None)


def _unauthorized(detail: str) -> ProblemError:
    return ProblemError(401, detail, headers={"WWW-Authenticate": "Bearer"})
