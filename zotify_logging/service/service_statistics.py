"""The ledgers of all handlers of a service, and what its dispatch passed over."""

from __future__ import annotations

from collections.abc import Mapping

from ..ledger import HandlerStatistics

__all__ = ["ServiceStatistics"]


class ServiceStatistics(dict[str, HandlerStatistics]):
    """Each handler's ledger by its name.

    Args:
        ledgers: by name.
        skipped: how often dispatch passed a handler over because it met the record by itself.

    Attributes:
        skipped: by name, without the names that were never passed over.
    """

    def __init__(
        self, ledgers: Mapping[str, HandlerStatistics], skipped: Mapping[str, int]
    ) -> None:
        super().__init__(ledgers)
        self.skipped: Mapping[str, int] = dict(skipped)
