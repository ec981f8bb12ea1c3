"""Tells a log file by its first line, not by its inode.

The fingerprint is a hash of the first line: of its first 256 bytes, or of all of it if it is
shorter, the newline left out. A file only grows, so the fingerprint holds through renaming,
copying, another host and a restart, where an inode holds through none of the last three (and ext4
hands a freed one out again at once).

The rule for a first line that is still being written: below 256 bytes and without a newline it may
yet become anything, so the live file has *no* fingerprint, as an empty one has none; a position in
it is told as the end of the file before it (see :mod:`.cursor`). As soon as the newline is there,
or 256 bytes are, the fingerprint is settled for good: what a longer line goes on to say is not part
of it. A rotated file will not be continued, so its short remnant counts as its first line; because
the newline is left out, one that comes late does not change it.

Two foreign files that begin with the same 256 bytes (a banner without a time) have one fingerprint;
the inode, kept beside it as a hint, decides between them, else the newer file that is long enough.
"""

from __future__ import annotations

import hashlib
import os

__all__ = ["FINGERPRINT_BYTES", "HEAD_BYTES", "hash_head", "read_head"]

HEAD_BYTES = 256
"""Bytes of the first line that are looked at."""

FINGERPRINT_BYTES = 16
"""Bytes of a fingerprint."""


def read_head(descriptor: int, *, closed: bool = False) -> bytes | None:
    """Return the bytes that identify an open file, or ``None`` while they are not settled.

    Args:
        descriptor: an open regular file; its position is neither used nor moved.
        closed: the file is a rotated one, which nobody continues: a short remnant is its identity.

    Returns:
        At most :data:`HEAD_BYTES` bytes without newline; ``None`` for an empty file, and for a live
        one whose first line is short and unfinished.
    """
    head = os.pread(descriptor, HEAD_BYTES, 0)
    line, newline, _ = head.partition(b"\n")
    if newline or len(head) == HEAD_BYTES or (closed and head):
        return line
    return None


def hash_head(head: bytes) -> bytes:
    """Return the fingerprint of what :func:`read_head` returned."""
    return hashlib.sha256(head).digest()[:FINGERPRINT_BYTES]
