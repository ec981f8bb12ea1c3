"""Several processes that serve one socket, watched by uvicorn's own supervisor."""

from __future__ import annotations

import inspect
import os
import socket
from typing import Any

import uvicorn
from uvicorn.supervisors import Multiprocess

from zotify_api.cli.server import server_options
from zotify_api.settings import Settings

__all__ = ["run_workers"]

_FACTORY = "zotify_api.app.factory:create_app"


def run_workers(settings: Settings, listener: socket.socket) -> None:
    """Serve from ``settings.workers`` processes until SIGTERM or Ctrl-C.

    Each is a new interpreter that reads the settings for itself: those that were given as arguments
    go to it through the environment. One that dies is replaced.
    """
    os.environ["ZOTIFY_DATA_DIR"] = str(settings.data_dir)
    config = uvicorn.Config(
        _FACTORY, factory=True, workers=settings.workers, **server_options(settings)
    )
    listener.set_inheritable(True)
    # uvicorn 0.30 and its successors differ in whether they want the target told.
    supervisor: Any = Multiprocess
    if "target" in inspect.signature(supervisor).parameters:
        supervisor(config, target=uvicorn.Server(config).run, sockets=[listener]).run()
    else:
        supervisor(config, sockets=[listener]).run()
