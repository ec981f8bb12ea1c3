"""Wakes the followers of this process when a log grows: one thread for all of them.

The thread starts with the first subscriber and ends with the last. It looks at each followed path
at least every 250 ms, which is how other processes' lines, rotation and replacement are seen; a
handler in this process wakes it at once through a :class:`Waker`. It reads nothing and logs
nothing, and it holds subscribers weakly: one that is dropped without ``close()`` does not keep the
thread alive.

After a fork the child has no thread and no subscribers; its first own subscriber starts anew.
"""

from __future__ import annotations

import os
import queue
import threading
import time
import weakref
from typing import Protocol

from ..forks import on_fork

__all__ = ["POLL_SECONDS", "Follows", "Hub", "Waker", "default_hub", "waker"]

POLL_SECONDS = 0.25
"""Seconds between two looks at a path, at most."""

_PAUSE_SECONDS = 0.002  # lines written within it wake their readers once, not each

_Signature = tuple[int, int, int, int] | None


class Follows(Protocol):
    """What the hub knows of a subscriber."""

    @property
    def path(self) -> str:
        """The live file, as an absolute path."""

    @property
    def due(self) -> float | None:
        """Monotonic time at which it wants to be notified although no file has changed."""

    def notify(self) -> None:
        """Have a look. Called from the hub's thread; must return at once and not raise."""


class Waker:
    """A writer's end: tells followers in this process that the log has just grown.

    Attributes:
        active: whether anybody in this process follows the log: a plain attribute, so that a
            writer pays nothing while nobody does.
    """

    __slots__ = ("active", "_queue", "_signalled", "__weakref__")

    def __init__(self) -> None:
        self.active = False
        self._queue: queue.SimpleQueue[bool] | None = None
        self._signalled = False

    def wake(self) -> None:
        """Wake the followers. Callable anywhere: takes no lock, safe in signal handlers."""
        signals = self._queue
        if signals is not None and not self._signalled:
            self._signalled = True
            signals.put(True)

    def attach(self, signals: queue.SimpleQueue[bool] | None) -> None:
        """Put wake-ups into ``signals`` from now on; ``None``: nobody follows."""
        self._queue = signals
        self._signalled = False
        self.active = signals is not None

    def clear(self) -> None:
        """Take note of a wake-up, before looking at the file: a later one signals again."""
        self._signalled = False


class Hub:
    """The watcher of this process; see the module. All methods may be called by any thread."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._wakers: weakref.WeakValueDictionary[str, Waker] = weakref.WeakValueDictionary()
        self._members: dict[str, weakref.WeakSet[Follows]] = {}
        self._held: dict[str, Waker] = {}  # keeps the wakers of followed paths
        self._signatures: dict[str, _Signature] = {}
        self._untold: weakref.WeakSet[Follows] = weakref.WeakSet()
        self._signals: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        on_fork(self)

    def waker(self, path: str | os.PathLike[str]) -> Waker:
        """Return the waker of a log, the same for all who ask; keep it for as long as you write."""
        return self._waker(_identity(path))

    def _waker(self, key: str) -> Waker:
        with self._lock:
            found = self._wakers.get(key)
            if found is None:
                found = self._wakers[key] = Waker()
            return found

    def add(self, member: Follows) -> None:
        """Notify ``member`` of changes from now on; add it before its first read."""
        key = _identity(member.path)
        with self._lock:
            self._members.setdefault(key, weakref.WeakSet()).add(member)
            # What it reads first may be gone at the next look: that look tells it in any case.
            self._untold.add(member)
            waker = self._held[key] = self._waker(key)
            if self._thread is None:
                self._signals = queue.SimpleQueue()
                self._thread = threading.Thread(
                    target=self._watch, name="zotify-log-hub", daemon=True
                )
                for held in self._held.values():
                    held.attach(self._signals)
                self._thread.start()
            elif not waker.active:
                waker.attach(self._signals)

    def discard(self, member: Follows) -> None:
        """Stop notifying; the last one ends the thread. A member that is not there is ignored."""
        key = _identity(member.path)
        with self._lock:
            members = self._members.get(key)
            if members is not None:
                members.discard(member)
            self._prune()
            if not self._members:
                self._signals.put(False)

    def notify_soon(self) -> None:
        """Make the thread look now, for instance because a member's ``due`` came nearer."""
        self._signals.put(True)

    @property
    def thread(self) -> threading.Thread | None:
        """The running watcher, ``None`` while nobody follows."""
        return self._thread

    def after_fork_in_child(self) -> None:
        """Forget the parent's thread and subscribers; writers' wakers stay, inactive."""
        self._lock = threading.RLock()
        for waker in list(self._wakers.values()):
            waker.attach(None)
        self._members, self._held, self._signatures = {}, {}, {}
        self._untold = weakref.WeakSet()
        self._signals = queue.SimpleQueue()
        self._thread = None

    def _prune(self) -> None:
        for key in [key for key, members in self._members.items() if not members]:
            del self._members[key]
            self._signatures.pop(key, None)
            self._held.pop(key).attach(None)

    def _watch(self) -> None:
        signals = self._signals
        while self._look(signals):
            time.sleep(_PAUSE_SECONDS)  # after a look, not before: the first line is told at once
            try:
                signals.get(timeout=self._patience())
                while True:
                    signals.get_nowait()
            except queue.Empty:
                continue

    def _look(self, signals: queue.SimpleQueue[bool]) -> bool:
        """Notify whoever has something to read; false once nobody is left."""
        now = time.monotonic()
        with self._lock:
            if signals is not self._signals:
                return False
            self._prune()
            if not self._members:
                self._thread = None
                return False
            for held in self._held.values():
                held.clear()
            work = [(key, list(members)) for key, members in self._members.items()]
            untold, self._untold = set(self._untold), weakref.WeakSet()
        for key, members in work:
            signature = _signature(key)
            changed = self._signatures.get(key) != signature
            self._signatures[key] = signature
            for member in members:
                if changed or member in untold or _is_due(member, now):
                    member.notify()
        return True

    def _patience(self) -> float:
        now = time.monotonic()
        with self._lock:
            dues = [
                due
                for members in self._members.values()
                for member in members
                if (due := member.due) is not None
            ]
        return min(POLL_SECONDS, max(0.005, min(dues, default=now + POLL_SECONDS) - now))


def _identity(path: str | os.PathLike[str]) -> str:
    return os.path.realpath(os.fspath(path))


def _is_due(member: Follows, now: float) -> bool:
    due = member.due
    return due is not None and due <= now


def _signature(path: str) -> _Signature:
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


default_hub = Hub()
"""The hub of this process."""


def waker(path: str | os.PathLike[str]) -> Waker:
    """Return the waker of a log in this process (see :meth:`Hub.waker`)."""
    return default_hub.waker(path)
