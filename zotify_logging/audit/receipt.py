"""What a writer gets back for an event."""

from __future__ import annotations

from typing import NamedTuple

__all__ = ["Receipt"]


class Receipt(NamedTuple):
    """Proof of where an event is.

    Attributes:
        seq: its place in the chain, from 1; ``None`` if it is not in the chain but in the fallback
            file (or, with ``on_error="count"``, only in the count of the next ``audit.gap``).
        event_id: UUIDv7, the same in chain and fallback.
        hash: SHA-256 of its line, 64 hexadecimal digits; ``None`` with ``seq``.
    """

    seq: int | None
    event_id: str
    hash: str | None

    @property
    def in_chain(self) -> bool:
        """Whether the event is in the trail itself."""
        return self.seq is not None
