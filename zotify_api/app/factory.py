"""Makes the FastAPI application. Nothing is opened or created before its lifespan begins."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
import signal
import threading
from collections.abc import AsyncIterator, Callable
from types import FrameType
from typing import Any

from anyio import to_thread
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from sqlalchemy.exc import SQLAlchemyError

from zotify_api.app.body_limit import BodyLimitMiddleware
from zotify_api.app.problems import install_problem_handlers
from zotify_api.app.request_log import RequestLogMiddleware
from zotify_api.dependencies.runtime import Runtime, installed_version, open_runtime
from zotify_api.models.problem import Problem
from zotify_api.routes import (
    audit_routes,
    config_routes,
    handler_routes,
    health_routes,
    job_log_routes,
    job_routes,
    stream_routes,
    sync_routes,
)
from zotify_api.security.authentication import AuthenticationMiddleware
from zotify_api.services.job_service import JobRunningError
from zotify_api.services.sync_service import NoLibraryError
from zotify_api.settings import Settings, load_settings

__all__ = ["create_app"]

_logger = logging.getLogger("zotify_api")

_LOOK_EVERY = 5.0
_LOST_EVERY = 12  # looks between two for jobs whose worker is gone

_Handler = Callable[[int, FrameType | None], object]

_ROUTERS = (
    health_routes.router,
    stream_routes.router,
    audit_routes.router,
    job_log_routes.router,
    handler_routes.router,
    config_routes.router,
    sync_routes.router,
    job_routes.router,
)


def create_app(settings: Settings | None = None, runtime: Runtime | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: read from the environment and ``zotify.toml`` when left out.
        runtime: an opened runtime, which the caller closes; when left out the application opens
            one as it starts and closes it as it ends.

    Raises:
        SettingsError: ``settings`` were left out and cannot be used.
    """
    if runtime is not None:
        settings = runtime.settings
    chosen = settings or load_settings()

    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        opened = runtime
        if opened is None:
            opened = await to_thread.run_sync(open_runtime, chosen)
        app.state.runtime = opened
        if runtime is None:
            _end_streams_at_signals(opened)
        await to_thread.run_sync(opened.begin)
        watch = asyncio.create_task(_look_after(opened))
        await to_thread.run_sync(_begin_jobs, opened)
        _logger.info("zotify_api %s is up", installed_version())
        try:
            yield
        finally:
            watch.cancel()
            opened.streams.close()
            if runtime is None:
                await to_thread.run_sync(opened.close)

    app = FastAPI(
        title="Zotify logging API",
        version=installed_version(),
        description="The system log live, the audit trail, the job logs, and a library scan.",
        lifespan=lifespan,
        docs_url=None,  # both load scripts from a CDN
        redoc_url=None,
        redirect_slashes=False,
    )
    for router in _ROUTERS:
        app.include_router(router)
    install_problem_handlers(app)
    # The last one added sees a request first.
    app.add_middleware(BodyLimitMiddleware)
    app.add_middleware(AuthenticationMiddleware)
    app.add_middleware(RequestLogMiddleware)
    _complete_openapi(app)
    return app


async def _look_after(runtime: Runtime) -> None:
    for count in itertools.count(1):
        await asyncio.sleep(_LOOK_EVERY)
        await to_thread.run_sync(runtime.refusals.write_due)
        if count % _LOST_EVERY == 0:
            await to_thread.run_sync(_close_lost_jobs, runtime)


def _close_lost_jobs(runtime: Runtime) -> None:
    try:
        runtime.jobs.mark_lost()
    except SQLAlchemyError as error:  # the database is away: in a minute again
        _logger.warning("lost jobs could not be looked for: %s", error)


def _end_streams_at_signals(runtime: Runtime) -> None:
    """End open streams as soon as the process is told to end.

    Servers that are not ours wait for open responses first, and a stream never ends by itself.
    """
    if threading.current_thread() is not threading.main_thread():
        return  # only there can signals be caught
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        before = signal.getsignal(number)
        if not callable(before):
            continue

        def told(sign: int, frame: FrameType | None, then: _Handler = before) -> None:
            loop.call_soon_threadsafe(runtime.streams.close)
            then(sign, frame)

        signal.signal(number, told)


def _begin_jobs(runtime: Runtime) -> None:
    runtime.jobs.mark_lost()
    if runtime.config.current().scan_on_startup:
        try:
            runtime.sync.start()
        except (JobRunningError, NoLibraryError) as error:
            _logger.warning("no scan at start: %s", error)


def _complete_openapi(app: FastAPI) -> None:
    """Add to the generated document how keys are sent and what a problem looks like."""

    def document() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = get_openapi(
                title=app.title,
                version=app.version,
                description=app.description,
                routes=app.routes,
            )
            components = schema.setdefault("components", {})
            problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
            schemas = components.setdefault("schemas", {})
            schemas.update(problem.pop("$defs", {}))
            schemas["Problem"] = problem
            components["securitySchemes"] = {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            }
            schema["security"] = [{"key": []}, {"bearer": []}]
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = document  # type: ignore[method-assign]
