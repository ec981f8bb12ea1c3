"""Flushes and closes several handlers within one deadline, however stuck some of them are."""

from __future__ import annotations

import time
from collections.abc import Sequence

from ..handlers.error_ring import report
from ..registry import Registered
from ..sanitizing import safe_str

__all__ = ["DEFAULT_TIMEOUT", "close_all", "flush_all"]

DEFAULT_TIMEOUT = 5.0
"""Seconds for all handlers together, where none are given."""


def flush_all(handlers: Sequence[tuple[str, Registered]], timeout: float | None) -> bool:
    """Flush all of them within ``timeout`` seconds; tell whether all of it went."""
    deadline = time.monotonic() + (DEFAULT_TIMEOUT if timeout is None else timeout)
    waiting = handlers
    for _ in range(2):  # what the first ones left of the time is for those that needed more
        late: list[tuple[str, Registered]] = []
        for index, (name, handler) in enumerate(waiting):
            share = _share(deadline, len(waiting) - index)
            try:
                if not handler.flush(share):
                    late.append((name, handler))
            except Exception as error:
                late.append((name, handler))
                report(name, f"while flushing: {type(error).__name__}: {safe_str(error)}")
        waiting = late
    return not waiting


def close_all(handlers: Sequence[tuple[str, Registered]], timeout: float | None) -> bool:
    """Flush and close all of them within ``timeout`` seconds; tell whether nothing was left."""
    deadline = time.monotonic() + (DEFAULT_TIMEOUT if timeout is None else timeout)
    done = flush_all(handlers, _share(deadline, 2))
    for index, (name, handler) in enumerate(handlers):
        try:
            handler.close(_share(deadline, len(handlers) - index))
        except Exception as error:
            done = False
            report(name, f"while closing: {safe_str(error)}")
    return done


def _share(deadline: float, parts: int) -> float:
    """Return an equal part of the time left: a stuck handler leaves some to its siblings."""
    return max(0.0, deadline - time.monotonic()) / max(1, parts)
