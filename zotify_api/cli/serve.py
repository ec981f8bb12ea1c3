"""``zotify-api serve``: open everything, say where it is, serve, close."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

from zotify_api.app import create_app
from zotify_api.cli.server import listen, make_server
from zotify_api.cli.workers import run_workers
from zotify_api.dependencies.runtime import Runtime, open_runtime
from zotify_api.security.key_ring import CHOSEN_NAME
from zotify_api.settings import Settings, load_settings

__all__ = ["run_serve"]


def run_serve(
    host: str | None, port: int | None, data_dir: Path | None, workers: int | None
) -> int:
    """Serve until SIGTERM or Ctrl-C; arguments that are given win over all settings."""
    settings = load_settings(host=host, port=port, data_dir=data_dir, workers=workers)
    listener = listen(settings.host, settings.port)
    with listener:
        runtime = open_runtime(settings)
        if settings.workers > 1:
            # What cannot be opened is told here, once, and the first key is made.
            runtime.close()
            _announce(_url(settings, listener), runtime)
            run_workers(settings, listener)
            return 0
        try:
            server = make_server(create_app(runtime=runtime), settings, runtime.streams.close)
            _announce(_url(settings, listener), runtime)
            server.run(sockets=[listener])
        finally:
            runtime.close()
    return 0


def _url(settings: Settings, listener: socket.socket) -> str:
    shown = f"[{settings.host}]" if ":" in settings.host else settings.host
    return f"http://{shown}:{listener.getsockname()[1]}"


def _announce(url: str, runtime: Runtime) -> None:
    settings = runtime.settings
    scopes = "scopes admin and audit:read"
    if settings.api_key is not None:
        key = f"the key is the one in {CHOSEN_NAME} ({scopes})"
    elif runtime.first_key is not None and sys.stderr.isatty():
        key = f"the first key is {runtime.first_key} ({scopes}), also in {settings.admin_key_file}"
    else:
        key = f"the first key is in {settings.admin_key_file} ({scopes})"
    print(f"zotify-api serves {url} from {settings.data_dir}; {key}", file=sys.stderr, flush=True)
