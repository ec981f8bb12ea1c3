"""Renames a full log to ``X.1`` and its predecessors up by one; deletes what is past ``keep``.

The caller holds ``X.lock``. A death between two renames leaves a hole in the numbers and nothing
else: every file is still there under one name.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

from .lock_file import try_flock

__all__ = ["PINNED", "close_live", "closed_numbers"]

PINNED = 100
"""Closed files past ``keep`` that may wait for their last writer; higher numbers are not ours."""


def close_live(path: str, keep: int) -> None:
    """Make the live file ``X.1``; the oldest past ``keep`` goes once no writer has it open.

    Raises:
        OSError: a rename failed; every file is still there.
    """
    for number in sorted(closed_numbers(path, keep), reverse=True):
        closed = f"{path}.{number}"
        if number < keep or not _delete_unless_open(closed):
            os.rename(closed, f"{path}.{number + 1}")
    os.rename(path, f"{path}.1")


def closed_numbers(path: str, keep: int) -> Iterator[int]:
    """Yield the numbers of the closed files of ``path`` that are ours, in no order.

    A date (``X.20261122``), a word or a leading zero is somebody else's file.
    """
    folder, name = os.path.split(path)
    with os.scandir(folder or ".") as found:
        for item in found:
            head, dot, tail = item.name.rpartition(".")
            if head == name and dot and tail.isascii() and tail.isdigit() and tail[0] != "0":
                if int(tail) <= keep + PINNED:
                    yield int(tail)


def _delete_unless_open(path: str) -> bool:
    """Delete a closed log file if no writer has it open any more; tell whether it is gone."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        if not try_flock(descriptor, exclusive=True):
            return False
        os.unlink(path)
        return True
    finally:
        os.close(descriptor)
