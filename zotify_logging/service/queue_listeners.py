"""Threads of stdlib's queue handlers: whoever started the old one's has the new one's started."""

from __future__ import annotations

import logging

__all__ = ["is_listening", "start_listening", "stop_listening"]


def is_listening(handler: logging.Handler | None) -> bool:
    """Tell whether a handler has a ``QueueListener`` (from Python 3.12 on) that is running."""
    return getattr(getattr(handler, "listener", None), "_thread", None) is not None


def start_listening(handler: logging.Handler) -> None:
    """Start a handler's listener, if it has one."""
    listener = getattr(handler, "listener", None)
    if listener is not None and not is_listening(handler):
        listener.start()


def stop_listening(handler: logging.Handler) -> None:
    """Stop a handler's listener, if it runs, once it has handled all that is queued."""
    if is_listening(handler):
        getattr(handler, "listener").stop()  # noqa: B009 - not every handler has one
