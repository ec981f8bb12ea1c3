"""The application's main log: written by any number of processes, followed live by any number."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from typing import IO, Unpack

from ..clock import parse_instant
from ..exceptions import OptionError, StorageError
from ..formatters import JsonFormatter, LineFormatter, TextFormatter
from ..options import OptionReader
from ..records import LogEntry
from ..sanitizing import escape_ascii
from ..storage.appender import describe_open_error
from ..storage.log_file import LogFile
from ..streaming import Subscription, follow, waker
from .base import BaseLogHandler, HandlerOptions

__all__ = ["FileStreamHandler"]


class FileStreamHandler(BaseLogHandler):
    """Writes one line per record, rotates by size, and lets readers follow the file.

    The file is the buffer: a subscriber is a position in it, so a slow one costs nothing and misses
    nothing until rotation deletes what it has not read. The defaults keep 6 × 10 MB.

    Takes ``RotatingFileHandler``'s arguments in their order and names as well. Several processes
    may write one file on a local file system, rotation included.

    Guarantees: once a log call returns, its record survives ``kill -9`` of the process, and a power
    loss with ``durability="fsync"``. A record that cannot be written is counted, never raised.

    Args:
        filename: the log; its folder is made if missing.
        mode: ``"a"`` appends, ``"w"`` empties the file first.
        maxBytes: as ``max_bytes``, by stdlib's name.
        backupCount: as ``keep``, by stdlib's name.
        encoding: ``utf-8`` or ``ascii`` (then everything else is shown escaped).
        delay: open the file at the first record.
        errors: accepted for stdlib's sake; nothing here can fail to encode.
        format: layout, ``text`` or ``json``; a formatter set by dictConfig wins over it.
        max_bytes: size past which the file is rotated, ``"10 MB"``; 0 never rotates.
        keep: closed files to keep, 5; 0 never rotates.
        durability: ``write`` survives the process, ``fsync`` also the power (at its price).
        max_line: bytes of one line, 64 KiB; a longer one is cut in its middle and says so. JSON
            lines stay JSON: message and exception are cut, fields left out.
        options: see :class:`~zotify_logging.handlers.base.HandlerOptions`.

    Raises:
        OptionError: wrong options, all at once, or a file that cannot be opened.
    """

    default_batch_size = 1  # a batch that fails half-way must not be written twice

    def __init__(
        self,
        filename: str | os.PathLike[str],
        mode: str = "a",
        maxBytes: int | None = None,
        backupCount: int | None = None,
        encoding: str | None = None,
        delay: bool = False,
        errors: str | None = None,
        *,
        format: str = "text",
        max_bytes: int | str = "10 MB",
        keep: int = 5,
        durability: str = "write",
        max_line: int | str = "64 KiB",
        **options: Unpack[HandlerOptions],
    ) -> None:
        reader = OptionReader(type(self).__name__)
        path = reader.text("filename", _as_text(filename))
        self.mode = reader.choice("mode", mode, ("a", "w"))
        self._empty_first = self.mode == "w"
        if maxBytes is not None:
            max_bytes = maxBytes
        if backupCount is not None:
            keep = backupCount
        limit = reader.size("max_bytes" if maxBytes is None else "maxBytes", max_bytes)
        kept = reader.integer("keep" if backupCount is None else "backupCount", keep)
        self._encoding = _read_encoding(reader, encoding)
        delay = reader.boolean("delay", delay)
        reader.text("errors", errors, optional=True)
        self._format = reader.choice("format", format, ("text", "json"))
        fsync = reader.choice("durability", durability, ("write", "fsync")) == "fsync"
        self._max_line = reader.size("max_line", max_line, minimum=256)
        reader.known("maxBytes", "backupCount", "max_bytes", "keep")
        if options.get("delivery") == "queued":
            options.setdefault("max_batch_size", 1)
        super().__init__(reader=reader, **options)
        self.baseFilename = os.path.abspath(path or "")
        self._file = LogFile(
            self.baseFilename,
            max_bytes=limit,
            keep=kept,
            mode=self.file_mode,
            fsync=fsync,
            lock_timeout=self.lock_timeout,
        )
        self._waker = waker(self.baseFilename)
        if not delay:
            self.open()

    @property
    def stream(self) -> IO[str] | None:
        """Always ``None``: there is no buffered stream, each record is one ``write(2)``."""
        return None

    @property
    def encoding(self) -> str:
        """``utf-8`` or ``ascii``."""
        return self._encoding

    @property
    def backupCount(self) -> int:
        """Closed files to keep, by stdlib's name."""
        return self._file.keep

    @property
    def maxBytes(self) -> int:
        """Size past which the file is rotated, by stdlib's name."""
        return self._file.limit

    def open(self) -> None:
        """Open the file now.

        Raises:
            OptionError: it cannot be opened; names the file, the reason and the cure.
        """
        try:
            self._file.open()
            if self._empty_first:
                os.truncate(self.baseFilename, 0)
                self._empty_first = False  # opened again after a close, it keeps what it has
        except StorageError as error:
            raise OptionError([f"{self._label()}.filename: {error}"]) from error
        except OSError as error:
            raise OptionError(
                [f"{self._label()}.filename: {describe_open_error(self.baseFilename, error)}"]
            ) from error

    def default_formatter(self) -> LineFormatter:
        """Return the layout that ``format`` names."""
        return JsonFormatter() if self._format == "json" else TextFormatter()

    def write_record(self, record: logging.LogRecord) -> None:
        """Write the record's line straight from the record."""
        self._append(self.render(record), record.created)

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Write each entry's line, one ``write(2)`` each."""
        for entry in entries:
            self._append(self.format_entry(entry), entry.created_ns / 1e9)

    def _append(self, line: str, now: float) -> None:
        data = self._encode(line)
        if len(data) > self._max_line:
            # Escapes make ASCII longer than UTF-8, by a factor of three at most.
            room = self._max_line - 1 if self._encoding == "utf-8" else self._max_line // 3 - 1
            data = self._encode(self.shorten(line, room))
        self._file.append(data, now)
        self.ledger.bytes += len(data)
        if self._waker.active:
            self._waker.wake()

    def _encode(self, line: str) -> bytes:
        if self._encoding == "ascii" and not line.isascii():
            line = escape_ascii(line)
        return f"{line}\n".encode("utf-8", "backslashreplace")

    def shouldRollover(self, record: logging.LogRecord) -> bool:
        """Tell whether the record would be the first of a new file (stdlib's name)."""
        size = self._file.size
        return bool(size) and size + len(self._encode(self.render(record))) > self._file.limit

    def doRollover(self) -> None:
        """Rotate now (stdlib's name).

        Raises:
            OSError: the files cannot be renamed; the file at hand stays in use.
        """
        with self.ledger.lock:
            self._file.rotate()

    def subscribe(
        self,
        after: str | None = None,
        since: int | str | None = None,
        tail: int | str | None = None,
        level: int | str | None = None,
        logger: str | None = None,
        q: str | None = None,
    ) -> Subscription:
        """Follow this log: see :func:`zotify_logging.streaming.follow` for arguments and errors.

        ``since`` may also be a text: RFC 3339, unix seconds, or ``15m``, ``2h``, ``1d`` ago.
        """
        if isinstance(since, str):
            since = parse_instant("since", since)
        return follow(
            self.baseFilename, after=after, since=since, tail=tail, level=level, logger=logger, q=q
        )

    def release_sink(self) -> None:
        """Close the file; whoever follows it reads on."""
        self._file.close()

    def ping(self) -> None:
        """Check that the file can be opened for writing.

        Raises:
            OptionError: it cannot; names the file, the reason and the cure.
        """
        with self.ledger.lock:
            self.open()


def _as_text(filename: object) -> object:
    return os.fspath(filename) if isinstance(filename, os.PathLike) else filename


def _read_encoding(reader: OptionReader, encoding: object) -> str:
    name = str(encoding or "utf-8").lower().replace("_", "-")
    if name in ("utf-8", "utf8", "ascii", "us-ascii"):
        reader.known("encoding")
        return "ascii" if "ascii" in name else "utf-8"
    reader.problem("encoding", f"{encoding!r} is not supported; use utf-8 or ascii")
    return "utf-8"
