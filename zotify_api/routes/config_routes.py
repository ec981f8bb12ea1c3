"""``GET`` and ``PATCH /api/config``."""

from __future__ import annotations

from fastapi import APIRouter, Depends

from zotify_api.dependencies.access import CurrentRuntime, RequireScope
from zotify_api.dependencies.strict_route import StrictRoute
from zotify_api.errors import FieldProblem, ProblemError
from zotify_api.models.config import Config, ConfigPatch
from zotify_api.models.problem import problem_responses
from zotify_api.services.config_service import ConfigValueError

__all__ = ["router"]

router = APIRouter(prefix="/api/config", tags=["config"], route_class=StrictRoute)


@router.get("", responses=problem_responses(401, 503))
def read_config(runtime: CurrentRuntime) -> Config:
    """Return the configuration in force; any key may."""
    return runtime.config.current()


@router.patch(
    "",
    dependencies=[Depends(RequireScope("config:write"))],
    responses=problem_responses(400, 401, 403, 413, 503),
)
def change_config(patch: ConfigPatch, runtime: CurrentRuntime) -> Config:
    """Change what is given, all of it or nothing; audited with old and new values."""
    try:
        return runtime.config.change(patch)
    except ConfigValueError as error:
        problem = FieldProblem(location="body", name=error.name, message=str(error))
        raise ProblemError(422, f"{error.name}: {error}", errors=[problem]) from None
