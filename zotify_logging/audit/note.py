"""What a trail writes about itself: where a chain and its segments begin, and what was found."""

from __future__ import annotations

from typing import NamedTuple

from .state import ChainHead

__all__ = ["Note", "opening_note", "started_note"]


class Note(NamedTuple):
    """An event that the trail has to write about itself before anything else."""

    event_type: str
    details: dict[str, object]


def started_note(head: ChainHead) -> Note:
    """Return the first event of a chain."""
    return Note("audit.chain.started", {"chain_id": head.chain_id})


def opening_note(closed: ChainHead, name: str) -> Note:
    """Return the first event of a segment, which names the one before.

    Its digest is the hash of the closed segment's last line: through ``prev`` it covers every line
    of the segment, and costs no second reading of the file while the lock is held.
    """
    return Note(
        "audit.segment.opened",
        {
            "chain_id": closed.chain_id,
            "closed": {
                "name": name,
                "first_seq": closed.first_seq,
                "last_seq": closed.seq,
                "bytes": closed.size,
                "digest": closed.hash,
            },
        },
    )
