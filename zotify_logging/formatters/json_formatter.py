"""The JSON layout: one object a line, ``timestamp``, ``level``, ``logger``, ``message`` first."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Mapping, Sequence
from typing import NamedTuple, Unpack

from ..clock import format_created
from ..context import current_context
from ..records import LogEntry, RecordContent, extra_fields, read_record
from ..redaction import Redactor
from ..redaction.secrets import registered
from ..sanitizing import cut_text, dump_json
from .json_layout import LEADING, JsonLayout, without_clashes
from .json_options import JsonOptions, check_json_options
from .line_formatter import LineFormatter

__all__ = ["JsonFormatter"]

_SURROGATES = re.compile("[\ud800-\udfff]")
_quote_ascii = json.encoder.encode_basestring_ascii
_quote = json.encoder.encode_basestring


def _quoted(text: str) -> str:
    # Printable text stays readable; anything else is escaped to ASCII, which also covers what JSON
    # allows raw but readers split lines on (U+2028) and what UTF-8 cannot hold (lone surrogates).
    return _quote(text) if text.isprintable() else _quote_ascii(_without_surrogates(text))


def _without_surrogates(text: str) -> str:
    # An escaped lone surrogate is JSON to Python, and an error to most others.
    return _SURROGATES.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


class _Heads(NamedTuple):
    """Finished beginnings of lines, by level and logger; true for these secrets alone."""

    redactor: Redactor | None
    pattern: re.Pattern[str] | None
    known: dict[tuple[str, str], str]


class JsonFormatter(LineFormatter):
    """Fields and context as members of the object, flat; a field that takes the place of one of the
    leading members gets a trailing underscore (``level_``), and no value can lose a record.

    Takes python-json-logger's arguments, and means the same by them. With ``fmt`` the members are
    the attributes that it names, then extra fields, as there; without it they are those of this
    layout, and the other options change these. Different, on purpose: a record is one line, without
    blanks between its members, and strict JSON (RFC 8259: no ``NaN``, no name twice); mappings and
    sets stay objects and lists; what an encoder or serializer of yours cannot take is encoded by
    ours; context is on the line as well, and the handler hides secrets.

    Args:
        fmt: format, or list of names, of the record's attributes that become members.
        datefmt: form of ``asctime``, as in ``time.strftime``.
        style: of ``fmt``: ``%``, ``{``, ``$``, and ``,`` for names between commas
            (python-json-logger 4).
        validate: check ``fmt`` against its style.
        options: see :class:`~zotify_logging.formatters.json_options.JsonOptions`.

    Raises:
        ConfigurationError: unknown options or values of the wrong kind, all at once.
    """

    def __init__(
        self,
        fmt: str | Sequence[str] | None = None,
        datefmt: str | None = None,
        style: str = "%",
        validate: bool = True,
        **options: Unpack[JsonOptions],
    ) -> None:
        super().__init__()
        given = check_json_options(options)
        self._heads = _Heads(None, None, {})
        self._layout: JsonLayout | None = None
        if given or fmt is not None:
            self._layout = JsonLayout(fmt, datefmt, style, validate, given)
            self.needs_record = True

    def render(self, record: logging.LogRecord, redactor: Redactor | None) -> str:
        """Return the record's line with secrets replaced by ``redactor``."""
        context = current_context()
        if self._layout is not None:
            try:
                return self._layout.render(record, context, redactor)
            except Exception:  # from an option of the user's own: it costs the layout alone
                pass
        if (
            not context
            and type(record.msg) is str
            and not (record.exc_info or record.exc_text or record.stack_info)
            and not extra_fields(record)
        ):
            try:
                message = record.getMessage()
            except Exception:
                message = read_record(record).message
            if redactor is not None:
                message = redactor.text(message)
            return f"{self._head(record, redactor)}{_quoted(message)}}}"
        content = read_record(record)
        merged = _merged(context, content.fields)
        if redactor is not None:
            content = _redacted(content, redactor)
            merged = redactor.fields(merged)
        line = self._head(record, redactor) + _quoted(content.message)
        return line + _members(merged, content.exception, content.stack)

    def render_entry(self, entry: LogEntry) -> str:
        """Return the line of an entry, whose text is redacted already.

        Of what ``fmt`` may name, an entry knows the message, name, level, time, process and thread.
        """
        if self._layout is not None:
            return self._layout.render(_record_of(entry), entry.context, None)
        line = (
            f'{{"timestamp":"{entry.timestamp}","level":{_quoted(entry.level)},'
            f'"logger":{_quoted(entry.logger)},"message":{_quoted(entry.message)}'
        )
        return line + _members(_merged(entry.context, entry.fields), entry.exception, entry.stack)

    def shorten(self, line: str, max_bytes: int) -> str:
        """Return the line as JSON of ``max_bytes`` at most, its original size as ``truncated``.

        The leading members stay, message and exception cut in their middle; fields go.
        """
        if self._layout is not None:
            return self._layout.shorten(line, max_bytes)
        members: dict[str, object] = json.loads(line)
        leading = ("timestamp", "level", "logger")
        kept = {name: value for name, value in members.items() if name in leading}
        kept["truncated"] = len(line.encode())
        # A character can take six bytes as JSON; quotes, names and commas take the rest.
        room = (max_bytes - 64 - len(dump_json(kept))) // 6
        texts = [name for name in ("message", "exception") if isinstance(members.get(name), str)]
        for name in texts:
            kept[name] = cut_text(str(members[name]), max(0, room // len(texts)))[0]
        order = [name for name in (*members, "truncated") if name in kept]
        return dump_json({name: kept[name] for name in order})

    def _head(self, record: logging.LogRecord, redactor: Redactor | None) -> str:
        heads = self._heads
        if heads.redactor is not redactor or heads.pattern is not registered.pattern:
            heads = self._heads = _Heads(redactor, registered.pattern, {})
        key = (record.levelname, record.name)
        head = heads.known.get(key)
        if head is None:
            if len(heads.known) >= 1024:  # logger names made by the request must not grow for ever
                heads.known.clear()
            level, name = str(key[0]), str(key[1])
            if redactor is not None:
                level, name = redactor.text(level), redactor.text(name)
            head = f'"level":{_quoted(level)},"logger":{_quoted(name)},"message":'
            heads.known[key] = head
        return f'{{"timestamp":"{format_created(record.created)}",{head}'


def _redacted(content: RecordContent, redactor: Redactor) -> RecordContent:
    return RecordContent(
        redactor.text(content.message),
        content.fields,
        None if content.exception is None else redactor.text(content.exception),
        None if content.stack is None else redactor.text(content.stack),
    )


def _merged(context: Mapping[str, object], fields: Mapping[str, object]) -> Mapping[str, object]:
    merged = {**context, **fields}
    return without_clashes(merged) if LEADING & merged.keys() else merged


def _record_of(entry: LogEntry) -> logging.LogRecord:
    return logging.makeLogRecord(
        {
            **entry.fields,
            "name": entry.logger,
            "levelno": entry.level_no,
            "levelname": entry.level,
            "msg": entry.message,
            "args": (),
            "created": entry.created_ns / 1e9,
            "msecs": entry.created_ns // 1_000_000 % 1000,
            "process": entry.pid,
            "threadName": entry.thread,
            "exc_text": entry.exception,
            "stack_info": entry.stack,
        }
    )


def _members(fields: Mapping[str, object], exception: str | None, stack: str | None) -> str:
    # The traceback stands on its own: a field that has to be cut must not take it along.
    text = dump_json(fields)[1:-1] if fields else ""
    if text:
        text = f",{text}"
    if exception is not None:
        text += f',"exception":{_quoted(exception)}'
    if stack is not None:
        text += f',"stack":{_quoted(stack)}'
    return text + "}"
