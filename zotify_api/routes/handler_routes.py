"""``GET /api/logs/handlers``, and the closed patches of handlers and loggers."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from zotify_api.dependencies.access import CurrentRuntime, RequireScope
from zotify_api.dependencies.runtime import Runtime
from zotify_api.dependencies.strict_route import StrictRoute
from zotify_api.errors import ProblemError
from zotify_api.models.handlers_reply import HandlersReply
from zotify_api.models.log_control import ChangeReply, LogPatch, TargetKind
from zotify_api.models.problem import problem_responses
from zotify_api.services.control_file import ControlFullError
from zotify_logging import UnknownNameError

__all__ = ["router"]

router = APIRouter(prefix="/api/logs", tags=["logs"], route_class=StrictRoute)

Name = Annotated[str, Path(min_length=1, max_length=255)]


@router.get(
    "/handlers",
    dependencies=[Depends(RequireScope("logs:read"))],
    responses=problem_responses(401, 403, 503),
)
def list_handlers(runtime: CurrentRuntime) -> HandlersReply:
    """Return every handler with level, statistics and health: summed, and of each worker."""
    return runtime.handlers.read()


@router.patch(
    "/handlers/{name}",
    dependencies=[Depends(RequireScope("logs:control"))],
    responses=problem_responses(400, 401, 403, 404, 409, 413, 503),
)
def change_handler(name: Name, patch: LogPatch, runtime: CurrentRuntime) -> ChangeReply:
    """Change level or switch of a handler in all workers, for good or for a time; audited."""
    return _change(runtime, "handler", name, patch)


@router.patch(
    "/loggers/{name}",
    dependencies=[Depends(RequireScope("logs:control"))],
    responses=problem_responses(400, 401, 403, 404, 409, 413, 503),
)
def change_logger(name: Name, patch: LogPatch, runtime: CurrentRuntime) -> ChangeReply:
    """Change level or switch of a logger in all workers, for good or for a time; audited."""
    return _change(runtime, "logger", name, patch)


def _change(runtime: Runtime, kind: TargetKind, name: str, patch: LogPatch) -> ChangeReply:
    try:
        return runtime.control.change(kind, name, patch)
    except UnknownNameError as error:
        raise ProblemError(404, str(error)) from None
    except ControlFullError as error:
        raise ProblemError(409, str(error)) from None
    except OSError as error:
        raise ProblemError(
            503,
            "the change was not made, because it could not be stored for the other workers:"
            f" {error.strerror or error}",
            headers={"Retry-After": "5"},
        ) from None
