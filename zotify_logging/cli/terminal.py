"""What a person at a terminal gets beside the output: colour, and a sign that work goes on.

Both only on a terminal. ``NO_COLOR`` (https://no-color.org) and ``TERM=dumb`` switch colours off.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO

__all__ = ["PATIENCE", "paint", "working"]

PATIENCE = 1.0
"""Seconds of silence before a command says that it is at work."""

_COLOURS = {"error": "31", "warning": "33", "note": "36", "good": "32", "strong": "1"}


def paint(text: str, colour: str, stream: IO[str] | None) -> str:
    """Return ``text`` in a colour (``error``, ``warning``, ``note``, ``good``, ``strong``)."""
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if _coloured(stream) else text


@contextmanager
def working(what: str) -> Iterator[None]:
    """Say on standard error that ``what`` is being done, if the block takes longer than a second.

    With rich a moving sign, without it a line that counts the seconds; nothing without a terminal.
    """
    if not _is_terminal(sys.stderr):
        yield
        return
    done = threading.Event()
    thread = threading.Thread(target=_show, args=(what, done), name="progress", daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


def _show(what: str, done: threading.Event) -> None:
    if done.wait(PATIENCE):
        return
    try:
        from rich.console import Console
    except ImportError:
        _count(what, done)
        return
    console = Console(stderr=True, no_color=not _coloured(sys.stderr))
    with console.status(f"{what} …"):
        done.wait()


def _count(what: str, done: threading.Event) -> None:
    begun = time.monotonic() - PATIENCE
    line = ""
    while not done.wait(0.2):
        line = f"{what} … {time.monotonic() - begun:.0f} s"
        sys.stderr.write(f"\r{line}")
        sys.stderr.flush()
    sys.stderr.write(f"\r{' ' * len(line)}\r")
    sys.stderr.flush()


def _coloured(stream: IO[str] | None) -> bool:
    wanted = not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return wanted and _is_terminal(stream)


def _is_terminal(stream: IO[str] | None) -> bool:
    """Tell it of a standard stream, which is ``None`` in a process started without (``>&-``)."""
    return stream is not None and stream.isatty()
