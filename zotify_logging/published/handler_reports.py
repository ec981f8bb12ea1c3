"""The live handlers of this process as data: class, level, whether on, health and ledger."""

from __future__ import annotations

import dataclasses
import logging

from .. import registry
from ..exceptions import UnknownNameError

__all__ = ["describe_handlers"]


def describe_handlers() -> dict[str, dict[str, object]]:
    """Return every live handler by name, JSON-able.

    Each has ``kind`` (its class), ``level``, ``enabled``, ``health`` (``status``, ``reasons``) and
    ``statistics`` (the attributes of ``HandlerStatistics``).
    """
    found: dict[str, dict[str, object]] = {}
    for name in registry.names():
        try:
            handler = registry.find(name)
        except UnknownNameError:  # gone since
            continue
        health = handler.health()
        found[name] = {
            "kind": type(handler).__name__,
            "level": logging.getLevelName(handler.level),
            "enabled": handler.enabled,
            "health": {"status": health.status, "reasons": list(health.reasons)},
            "statistics": dataclasses.asdict(handler.statistics()),
        }
    return found
