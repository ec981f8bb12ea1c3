"""Publishes the handlers of this process every two seconds, in a thread of its own."""

from __future__ import annotations

import atexit
import os
import sys
import threading
from collections.abc import Callable, Mapping

from ..forks import on_fork
from .handler_reports import describe_handlers
from .run_file import RunFile

__all__ = ["INTERVAL", "Publisher", "publish_statistics"]

INTERVAL = 2.0
"""Seconds between two reports."""

_CLEAN_EVERY = 30  # reports between two looks for files of processes that are gone


def publish_statistics(folder: str | os.PathLike[str], application: str | None = None) -> Publisher:
    """Publish the handlers of this process from now on until it ends.

    A forked child publishes nothing by itself: call this again there, as a server's hook for new
    workers does.

    Args:
        folder: shared by all processes of the application; made if missing.
        application: a name for the reports; the program's by default.

    Raises:
        OSError: the folder cannot be written.
    """
    publisher = Publisher(folder, application)
    publisher.start()
    return publisher


class Publisher:
    """The reports of one process; thread-safe.

    What cannot be written is left out: the next report has all that this one would have had.

    Args:
        folder: shared by all processes of the application; made if missing.
        application: a name for the reports; the program's by default.
        interval: seconds between two reports.
        extra: returns what the application adds of its own, JSON-able.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        application: str | None = None,
        *,
        interval: float = INTERVAL,
        extra: Callable[[], Mapping[str, object]] | None = None,
    ) -> None:
        name = application or os.path.basename(sys.argv[0]) or "python"
        self._folder = folder
        self._file = RunFile(folder, name, interval)
        self._interval = interval
        self._extra = extra
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._thread: threading.Thread | None = None
        self._closed = True  # until start()

    @property
    def folder(self) -> str | os.PathLike[str]:
        """Where the reports of all processes lie."""
        return self._folder

    def start(self) -> None:
        """Write the first report, and go on in a thread.

        Raises:
            OSError: the folder cannot be written.
        """
        self._closed = False
        self._write(ended=False)
        self._file.clean()
        on_fork(self)
        atexit.register(self.close)
        self._thread = threading.Thread(target=self._run, name="zotify-publisher", daemon=True)
        self._thread.start()

    def publish(self) -> None:
        """Write a report now; one that cannot be written is left out."""
        try:
            self._write(ended=False)
        except OSError:
            pass  # the disk is full, or the folder is gone: the reports stop, the state is `stale`

    def close(self) -> None:
        """Write the last report, which says that the process has ended; idempotent.

        One that was never started writes none.
        """
        atexit.unregister(self.close)
        self._done.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join(1.0)
        try:
            self._write(ended=True)
        except OSError:
            pass  # as in publish(); its readers will find the process gone

    def after_fork_in_child(self) -> None:
        """Publish nothing under the parent's number."""
        self._lock = threading.Lock()
        self._closed = True
        self._thread = None

    def _write(self, *, ended: bool) -> None:
        extra = self._extra() if self._extra is not None else {}
        handlers = describe_handlers()
        with self._lock:
            if not self._closed:
                self._file.write(handlers, extra, ended=ended)
                self._closed = ended

    def _run(self) -> None:
        count = 0
        while not self._done.wait(self._interval):
            self.publish()
            count += 1
            if count % _CLEAN_EVERY == 0:
                try:
                    self._file.clean()
                except OSError:
                    pass  # the folder is gone; nothing is left to be cleaned
