"""What a subscriber receives: a line of the log, or a control record about the stream itself."""

from __future__ import annotations

import builtins
import codecs
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from ..storage.cursor import Cursor
from ..storage.line_reader import RawLine
from .record_head import RecordHead, read_head

__all__ = ["StreamRecord", "control_record", "log_record"]

_NOTHING: Mapping[str, str | int | None] = MappingProxyType({})
_UNREAD: Final = object()


class StreamRecord:
    """One record of a stream; nothing in it changes, and all of it is plain data.

    Decoding and reading of the head wait until somebody asks: a follower that passes lines on as
    text pays for neither.

    Safe for many threads (at worst, two of them decode the same line).
    """

    __slots__ = ("_type", "_line", "_cursor", "_late", "_details", "_raw", "_head", "_encoded")

    def __init__(
        self,
        type: str,
        cursor: Cursor | str,
        line: RawLine | None = None,
        late: bool = False,
        details: Mapping[str, str | int | None] = _NOTHING,
    ) -> None:
        self._type = type
        self._cursor: Cursor | str = cursor
        self._line = line
        self._late = late
        self._details = details
        self._raw: str | None = None if line is not None else ""
        self._head: object = _UNREAD if line is not None else None
        self._encoded: dict[str, builtins.bytes] = {}

    @property
    def type(self) -> str:
        """``log`` for a line; else ``hello``, ``gap``, ``rotated``, ``waiting`` or ``end``."""
        return self._type

    @property
    def cursor(self) -> str:
        """The position behind this record, to be passed as ``after`` by whoever resumes."""
        cursor = self._cursor
        if isinstance(cursor, Cursor):
            cursor = self._cursor = cursor.encode()
        return cursor

    @property
    def head(self) -> RecordHead | None:
        """What the line says about itself; ``None`` if it has no readable head."""
        if self._head is _UNREAD:
            self._head = read_head(self.raw)
        return self._head if isinstance(self._head, RecordHead) else None

    @property
    def timestamp(self) -> str | None:
        """The line's time as written (RFC 3339), or ``None``."""
        head = self.head
        return head.timestamp if head is not None else None

    @property
    def level(self) -> str | None:
        """The level's name, or ``None``."""
        head = self.head
        return head.level if head is not None else None

    @property
    def logger(self) -> str | None:
        """The logger's name, or ``None``."""
        head = self.head
        return head.logger if head is not None else None

    @property
    def message(self) -> str:
        """The message; of a line without readable head, all of it."""
        head = self.head
        return head.message if head is not None else self.raw

    @property
    def raw(self) -> str:
        """The line without its newline; invalid UTF-8 shown as U+FFFD, cut if ``truncated``."""
        if self._raw is None:
            self._raw = _decode(self._line) if self._line is not None else ""
        return self._raw

    @property
    def truncated(self) -> bool:
        """Whether the line is longer than 64 KiB, of which the rest is left out."""
        line = self._line
        return line is not None and line.size > len(line.data)

    @property
    def bytes(self) -> int | None:
        """Of a line: its bytes in the file. Of a gap: the bytes missing, ``None`` if unknown."""
        if self._line is not None:
            return self._line.size
        value = self._details.get("bytes")
        return value if isinstance(value, int) else None

    @property
    def replaced(self) -> int:
        """How many characters stand for bytes that are not UTF-8."""
        line = self._line
        if line is None:
            return 0
        # Every U+FFFD in the text that is not in the bytes was put there by decoding.
        return max(0, self.raw.count("\ufffd") - line.data.count(b"\xef\xbf\xbd"))

    @property
    def partial(self) -> bool:
        """Whether this is a part of a line: its newline, or what began it, is not in it."""
        line = self._line
        if line is None:
            return False
        return line.unfinished or (line.continues and self.head is None)

    @property
    def late(self) -> bool:
        """Whether the line was written to a rotated file after the reader had left it."""
        return self._late

    @property
    def details(self) -> Mapping[str, str | int | None]:
        """What a control record says: ``reason``, ``lines``, ``bytes``, ``from``, ``to``, …"""
        return self._details

    @property
    def reason(self) -> str | None:
        """Why a gap is there, or why the stream ended."""
        value = self._details.get("reason")
        return str(value) if value is not None else None

    @property
    def line(self) -> RawLine | None:
        """The bytes of a line, and where they stand in their file; ``None`` for control records."""
        return self._line

    @property
    def encoded(self) -> dict[str, builtins.bytes]:
        """Forms already made, by format: kept here and nowhere else (see :mod:`.encoding`)."""
        return self._encoded

    def __repr__(self) -> str:
        if self._line is None:
            return f"<StreamRecord {self._type} {dict(self._details)}>"
        return f"<StreamRecord log {self.raw[:120]!r}>"


def _decode(line: RawLine) -> str:
    if line.size == len(line.data):
        return line.data.decode("utf-8", "replace")
    # Cut inside a character: the incremental decoder keeps its first bytes back.
    return codecs.getincrementaldecoder("utf-8")("replace").decode(line.data)


def log_record(line: RawLine, cursor: Cursor, late: bool = False) -> StreamRecord:
    """Return the record of a line."""
    return StreamRecord("log", cursor, line, late)


def control_record(type: str, cursor: Cursor | str, **details: str | int | None) -> StreamRecord:
    """Return a control record; a name ending in ``_`` loses it (``from_``)."""
    named = {name.rstrip("_"): value for name, value in details.items()}
    return StreamRecord(type, cursor, None, False, MappingProxyType(named))
