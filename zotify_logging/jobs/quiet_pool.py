"""Keeps SQLAlchemy from asking ``logging`` anything while our writer thread uses it.

``logging.config.dictConfig`` holds logging's own lock while it flushes and closes handlers. A
writer thread that then asks a logger for its level would wait for that lock, and the flush for the
writer: until ``close_timeout``, with the entries lost. A disabled logger answers without the lock.
"""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.pool import QueuePool

__all__ = ["QuietPool", "silence"]

_silent = logging.Logger("zotify_logging.jobs.silent")
_silent.disabled = True


class QuietPool(QueuePool):
    """A ``QueuePool`` that never logs, also after a fork or ``dispose`` has made it anew."""

    def __init__(self, *args: Any, **options: Any) -> None:
        """Take what ``QueuePool`` takes."""
        super().__init__(*args, **options)
        self.logger = _silent


def silence(engine: Engine) -> Engine:
    """Make an engine with a :class:`QuietPool` log nothing at all, and return it."""
    engine.logger = _silent
    return engine
