"""A position in a log that survives restart, rotation, another worker and another host.

A cursor names a file by its fingerprint and a byte in it. Where the live file has no fingerprint
yet (it is empty, or its first line is unfinished), the position is the end of the file before it:
a reader that resumes there finds that file at its end and walks on, over as many rotations as have
happened since. Where there is no file before it either, the position is :data:`ORIGIN`: the start
of the oldest file that exists when reading begins.
"""

from __future__ import annotations

import base64
import re
import struct
import zlib
from typing import NamedTuple

from ..exceptions import MalformedCursorError
from .fingerprint import FINGERPRINT_BYTES

__all__ = ["ORIGIN", "Cursor"]

# kind and version, fingerprint, inode hint, offset, checksum: 33 bytes are 44 characters without
# padding and without spare bits, so no two texts mean one cursor.
_BODY = struct.Struct(f">B{FINGERPRINT_BYTES}sIQ")
_CHECK = struct.Struct(">I")
_VERSION = 0x51
_SEED = zlib.crc32(b"zotify system log")  # other cursors of this project fail the checksum
_TEXT = re.compile(r"[A-Za-z0-9_-]{44}", re.ASCII)


class Cursor(NamedTuple):
    """Where a reader stands: just behind the last byte it has delivered.

    Attributes:
        fingerprint: identity of the file (see :mod:`.fingerprint`).
        offset: bytes from its start.
        inode: low 32 bits of the inode, a hint between files of one fingerprint; 0 if unknown.
    """

    fingerprint: bytes
    offset: int
    inode: int = 0

    def encode(self) -> str:
        """Return the cursor as opaque text of 44 characters that may stand in a URL or a header."""
        body = _BODY.pack(_VERSION, self.fingerprint, self.inode & 0xFFFFFFFF, self.offset)
        check = _CHECK.pack(zlib.crc32(body, _SEED))
        return base64.urlsafe_b64encode(body + check).decode("ascii")

    @classmethod
    def decode(cls, text: str) -> Cursor:
        """Return the cursor that :meth:`encode` wrote.

        Raises:
            MalformedCursorError: the text is not one of ours: wrong length or alphabet, another
                kind or version, or a checksum that does not fit (a character was lost or changed).
        """
        if not _TEXT.fullmatch(text):
            raise MalformedCursorError(_problem(text, "it is not 44 characters of A-Z a-z 0-9 - _"))
        data = base64.urlsafe_b64decode(text)
        body, check = data[: _BODY.size], data[_BODY.size :]
        if _CHECK.pack(zlib.crc32(body, _SEED)) != check:
            raise MalformedCursorError(_problem(text, "its checksum does not fit"))
        version, fingerprint, inode, offset = _BODY.unpack(body)
        if version != _VERSION:
            raise MalformedCursorError(_problem(text, f"its version {version} is unknown"))
        return cls(fingerprint, offset, inode)


def _problem(text: object, rule: str) -> str:
    return (
        f"cursor {text!r:.64}: not a position in a log, {rule}; "
        "pass on a `cursor` or `next_after` exactly as it was received"
    )


ORIGIN = Cursor(bytes(FINGERPRINT_BYTES), 0)
"""The position before everything: the start of the oldest file that exists."""
