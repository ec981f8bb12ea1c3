"""A handler of ours that keeps what it is given in memory."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Unpack

from ..handlers.base import BaseLogHandler, HandlerOptions
from ..records import LogEntry

__all__ = ["CapturingHandler"]


class CapturingHandler(BaseLogHandler):
    """Keeps entries and lines; everything else is as in every handler of ours.

    Args:
        during: called inside each write, before anything is kept: it may wait
            (:meth:`.StuckSink.wait`) or raise what a sink would raise.
        options: see :class:`~zotify_logging.handlers.base.HandlerOptions`.

    Attributes:
        entries: what was written, in order.
        lines: the same as text, as the formatter in force has it.
        during: see above; may be replaced at any time.
    """

    def __init__(
        self, during: Callable[[], object] | None = None, **options: Unpack[HandlerOptions]
    ) -> None:
        self.entries: list[LogEntry] = []
        self.lines: list[str] = []
        self.during = during
        super().__init__(**options)

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Keep the entries."""
        if self.during is not None:
            self.during()
        self.lines += [self.format_entry(entry) for entry in entries]
        self.entries += entries

    @property
    def messages(self) -> list[str]:
        """The messages alone."""
        return [entry.message for entry in self.entries]
