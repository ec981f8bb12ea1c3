"""The resume position of an audit query: a seq, bound to its trail, filters and order."""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple
from zlib import crc32

from ..exceptions import MalformedCursorError

__all__ = ["PageCursor"]

_LAYOUT = struct.Struct("<BQ8s8s")
_VERSION = 1


class PageCursor(NamedTuple):
    """Opaque to users; its sum only catches slips of the hand, it protects nothing.

    Attributes:
        seq: of the last event looked at.
        chain: first 8 bytes of the chain id.
        filters: fingerprint of the query.
    """

    seq: int
    chain: bytes
    filters: bytes

    def encode(self) -> str:
        """Return the text of it: letters, digits, ``-`` and ``_`` only."""
        data = _LAYOUT.pack(_VERSION, self.seq, self.chain, self.filters)
        data += crc32(data).to_bytes(4, "little")
        return urlsafe_b64encode(data).rstrip(b"=").decode("ascii")

    @classmethod
    def decode(cls, text: str) -> PageCursor:
        """Read a cursor.

        Raises:
            MalformedCursorError: the text is not one of ours.
        """
        try:
            data = urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        except ValueError:
            data = b""
        body, given = data[: _LAYOUT.size], data[_LAYOUT.size :]
        if len(body) != _LAYOUT.size or given != crc32(body).to_bytes(4, "little"):
            raise MalformedCursorError(
                f"after: {text[:64]!r} is not a cursor; pass next_after of a reply unchanged"
            )
        version, seq, chain, filters = _LAYOUT.unpack(body)
        if version != _VERSION:
            raise MalformedCursorError(
                f"after: a cursor of version {version}; this reader knows {_VERSION}: start anew"
            )
        return cls(seq, chain, filters)
