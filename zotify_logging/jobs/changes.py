"""Gathers what a batch of entries changes in each job, before a transaction is begun."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from ..records import LogEntry
from ..sanitizing import cut_text, dump_json, json_safe, storable
from .marks import JobMarks

__all__ = ["LINE_COLUMNS", "SEQ", "UID", "JobChange", "Line", "LineMaker", "is_tick"]

WARNING, ERROR = 30, 40

# Consumed by the job's row and the line's own columns.
_CONSUMED = frozenset({"job_id", "job_type", "attempt"})

LINE_COLUMNS: Final = (
    "uid",
    "job_id",
    "seq",
    "attempt",
    "created_us",
    "level_no",
    "level",
    "logger",
    "message",
    "exc_text",
    "extra",
    "source",
    "host",
    "pid",
    "thread",
    "orig_bytes",
)
"""What a line consists of: the columns of ``job_logs`` in the table's order, without ``id``."""

UID: Final = LINE_COLUMNS.index("uid")
SEQ: Final = LINE_COLUMNS.index("seq")

# One value per column; a list, because `seq` is known only inside the transaction.
Line = list[object]


def is_tick(entry: LogEntry, marks: JobMarks, known_status: str | None) -> bool:
    """Tell whether an entry only moves the job's progress, and is no line of its own.

    That is a record with ``progress``, below WARNING, without an exception, and with no status or
    the one the job already has. Its message is not kept: what a reader should see as a line goes
    without ``progress``. A change of status always keeps its line.
    """
    return (
        marks.progress is not None
        and (marks.status is None or marks.status == known_status)
        and entry.level_no < WARNING
        and entry.exception is None
    )


@dataclass(slots=True)
class JobChange:
    """What one batch changes in one job."""

    job_id: str
    job_type: str | None = None
    status: str | None = None
    status_us: int = 0
    progress: float | None = None
    attempt: int = 1
    warnings: int = 0
    errors: int = 0
    dropped: int = 0
    first_us: int | None = None
    last_us: int | None = None
    lines: list[Line] = field(default_factory=list)

    def mark(self, marks: JobMarks, created_us: int) -> None:
        """Take over what an entry says about the job; the later entry wins."""
        if marks.job_type is not None:
            self.job_type = marks.job_type
        if marks.status is not None:
            self.status, self.status_us = marks.status, created_us
        if marks.progress is not None:
            self.progress = marks.progress
        self.attempt = max(self.attempt, marks.attempt)

    def add(self, line: Line, level_no: int, created_us: int) -> None:
        """Add a line, still without its ``seq``."""
        self.lines.append(line)
        if level_no >= ERROR:
            self.errors += 1
        elif level_no >= WARNING:
            self.warnings += 1
        if self.first_us is None or created_us < self.first_us:
            self.first_us = created_us
        if self.last_us is None or created_us > self.last_us:
            self.last_us = created_us


class LineMaker:
    """Turns entries into the columns of ``job_logs``.

    Args:
        max_message_bytes: UTF-8 bytes of a message, a traceback or the fields; more is cut.
    """

    def __init__(self, max_message_bytes: int) -> None:
        self._max_bytes = max_message_bytes
        self._host = storable(socket.gethostname())[:255]

    def line(self, entry: LogEntry, marks: JobMarks, uid: str, created_us: int) -> Line:
        """Return the entry's columns, all but ``id`` and ``seq``."""
        message, orig_bytes = cut_text(storable(entry.message), self._max_bytes)
        return [
            uid,
            marks.job_id,
            None,
            marks.attempt,
            created_us,
            entry.level_no,
            _start(entry.level, 32),
            _start(entry.logger or "", 255),  # makeLogRecord leaves None
            message,
            self._traceback(entry),
            self._extra(entry),
            _end(entry.source, 512) or None,
            self._host,
            entry.pid,
            _start(entry.thread, 255),
            orig_bytes,
        ]

    def notice(self, job_id: str, attempt: int, uid: str, created_us: int, message: str) -> Line:
        """Return the columns of a line that the store itself writes."""
        return [
            uid,
            job_id,
            None,
            attempt,
            created_us,
            WARNING,
            "WARNING",
            "zotify_logging.jobs",
            message,
            None,
            None,
            None,
            self._host,
            os.getpid(),
            None,
            0,
        ]

    def _traceback(self, entry: LogEntry) -> str | None:
        if entry.exception is None and entry.stack is None:
            return None
        text = "\n".join(part for part in (entry.exception, entry.stack) if part)
        return cut_text(storable(text), self._max_bytes)[0]

    def _extra(self, entry: LogEntry) -> str | None:
        if not entry.fields and not entry.context:
            return None
        fields = {
            key: value
            for source in (entry.context, entry.fields)
            for key, value in source.items()
            if key not in _CONSUMED
        }
        if not fields:
            return None
        text = dump_json(fields)
        if len(text) > self._max_bytes:
            text = dump_json(json_safe(fields, max_bytes=self._max_bytes)[0])
        return text


# The same few names come with every record.
@lru_cache(maxsize=1024)
def _start(name: str, length: int) -> str:
    return storable(name)[:length]


@lru_cache(maxsize=1024)
def _end(name: str, length: int) -> str:
    return storable(name)[-length:]
