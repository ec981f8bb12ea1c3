"""Levels that return by themselves: "DEBUG for ten minutes"."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue

from ..clock import SYSTEM_CLOCK, Clock
from ..forks import on_fork
from ..handlers.error_ring import report
from ..sanitizing import safe_str

__all__ = ["LevelKey", "TemporaryLevels"]

LevelKey = tuple[str, str]
"""``handler`` or ``logger``, and a name."""


@dataclass(frozen=True)
class _Held:
    """A temporary level in force."""

    temporary: int
    permanent: int
    ends: float  # of the clock's monotonic
    read: Callable[[], int | None]
    write: Callable[[int], None]


class TemporaryLevels:
    """Temporary levels of one service, and the thread that ends them.

    The thread starts with the first temporary level and ends with the last; it is a daemon, so it
    keeps no process alive. A forked child gets its own. A level that somebody else has changed
    meanwhile stays as it is then.

    Args:
        clock: its ``monotonic`` decides, so a step of the wall clock does no harm.
    """

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._guard = threading.RLock()
        self._held: dict[LevelKey, _Held] = {}
        self._wake: SimpleQueue[None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        on_fork(self)

    def set(
        self,
        key: LevelKey,
        level: int,
        seconds: float | None,
        read: Callable[[], int | None],
        write: Callable[[int], None],
    ) -> None:
        """Set a level now: for good, or for so many seconds; replaces an earlier temporary one.

        What a temporary level returns to is the permanent one, not an earlier temporary one.

        Args:
            key: what the level is of.
            level: the new one.
            seconds: until it returns; ``None`` for good.
            read: gives the level in force, ``None`` if what it is of is gone.
            write: sets the level.
        """
        with self._guard:
            earlier = self._held.pop(key, None)
            permanent = earlier.permanent if earlier is not None else read()
            write(level)
            if seconds is None or permanent is None:
                return
            ends = self._clock.monotonic() + seconds
            self._held[key] = _Held(level, permanent, ends, read, write)
            self._run_thread()

    def rebase(self, kind: str, permanent: Mapping[str, int | None]) -> None:
        """Have the levels return to what a new configuration says, and apply them to what it made.

        Args:
            kind: ``handler`` or ``logger``.
            permanent: the configuration's level by name; ``None`` for a name that is gone.
        """
        with self._guard:
            for key, held in list(self._held.items()):
                if key[0] != kind or key[1] not in permanent:
                    continue
                level = permanent[key[1]]
                if level is None:
                    del self._held[key]
                else:
                    self._held[key] = replace(held, permanent=level)
                    held.write(held.temporary)

    def held_still(self) -> threading.RLock:
        """Return the lock that keeps levels from ending; taken before the lock of ``logging``."""
        return self._guard

    def temporary(self, kind: str) -> dict[str, int]:
        """Return the temporary levels in force, by name."""
        with self._guard:
            return {name: one.temporary for (what, name), one in self._held.items() if what == kind}

    def end_due(self) -> float | None:
        """End what is due; return the seconds until the next is, or ``None`` if none is left."""
        with self._guard:
            now = self._clock.monotonic()
            for key, held in list(self._held.items()):
                if held.ends <= now:
                    del self._held[key]
                    self._return(key, held)
            return min((held.ends - now for held in self._held.values()), default=None)

    def end(self, key: LevelKey) -> None:
        """End one of them now, if it is in force."""
        with self._guard:
            held = self._held.pop(key, None)
            if held is not None:
                self._return(key, held)

    def end_all(self) -> None:
        """End all of them now."""
        with self._guard:
            held, self._held = self._held, {}
            for key, one in held.items():
                self._return(key, one)
            self._wake.put(None)

    def after_fork_in_child(self) -> None:
        """Go on with a lock and a thread of the child's own."""
        self._guard = threading.RLock()
        self._wake = SimpleQueue()
        self._thread = None
        if self._held:
            self._run_thread()

    def _return(self, key: LevelKey, held: _Held) -> None:
        try:
            if held.read() == held.temporary:
                held.write(held.permanent)
        except Exception as error:  # what it was of is gone
            report("LoggingService", f"level of {' '.join(key)}: {safe_str(error)}")

    def _run_thread(self) -> None:
        self._wake.put(None)
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="zotify-levels", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        wake = self._wake
        while True:
            with self._guard:
                pause = self.end_due()
                if pause is None:
                    self._thread = None
                    return
            try:
                wake.get(timeout=pause)
            except Empty:
                pass
