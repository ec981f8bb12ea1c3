"""The bytes of one line, and what holds the lines together.

A line is ``<covered>,"hash":"<64 hex>"}`` and a newline. ``hash`` is SHA-256 over the covered bytes
exactly as they stand in the file; the last covered member is ``prev``, the hash of the line before.
Nothing here parses JSON: a check that re-serialises would depend on a serialiser.
"""

from __future__ import annotations

import re
from hashlib import sha256
from typing import NamedTuple

__all__ = [
    "GENESIS",
    "LINE_HEAD",
    "MAX_LINE",
    "TAIL_SIZE",
    "VERSION",
    "ChainLine",
    "close_line",
    "could_be_torn",
    "parse_line",
]

VERSION = 1
"""The version of the line format that is written here."""

MAX_LINE = 65_536
"""Bytes in a line, newline included, at most."""

TAIL_SIZE = 75
"""Bytes of the fixed end of a line, ``,"hash":"<64 hex>"}``, before its newline."""

GENESIS = "0" * 64
"""``prev`` of the very first line."""

LINE_HEAD = b'{"v":1,"seq":'
"""How every line of this version begins."""

# `seq` has no leading zero and at most 12 digits, as in the names of segments.
_LINE = re.compile(
    rb'\{"v":([1-9][0-9]{0,3}),"seq":([1-9][0-9]{0,11}),[\x20-\x7e]*'
    rb',"prev":"([0-9a-f]{64})","hash":"([0-9a-f]{64})"\}'
)


class ChainLine(NamedTuple):
    """What a well-formed line says of its place; whether it tells the truth is ``intact``."""

    version: int
    seq: int
    prev: str
    hash: str
    digest: str

    @property
    def intact(self) -> bool:
        """Whether the hash on the line is that of its bytes."""
        return self.hash == self.digest


def close_line(covered: str) -> tuple[bytes, str]:
    """Return the finished line with its newline, and its hash.

    Args:
        covered: ASCII, everything from ``{`` to the closing quote of ``prev``.
    """
    data = covered.encode("ascii")
    digest = sha256(data).hexdigest()
    return b'%b,"hash":"%b"}\n' % (data, digest.encode("ascii")), digest


def parse_line(line: bytes) -> ChainLine | None:
    """Read a line without its newline; ``None`` if it does not have the form of one."""
    match = _LINE.fullmatch(line)
    if match is None:
        return None
    version, seq, prev, stated = match.groups()
    return ChainLine(
        int(version),
        int(seq),
        prev.decode("ascii"),
        stated.decode("ascii"),
        sha256(line[:-TAIL_SIZE]).hexdigest(),
    )


def could_be_torn(fragment: bytes) -> bool:
    """Tell whether a broken line may be the start of one of ours that was never finished."""
    return bool(fragment) and (fragment.startswith(LINE_HEAD) or LINE_HEAD.startswith(fragment))
