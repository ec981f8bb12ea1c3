"""Where an event goes that could not be put into the chain: a file beside it, else stderr."""

from __future__ import annotations

import os
import sys

from ..storage.appender import append_all

__all__ = ["keep_aside"]

_FLAGS = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


def keep_aside(path: str, line: str) -> str | None:
    """Append ``line`` to the fallback file, made with mode 0600; else write it to stderr.

    Needs no lock: it is one append. Never raises an ``Exception``.

    Returns:
        Where the line went, ``None`` if nowhere.
    """
    data = line.encode("ascii", "backslashreplace") + b"\n"
    try:
        descriptor = os.open(path, _FLAGS, 0o600)
        try:
            append_all(descriptor, data)
        finally:
            os.close(descriptor)
    except OSError:
        pass
    else:
        return path
    try:
        stream = sys.stderr
        stream.write(line + "\n")
        stream.flush()
    except Exception:  # stderr is None, closed, or full
        return None
    return "stderr"
