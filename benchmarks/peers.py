"""The contestants of ``emit.py``, each set up as its own documentation shows it.

All write ``<time> <level> <logger> <message>`` for the same call. What differs, and why:

- **logging** (FileHandler, RotatingFileHandler), **concurrent-log-handler**, **picologging**: a
  ``Formatter`` with ``%(asctime)s %(levelname)s %(name)s %(message)s``; stdlib knows milliseconds
  only, so the time is ``2026-11-22T10:00:00.000Z`` in UTC (picologging: seconds, local time).
- **loguru**: ``logger.add(path, format=..., rotation=bytes)`` with microseconds in UTC; its
  messages are ``str.format`` patterns, so the call has ``{}`` for ``%d``; the name is the module's.
- **structlog**: its fast documented set-up, a filtering bound logger over ``WriteLogger``, an ISO
  time stamp in UTC, and a last processor that lays out the line. It never rotates.
- **python-json-logger**: its JSON, orjson and msgspec formatters on ``FileHandler``, with the
  members that our JSON lines have. It never rotates.

Peers that rotate do so at the same size, and keep enough files that none is deleted.
"""

from __future__ import annotations

import importlib
import importlib.util
import logging
import logging.handlers
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from harness import Peer, Target

__all__ = ["KEEP", "LOGGER", "disabled", "json_peers", "stdlib_target", "text_peers"]

LOGGER = "bench.emit"
KEEP = 20
LAYOUT = "%(asctime)s %(levelname)s %(name)s %(message)s"


def utc_formatter() -> logging.Formatter:
    """Return stdlib's formatter, told by its documented attributes to write RFC 3339 in UTC."""
    formatter = logging.Formatter(LAYOUT)
    formatter.converter = time.gmtime
    formatter.default_time_format = "%Y-%m-%dT%H:%M:%S"
    formatter.default_msec_format = "%s.%03dZ"
    return formatter


def absence(module: str) -> str:
    """Return why ``module`` cannot be imported, or an empty text when it can."""
    return "" if importlib.util.find_spec(module) else f"{module} is not installed"


def stdlib_target(handler: logging.Handler, *, disabled: bool = False) -> Target:
    """Attach ``handler`` to the one logger of the benchmark; ``disabled`` times ``debug`` calls."""
    logger = logging.getLogger(LOGGER)
    logger.setLevel(logging.INFO)
    logger.propagate = False
    logger.addHandler(handler)

    def close() -> None:
        logger.removeHandler(handler)
        handler.close()

    return Target(log=logger.debug if disabled else logger.info, close=close)


def formatted(handler: logging.Handler) -> logging.Handler:
    """Give ``handler`` the common layout."""
    handler.setFormatter(utc_formatter())
    return handler


def start_file(directory: Path) -> Target:
    """Stdlib's FileHandler."""
    return stdlib_target(formatted(logging.FileHandler(directory / "app.log", encoding="utf-8")))


def start_rotating(max_bytes: int) -> Callable[[Path], Target]:
    """Stdlib's RotatingFileHandler."""

    def start(directory: Path) -> Target:
        handler = logging.handlers.RotatingFileHandler(
            directory / "app.log", maxBytes=max_bytes, backupCount=KEEP, encoding="utf-8"
        )
        return stdlib_target(formatted(handler))

    return start


def start_concurrent(max_bytes: int) -> Callable[[Path], Target]:
    """concurrent-log-handler: rotation under a lock between processes, as ours."""

    def start(directory: Path) -> Target:
        module: Any = importlib.import_module("concurrent_log_handler")
        handler: logging.Handler = module.ConcurrentRotatingFileHandler(
            str(directory / "app.log"), maxBytes=max_bytes, backupCount=KEEP, encoding="utf-8"
        )
        return stdlib_target(formatted(handler))

    return start


