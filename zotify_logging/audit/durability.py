"""When the bytes of a trail are pushed to the disk itself."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable
from queue import Empty, SimpleQueue

__all__ = ["MAX_UNSYNCED_EVENTS", "MAX_UNSYNCED_SECONDS", "IntervalSync", "sync_data"]

MAX_UNSYNCED_EVENTS = 100
"""Events of this process that a power loss may cost with ``durability="interval"``."""

MAX_UNSYNCED_SECONDS = 1.0
"""Age of the oldest of them, in seconds."""

# macOS has no fdatasync; its fsync leaves the drive's own cache alone, as fdatasync does there.
sync_data: Callable[[int], None] = getattr(os, "fdatasync", os.fsync)


class IntervalSync:
    """Has a trail synced after 100 events by their writer, and after a second by a thread.

    The thread is a daemon, started by the first event, and sleeps while there is nothing to sync; a
    forked child starts its own. It holds the trail weakly and ends with it.

    Args:
        sync: pushes everything written so far to the disk; a bound method.
        tell: hears of a disk that failed; a bound method. What was written stays written, so that
            no writer is told; the next event tries again.
    """

    def __init__(self, sync: Callable[[], None], tell: Callable[[OSError], None]) -> None:
        self._sync = weakref.WeakMethod(sync)
        self._tell = weakref.WeakMethod(tell)
        self._unsynced = 0
        self._thread: threading.Thread | None = None
        self._wake: SimpleQueue[bool] = SimpleQueue()  # True = there is work, False = end

    def wrote(self) -> bool:
        """Count one event; tell whether its writer has to sync now."""
        self._unsynced += 1
        if self._unsynced >= MAX_UNSYNCED_EVENTS:
            return True
        if self._unsynced == 1:
            self._wake.put(True)
            if self._thread is None:
                self._thread = threading.Thread(
                    target=_watch,
                    args=(weakref.ref(self), self._wake),
                    name="zotify-audit-sync",
                    daemon=True,
                )
                try:
                    self._thread.start()
                except RuntimeError:  # the interpreter is shutting down: sync at once instead
                    return True
        return False

    def take(self) -> bool:
        """Tell whether anything is unsynced, and begin to count anew. Call it before the sync."""
        unsynced, self._unsynced = self._unsynced, 0
        return unsynced > 0

    def failed(self) -> None:
        """Have the next event sync: what :meth:`take` counted off is not on the disk."""
        self._unsynced = MAX_UNSYNCED_EVENTS

    def leave(self, descriptor: int) -> None:
        """Sync a file that is about to be closed for good, if anything is unsynced."""
        if not self.take():
            return
        try:
            sync_data(descriptor)
        except OSError as error:
            self._say(error)

    def stop(self) -> None:
        """End the thread; the next event starts another one."""
        if self._thread is not None:
            self._thread = None
            self._wake.put(False)
            self._wake = SimpleQueue()

    def after_fork_in_child(self) -> None:
        """Forget the parent's thread and events."""
        self._unsynced = 0
        self._thread = None
        self._wake = SimpleQueue()

    def sync_if_needed(self) -> None:
        """Sync if anything is unsynced, and tell of a disk that fails; never raises OSError."""
        sync = self._sync()
        if sync is not None and self._unsynced:
            try:
                sync()
            except OSError as error:
                self._say(error)

    def _say(self, error: OSError) -> None:
        tell = self._tell()
        if tell is not None:
            tell(error)

    def __del__(self) -> None:
        self._wake.put(False)


def _watch(reference: weakref.ref[IntervalSync], wake: SimpleQueue[bool]) -> None:
    while wake.get():
        deadline = time.monotonic() + MAX_UNSYNCED_SECONDS
        while (left := deadline - time.monotonic()) > 0:
            try:
                if not wake.get(timeout=left):
                    return
            except Empty:
                break
        owner = reference()
        if owner is None:
            return
        owner.sync_if_needed()
        del owner
