"""One reading of a ledger: where every record of one handler is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

__all__ = ["HandlerStatistics"]


@dataclass(frozen=True)
class HandlerStatistics:
    """One consistent reading of a handler's ledger.

    Attributes:
        accepted: records that passed level, filters and the handler's own selection.
        ignored: records that the handler's own selection refused.
        written: records that the sink has taken.
        queued: records in memory, in the writer's hands, in the spool, or inside a direct write.
        spooled: the part of ``queued`` that lies in the spool.
        failed_over: the part of ``failed`` that another handler received.
        internal: entries that the handler itself wrote (gap notices); outside the law.
        replayed: entries that an earlier process had spooled; outside the law.
        dropped: records given up on purpose, by reason (``overflow``, ``reserve``, ``shutdown``,
            ``closed``, ``reentrant``).
        failed: records that the sink refused, by reason (``poison``, ``interrupted``, …).
        bytes: bytes that the sink has taken, as far as the handler counts them.
        last_error: the latest error of the sink as text, or ``None``.
    """

    accepted: int
    ignored: int
    written: int
    queued: int
    spooled: int
    failed_over: int
    internal: int
    replayed: int
    dropped: Mapping[str, int]
    failed: Mapping[str, int]
    bytes: int
    last_error: str | None

    def after(self, earlier: HandlerStatistics) -> HandlerStatistics:
        """Return both readings as one, for a handler that goes on where another one ended."""
        sums = {
            name: getattr(self, name) + getattr(earlier, name)
            for name, value in vars(self).items()
            if isinstance(value, int)
        }
        for name in ("dropped", "failed"):
            counts = dict(getattr(earlier, name))
            for reason, count in getattr(self, name).items():
                counts[reason] = counts.get(reason, 0) + count
            sums[name] = counts
        return replace(self, **sums, last_error=self.last_error or earlier.last_error)
