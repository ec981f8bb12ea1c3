"""The file that a process publishes, and how those of all processes are read back."""

from __future__ import annotations

import contextlib
import errno
import json
import math
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from ..clock import SYSTEM_CLOCK, Clock, format_us
from ..sanitizing import dump_json
from .process import ProcessMark

__all__ = [
    "KEEP_DEAD",
    "KEEP_ENDED",
    "MAX_BYTES",
    "RunFile",
    "State",
    "WorkerReport",
    "read_reports",
]

State = Literal["live", "stale", "ended", "dead"]

MAX_BYTES = 1_048_576
"""Bytes of a run file that are read; a longer one is not ours."""

KEEP_DEAD = 600.0
"""Seconds for which the file of a process that went without a word is kept to be looked at."""

KEEP_ENDED = 60.0
"""The same for one that has said so."""

_INTERVALS = 3.0
"""Intervals without a new report after which a process that lives is called stale."""

_OPEN = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class WorkerReport:
    """What one process has published.

    Attributes:
        mark: which process.
        application: the name it goes by.
        state: ``live``; ``stale`` (lives, and has published nothing for three intervals);
            ``ended`` (said so itself); ``dead`` (gone without a word).
        begun: when it began to publish, RFC 3339.
        updated: when it published last, RFC 3339.
        handlers: as :func:`.describe_handlers` has it.
        extra: what the application adds of its own.
    """

    mark: ProcessMark
    application: str
    state: State
    begun: str
    updated: str
    handlers: Mapping[str, Mapping[str, object]] = field(repr=False)
    extra: Mapping[str, object] = field(repr=False)

    def as_dict(self) -> dict[str, object]:
        """Return it JSON-able."""
        return {
            "pid": self.mark.pid,
            "host": self.mark.host,
            "application": self.application,
            "state": self.state,
            "begun": self.begun,
            "updated": self.updated,
            "handlers": self.handlers,
        }


class RunFile:
    """The file of this process, replaced as a whole each time; a reader never sees half of one.

    Args:
        folder: made if missing, with mode 0750.
        application: name that the reports go by.
        interval: seconds between two reports, for readers to know when one is late.
        clock: for tests.
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        application: str,
        interval: float,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._folder = Path(folder)
        self._application = application
        self._interval = interval
        self._clock = clock
        self._mark = ProcessMark.of_this_process()
        self._begun_us = clock.time_ns() // 1000
        self.path = self._folder / f"{self._mark.pid}.json"

    def write(
        self,
        handlers: Mapping[str, Mapping[str, object]],
        extra: Mapping[str, object] | None = None,
        *,
        ended: bool = False,
    ) -> None:
        """Replace the report, mode 0640.

        Raises:
            OSError: the folder cannot be written.
        """
        document = {
            "version": 1,
            "host": self._mark.host,
            "pid": self._mark.pid,
            "started": self._mark.started,
            "application": self._application,
            "interval": self._interval,
            "begun_us": self._begun_us,
            "updated_us": self._clock.time_ns() // 1000,
            "ended": ended,
            "handlers": handlers,
            "extra": extra or {},
        }
        data = dump_json(document).encode("utf-8", "backslashreplace")
        self._folder.mkdir(mode=0o750, parents=True, exist_ok=True)
        partial = self.path.with_suffix(".partial")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        # Of a pipe put in its place nobody reads: an error, and not a wait without end.
        descriptor = os.open(partial, flags | os.O_NONBLOCK, 0o640)
        try:
            os.fchmod(descriptor, 0o640)
            if os.write(descriptor, data + b"\n") <= len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(partial))
        finally:
            os.close(descriptor)
        os.replace(partial, self.path)

    def clean(self) -> None:
        """Remove the files of processes that are gone: after a minute, after ten if they died."""
        keep = {"dead": KEEP_DEAD, "ended": KEEP_ENDED}
        for path, report in _reports(self._folder, self._clock):
            with contextlib.suppress(OSError):
                age = self._clock.time_ns() / 1e9 - path.stat().st_mtime
                if age > keep.get(report.state, math.inf):
                    path.unlink()


def read_reports(folder: str | os.PathLike[str], clock: Clock = SYSTEM_CLOCK) -> list[WorkerReport]:
    """Return what the processes of an application have published, by number of process.

    Files that are none of ours (another form, too long, no regular file) are passed over.

    Raises:
        OSError: the folder cannot be read.
    """
    return [report for _, report in _reports(Path(folder), clock)]


def _reports(folder: Path, clock: Clock) -> list[tuple[Path, WorkerReport]]:
    found: list[tuple[Path, WorkerReport]] = []
    for name in os.listdir(folder):
        stem, _, kind = name.partition(".")
        if kind != "json" or not stem.isascii() or not stem.isdecimal() or len(stem) > 10:
            continue
        path = folder / name
        try:
            report = _read(path, int(stem), clock)
        except (OSError, ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
            continue  # vanished meanwhile, or nothing that we have written
        found.append((path, report))
    return sorted(found, key=lambda one: one[1].mark.pid)


def _read(path: Path, pid: int, clock: Clock) -> WorkerReport:
    descriptor = os.open(path, _OPEN)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("not a regular file")
        data = os.read(descriptor, MAX_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(data) > MAX_BYTES:
        raise ValueError("too long")
    document = json.loads(data)
    if b"\\ud" in data.lower():  # half of a pair is nothing that can be passed on as UTF-8
        json.dumps(document, ensure_ascii=False).encode("utf-8")
    if document["version"] != 1 or document["pid"] != pid:
        raise ValueError("not of this process or version")
    mark = ProcessMark(str(document["host"]), pid, str(document["started"]))
    updated_us = int(document["updated_us"])
    late = clock.time_ns() // 1000 - updated_us > _INTERVALS * float(document["interval"]) * 1e6
    state: State = "stale" if late else "live"
    if document["ended"] is True:
        state = "ended"
    elif mark.is_here() and not mark.is_alive():
        state = "dead"
    return WorkerReport(
        mark,
        str(document["application"]),
        state,
        format_us(int(document["begun_us"])),
        format_us(updated_us),
        {str(name): dict(one) for name, one in dict(document["handlers"]).items()},
        dict(document["extra"]),
    )
