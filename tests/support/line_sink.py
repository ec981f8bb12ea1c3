"""A small handler with a real file for a sink, and the law that its ledger keeps."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Unpack

from zotify_logging import BaseLogHandler, LogEntry
from zotify_logging.handlers.handler_options import HandlerOptions
from zotify_logging.ledger import HandlerStatistics

__all__ = ["LineSink", "balanced", "last_words", "refuse"]


class LineSink(BaseLogHandler):
    """Appends lines to a real file.

    Args:
        path: of the file.
        during: runs inside each write, before the file is touched.
        options: as every handler's.

    Attributes:
        reported: the records that ``handleError`` was called with.
        released: how often the sink was released.
    """

    def __init__(
        self,
        path: Path,
        during: Callable[[Sequence[LogEntry]], object] | None = None,
        **options: Unpack[HandlerOptions],
    ) -> None:
        super().__init__(**options)
        self.path = path
        self.during = during
        self.reported: list[logging.LogRecord] = []
        self.released = 0

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Append one line for each entry."""
        if self.during is not None:
            self.during(entries)
        with self.path.open("a") as file:
            file.writelines(f"{self.format_entry(entry)}\n" for entry in entries)

    def release_sink(self) -> None:
        """Count the call."""
        self.released += 1

    def handleError(self, record: logging.LogRecord) -> None:
        """Remember the record, then do as every handler."""
        self.reported.append(record)
        super().handleError(record)

    def lines(self) -> list[str]:
        """Return what is in the file once everything queued is written."""
        assert self.flush(20)
        return self.path.read_text().splitlines() if self.path.exists() else []


def last_words(lines: Sequence[str]) -> list[str]:
    """Return the last word of each line."""
    return [line.rpartition(" ")[2] for line in lines]


def balanced(reading: HandlerStatistics) -> bool:
    """Tell whether accepted = written + queued + dropped + failed."""
    lost = sum(reading.dropped.values()) + sum(reading.failed.values())
    return reading.accepted == reading.written + reading.queued + lost


def refuse(entries: Sequence[LogEntry]) -> None:
    """Refuse the entries, with an error that holds a secret."""
    raise ValueError("token=S3cr3t refused")