def start_loguru(max_bytes: int) -> Callable[[Path], Target]:
    """loguru with one rotating file sink."""

    def start(directory: Path) -> Target:
        logger: Any = importlib.import_module("loguru").logger
        logger.remove()
        sink = logger.add(
            directory / "app.log",
            format="{time:YYYY-MM-DDTHH:mm:ss.SSSSSS!UTC}Z {level} {name} {message}",
            level="INFO",
            rotation=max_bytes,
        )
        return Target(
            log=logger.info,
            close=lambda: logger.remove(sink),
            pattern="user {} downloaded track {} in {:.3f} seconds",
        )

    return start


def start_structlog(directory: Path) -> Target:
    """structlog writing by itself, the fastest of its documented ways."""
    import structlog
    from structlog.typing import EventDict, WrappedLogger

    def lay_out(logger: WrappedLogger, method: str, event: EventDict) -> str:
        return f"{event['timestamp']} {event['level'].upper()} {event['logger']} {event['event']}"

    file = open(directory / "app.log", "a", encoding="utf-8")  # noqa: SIM115 — closed by the target
    logger: structlog.typing.FilteringBoundLogger = structlog.wrap_logger(
        structlog.WriteLogger(file),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            lay_out,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    ).bind(logger=LOGGER)
    return Target(log=logger.info, close=file.close)


def start_picologging(max_bytes: int) -> Callable[[Path], Target]:
    """picologging's own logger and rotating handler, in C++."""

    def start(directory: Path) -> Target:
        module: Any = importlib.import_module("picologging")
        handlers: Any = importlib.import_module("picologging.handlers")
        handler = handlers.RotatingFileHandler(
            str(directory / "app.log"), maxBytes=max_bytes, backupCount=KEEP, encoding="utf-8"
        )
        # Without a date format it prints undefined bytes (0.9.3); stdlib's milliseconds it has not.
        handler.setFormatter(module.Formatter(LAYOUT, datefmt="%Y-%m-%dT%H:%M:%S"))
        logger = module.getLogger(LOGGER)
        logger.setLevel(module.INFO)
        logger.addHandler(handler)

        def close() -> None:
            logger.removeHandler(handler)
            handler.close()

        return Target(log=logger.info, close=close)

    return start


def start_python_json_logger(module: str, formatter: str) -> Callable[[Path], Target]:
    """python-json-logger's ``formatter`` on FileHandler, with the members of our JSON lines."""

    def start(directory: Path) -> Target:
        factory: Any = getattr(importlib.import_module(f"pythonjsonlogger.{module}"), formatter)
        handler = logging.FileHandler(directory / "app.jsonl", encoding="utf-8")
        handler.setFormatter(
            factory(
                "%(levelname)s %(name)s %(message)s",
                rename_fields={"levelname": "level", "name": "logger"},
                timestamp=True,
            )
        )
        return stdlib_target(handler)

    return start


def text_peers(max_bytes: int) -> list[Peer]:
    """Return the peers of E1; those that rotate do so at ``max_bytes``."""
    return [
        Peer("NullHandler", lambda directory: stdlib_target(logging.NullHandler()), writes=False),
        Peer("FileHandler", start_file),
        Peer("RotatingFileHandler", start_rotating(max_bytes)),
        Peer(
            "concurrent-log-handler", start_concurrent(max_bytes), absence("concurrent_log_handler")
        ),
        Peer("loguru", start_loguru(max_bytes), absence("loguru")),
        Peer("structlog", start_structlog, absence("structlog")),
        Peer("picologging", start_picologging(max_bytes), absence("picologging")),
    ]


def json_peers() -> list[Peer]:
    """Return the peers of E2: python-json-logger on FileHandler with each of its encoders."""
    return [
        Peer("python-json-logger (json)", start_python_json_logger("json", "JsonFormatter")),
        Peer(
            "python-json-logger (orjson)",
            start_python_json_logger("orjson", "OrjsonFormatter"),
            absence("orjson"),
        ),
        Peer(
            "python-json-logger (msgspec)",
            start_python_json_logger("msgspec", "MsgspecFormatter"),
            absence("msgspec"),
        ),
    ]


def disabled(directory: Path) -> Target:
    """Stdlib's FileHandler behind a ``debug`` call that the level refuses."""
    handler = formatted(logging.FileHandler(directory / "app.log", encoding="utf-8"))
    return stdlib_target(handler, disabled=True)
