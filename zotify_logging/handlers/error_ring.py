"""What handlers have to say about themselves: a bounded ring, and now and then a line on stderr.

Never through ``logging``: an error inside a handler that logs would come back to the same handler.
"""

from __future__ import annotations

import logging
import sys
import time
from collections import deque
from dataclasses import dataclass

from ..sanitizing import escape_line

__all__ = ["RING_SIZE", "STDERR_INTERVAL", "HandlerProblem", "recent_problems", "report"]

RING_SIZE = 100
"""Problems remembered per process."""

STDERR_INTERVAL = 30.0
"""Seconds between two lines on stderr, at least."""


@dataclass(frozen=True)
class HandlerProblem:
    """One error inside a handler."""

    at: float
    handler: str
    text: str


_ring: deque[HandlerProblem] = deque(maxlen=RING_SIZE)
_next_line = 0.0


def report(handler: str, text: str, *, always: bool = False) -> None:
    """Remember a problem, and show it on stderr unless another was shown in the last 30 s.

    Args:
        handler: whose problem it is.
        text: one line, without secrets.
        always: show it in any case: the last word of a handler that lost records.

    Respects ``logging.raiseExceptions = False`` (nothing on stderr) and a closed or absent stderr.
    """
    global _next_line
    _ring.append(HandlerProblem(time.time(), handler, text))
    now = time.monotonic()
    if not always and now < _next_line:
        return
    if not logging.raiseExceptions or sys.stderr is None:
        return
    _next_line = now + STDERR_INTERVAL
    try:
        sys.stderr.write(f"zotify_logging: {escape_line(f'{handler}: {text}')}\n")
    except Exception:
        pass  # stderr is closed, or somebody's object that is no file: the ring has it


def recent_problems() -> tuple[HandlerProblem, ...]:
    """Return the problems remembered, oldest first."""
    return tuple(_ring)
