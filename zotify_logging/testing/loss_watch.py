"""Whether any handler has lost a record since a test began."""

from __future__ import annotations

import logging

from ..handlers.base import BaseLogHandler
from ..ledger import HandlerStatistics

__all__ = ["LossWatch"]


class LossWatch:
    """Reads the counters of every handler of ours in the process, those made later included.

    What was lost before it was made does not count.
    """

    def __init__(self) -> None:
        self._before = {handler: _lost(handler.statistics()) for handler in _handlers()}

    def losses(self, timeout: float = 10.0) -> dict[str, dict[str, int]]:
        """Flush all handlers, and return what was lost since: handler to reason to number.

        What could not be flushed is counted as ``unwritten``. Records that a failover has taken
        are not lost.

        Args:
            timeout: seconds for the flush of each handler.
        """
        found: dict[str, dict[str, int]] = {}
        for handler in _handlers():
            handler.flush(timeout)
            reading = handler.statistics()
            before = self._before.get(handler, {})
            lost = {
                reason: number - before.get(reason, 0)
                for reason, number in _lost(reading).items()
                if number > before.get(reason, 0)
            }
            if reading.queued:
                lost["unwritten"] = reading.queued
            if sum(lost.values()) > reading.failed_over:
                found[handler.get_name() or type(handler).__name__] = lost
        return found

    def assert_no_loss(self, timeout: float = 10.0) -> None:
        """Flush all handlers, and fail if any has lost a record since.

        Args:
            timeout: seconds for the flush of each handler.

        Raises:
            AssertionError: names handlers, reasons and numbers.
        """
        losses = self.losses(timeout)
        if losses:
            said = "; ".join(
                f"{name}: {', '.join(f'{reason} {number}' for reason, number in lost.items())}"
                for name, lost in losses.items()
            )
            raise AssertionError(f"records were lost: {said}")


def _handlers() -> list[BaseLogHandler]:
    references = logging._handlerList  # type: ignore[attr-defined]  # the one list there is
    alive = [reference() for reference in references]
    return [handler for handler in alive if isinstance(handler, BaseLogHandler)]


def _lost(reading: HandlerStatistics) -> dict[str, int]:
    lost = {f"dropped {reason}": number for reason, number in reading.dropped.items()}
    return lost | {f"failed {reason}": number for reason, number in reading.failed.items()}
