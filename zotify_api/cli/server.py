"""uvicorn, made to end: open streams are told to finish, and nobody is waited for after that."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Callable, Generator
from typing import Any

import uvicorn
from fastapi import FastAPI

from zotify_api.settings import Settings

__all__ = ["ListenError", "Server", "listen", "make_server", "server_options"]


class ListenError(Exception):
    """The address cannot be listened on; the message names the cure."""


def listen(host: str, port: int) -> socket.socket:
    """Return a bound socket, so that a taken port is known before anything else is opened.

    Raises:
        ListenError: the port is taken, forbidden, or the host is not one of this machine's.
    """
    listener: socket.socket | None = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        listener = socket.socket(family, kind, protocol)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(2048)
    except OSError as error:
        if listener is not None:
            listener.close()
        raise ListenError(
            f"cannot listen on {host} port {port}: {error.strerror or error};"
            " choose another with --host and --port (ZOTIFY_HOST, ZOTIFY_PORT; 0 takes a free port)"
        ) from None
    return listener


class Server(uvicorn.Server):
    """A server that ends within two seconds of SIGTERM or Ctrl-C, however many streams are open.

    uvicorn waits for open responses, and a stream never ends by itself.

    Args:
        config: uvicorn's configuration.
        before_shutdown: told to end its streams when the server stops taking connections;
            must not block.
    """

    def __init__(self, config: uvicorn.Config, before_shutdown: Callable[[], None]) -> None:
        super().__init__(config)
        self._before_shutdown = before_shutdown

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End streams first, then as uvicorn does."""
        self._before_shutdown()
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Catch signals as uvicorn does, but do not raise them again when all is over.

        The default action of SIGTERM would end the process before the logs are flushed.
        """
        with super().capture_signals():
            try:
                yield
            finally:
                self._captured_signals.clear()


def make_server(app: FastAPI, settings: Settings, before_shutdown: Callable[[], None]) -> Server:
    """Return a server for the application; its loggers are ours, its access log is off."""
    return Server(uvicorn.Config(app, **server_options(settings)), before_shutdown)


def server_options(settings: Settings) -> dict[str, Any]:
    """Return how uvicorn serves, whether in this process or in several."""
    return {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": bool(settings.trusted_proxies),
        "forwarded_allow_ips": settings.trusted_proxies or None,
        "timeout_graceful_shutdown": 1,
        "lifespan": "on",
        "ws": "none",
    }
