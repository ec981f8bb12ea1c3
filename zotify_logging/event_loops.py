"""Tells whether this thread runs an event loop, and how long a log call may wait there."""

from __future__ import annotations

import sys

__all__ = ["EVENT_LOOP_PATIENCE", "lock_patience", "runs_event_loop"]

EVENT_LOOP_PATIENCE = 0.02
"""Seconds to wait for another process's lock in a thread that runs an event loop, at most."""


def runs_event_loop() -> bool:
    """Tell whether an asyncio event loop is running in the calling thread.

    asyncio is only asked when somebody has imported it: it costs a third of our own import.
    """
    # Another thread may be in the middle of importing it: then no loop runs here yet.
    running = getattr(sys.modules.get("asyncio.events"), "_get_running_loop", None)
    return running is not None and running() is not None


def lock_patience(lock_timeout: float) -> float:
    """Return how many seconds the calling thread may wait for another process's lock."""
    return min(lock_timeout, EVENT_LOOP_PATIENCE) if runs_event_loop() else lock_timeout
