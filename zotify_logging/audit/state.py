"""The head of the chain, kept in the lock file by whoever wrote last.

With it a writer needs no look into the trail before it writes, whoever wrote before it, and notices
when the live file is not the one that the last writer left. It is only a help: without it (or with
a torn one) the head is read from the trail itself, and verification never looks at it.
"""

from __future__ import annotations

import os
import struct
from typing import NamedTuple
from zlib import crc32

__all__ = ["ChainHead", "read_head", "write_head"]

_MAGIC = b"zlaudit1"
_LAYOUT = struct.Struct("<8sQQQQq32s16s")
_SUM = struct.Struct("<I")
_SIZE = _LAYOUT.size + _SUM.size


class ChainHead(NamedTuple):
    """Where the chain stands.

    Attributes:
        inode: of the live file.
        size: of the live file, bytes.
        first_seq: of the live file.
        seq: of the last line, 0 before the first.
        timestamp_us: of the last line, epoch microseconds.
        hash: of the last line.
        chain_id: 32 hexadecimal digits.
    """

    inode: int
    size: int
    first_seq: int
    seq: int
    timestamp_us: int
    hash: str
    chain_id: str


def read_head(descriptor: int) -> ChainHead | None:
    """Return what the last writer left in the lock file, or ``None`` if that cannot be used."""
    data = os.pread(descriptor, _SIZE, 0)
    if len(data) < _SIZE or _SUM.unpack_from(data, _LAYOUT.size)[0] != crc32(data[: _LAYOUT.size]):
        return None
    magic, inode, size, first_seq, seq, timestamp_us, digest, chain_id = _LAYOUT.unpack_from(data)
    if magic != _MAGIC:
        return None
    return ChainHead(inode, size, first_seq, seq, timestamp_us, digest.hex(), chain_id.hex())


def write_head(descriptor: int, head: ChainHead) -> None:
    """Leave the head for the next writer. The lock must be held."""
    data = _LAYOUT.pack(
        _MAGIC,
        head.inode,
        head.size,
        head.first_seq,
        head.seq,
        head.timestamp_us,
        bytes.fromhex(head.hash),
        bytes.fromhex(head.chain_id),
    )
    os.pwrite(descriptor, data + _SUM.pack(crc32(data)), 0)
