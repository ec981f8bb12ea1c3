"""The layout that python-json-logger's options ask for: its members, our redaction, one line."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping, Sequence, Set
from importlib import import_module
from typing import Protocol, cast

from ..clock import format_created
from ..exceptions import ConfigurationError
from ..records import RESERVED, exception_text, extra_fields, message_text, read_record
from ..redaction import Redactor
from ..sanitizing import cut_text, dump_json, escape_line, safe_str
from .plain_members import SIMPLE, PlainMembers

__all__ = ["LEADING", "JsonLayout", "without_clashes"]

LEADING = frozenset({"timestamp", "level", "logger", "message", "exception", "stack"})
"""Members of our own layout, which no field takes the place of."""

_OWN_FORMAT = "%(timestamp)s %(level)s %(logger)s %(message)s"

_MAX_DEPTH = 32


class _Theirs(Protocol):
    """What this module calls of ``pythonjsonlogger.json.JsonFormatter``: its documented methods."""

    def add_fields(
        self, log_data: dict[str, object], record: logging.LogRecord, event: dict[str, object], /
    ) -> None: ...

    def process_log_record(self, log_data: dict[str, object], /) -> dict[str, object]: ...

    def jsonify_log_record(self, log_data: dict[str, object], /) -> str | bytes: ...

    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str: ...


def without_clashes(fields: Mapping[str, object]) -> dict[str, object]:
    """Return the fields; one that takes the place of a leading member gets an underscore."""
    result = dict(fields)
    for name in sorted(LEADING & result.keys()):
        free = f"{name}_"
        while free in result:
            free += "_"
        result[free] = result.pop(name)
    return result


class JsonLayout:
    """One way to lay out a record, as the options say; shared by threads.

    Without ``fmt`` the members are those of our own layout, and the options change these; with it
    they are python-json-logger's.

    Args:
        fmt: the record's attributes that become members; a format or a list of names.
        datefmt: form of the member ``asctime``.
        style: of ``fmt``.
        validate: whether to check ``fmt`` against its style.
        options: those that are set, checked.

    Raises:
        ConfigurationError: ``fmt`` and ``style`` do not fit.
    """

    def __init__(
        self,
        fmt: str | Sequence[str] | None,
        datefmt: str | None,
        style: str,
        validate: bool,
        options: Mapping[str, object],
    ) -> None:
        theirs = import_module("pythonjsonlogger.json")
        self._own = fmt is None
        self._datefmt = datefmt
        self._wants_asctime = "asctime" in str(fmt)
        self._prefix = escape_line(str(options.get("prefix", "")))
        self._custom = "json_encoder" in options or "json_serializer" in options
        self._readable = options.get("json_ensure_ascii") is False
        self._arrays = (
            options.get("exc_info_as_array") is True,
            options.get("stack_info_as_array") is True,
        )
        default = options.get("json_default") or theirs.JsonEncoder().default
        self._default = cast(Callable[[object], object], default)
        # What these say is done here: a traceback is text already when theirs would see it.
        left_out = ("prefix", "json_indent", "exc_info_as_array", "stack_info_as_array")
        passed = {name: value for name, value in options.items() if name not in left_out}
        try:
            made = theirs.JsonFormatter(
                _OWN_FORMAT if fmt is None else fmt,
                datefmt,
                "%" if fmt is None else style,
                validate,
                **passed,
            )
        except (ValueError, TypeError, KeyError) as error:
            raise ConfigurationError([f"JsonFormatter.format: {error}"]) from error
        self._theirs = cast(_Theirs, made)
        attributes = {"timestamp", "level", "logger"} if self._own else set()
        if self._wants_asctime:
            attributes.add("asctime")
        self._plain = PlainMembers(self._theirs.add_fields, attributes, self._readable)
        if self._custom or ("json_default" in options and options.get("timestamp")):
            self._plain.usable = False  # they have a word in what a plain record looks like
        later = ("timestamp", "rename_fields_keep_missing")  # these add members after the fields
        self._appends = not self._readable and not any(options.get(name) for name in later)
        renamed = cast(Mapping[str, str], options.get("rename_fields", {}))
        reserved = cast(Sequence[str], options.get("reserved_attrs", ()))
        self._taken = self._plain.names | RESERVED | LEADING | {*renamed, *renamed.values()}
        self._taken |= {*reserved}

    def render(
        self, record: logging.LogRecord, context: Mapping[str, object], redactor: Redactor | None
    ) -> str:
        """Return the record's line; the record stays as it is."""
        if (
            self._plain.usable
            and type(record.msg) is str
            and not (record.exc_info or record.exc_text or record.stack_info)
            and self._plain.may_show(redactor)
        ):
            fields = extra_fields(record)
            if context:
                fields = {**context, **fields}
            if not fields or self._may_append(fields):
                line = self._prefix + self._plain.line(record, self._computed(record), redactor)
                if not fields:
                    return line
                clean = fields if redactor is None else redactor.fields(fields)
                return f"{line[:-1]},{dump_json(clean)[1:]}"
        members = self._own_members if self._own else self._their_members
        copy, event, exception, stack = members(record, context, redactor)
        if redactor is not None:
            copy.name = redactor.text(safe_str(copy.name))
            exception = None if exception is None else redactor.text(exception)
            stack = None if stack is None else redactor.text(stack)
        names = ("exception", "stack") if self._own else ("exc_info", "stack_info")
        for name, text, as_array in zip(names, (exception, stack), self._arrays, strict=True):
            if text is not None and not event.get(name):
                shown: object = text.splitlines() if as_array else text
                event[name] = shown
                if name in copy.__dict__:  # a member by itself where `reserved_attrs` is short
                    copy.__dict__[name] = shown
        data: dict[str, object] = {}
        self._theirs.add_fields(data, copy, event)
        return self._prefix + self._encode(self._theirs.process_log_record(data), redactor)

    def shorten(self, line: str, max_bytes: int) -> str:
        """Return the line as JSON of ``max_bytes`` at most, its original size as ``truncated``.

        Members stay in their order while there is room; the longest text is cut in its middle.
        """
        room = max_bytes - len(self._prefix.encode())
        members: dict[str, object] = json.loads(line.removeprefix(self._prefix))
        sizes = {name: len(dump_json(value)) for name, value in members.items()}
        longest = max(sizes, key=lambda name: sizes[name])
        kept: dict[str, object] = {"truncated": len(line.encode())}
        left = room * 3 // 4 - len(dump_json(kept))
        for name, value in members.items():
            left -= sizes[name] + len(dump_json(name)) + 2 if name != longest else 0
            if name != longest and left > 0:
                kept[name] = value
        text, left = members[longest], room - len(dump_json(kept)) - len(dump_json(longest)) - 4
        if isinstance(text, str) and left > 6:
            kept[longest] = cut_text(text, left // 6)[0]  # a character can take six bytes as JSON
        order = [name for name in (*members, "truncated") if name in kept]
        return self._prefix + dump_json({name: kept[name] for name in order})

    def _may_append(self, fields: Mapping[str, object]) -> bool:
        """Tell whether fields come last, by their own names, and need no encoder."""
        return (
            self._appends
            and self._taken.isdisjoint(fields)
            and all(type(value) in SIMPLE for value in fields.values())
        )

    def _computed(self, record: logging.LogRecord) -> dict[str, object]:
        """Return the attributes that a plain record itself does not have, or not so."""
        message = message_text(record)
        if self._own:
            return {
                "message": message,
                "timestamp": format_created(record.created),
                "level": safe_str(record.levelname),
                "logger": safe_str(record.name),
            }
        computed: dict[str, object] = {"message": message, "msg": message, "args": ()}
        if self._wants_asctime:
            computed["asctime"] = self._theirs.formatTime(record, self._datefmt)
        return computed

    def _own_members(
        self, record: logging.LogRecord, context: Mapping[str, object], redactor: Redactor | None
    ) -> tuple[logging.LogRecord, dict[str, object], str | None, str | None]:
        content = read_record(record)
        copy = _bare_copy(record)
        fields = {**context, **content.fields}
        message = content.message
        if redactor is not None:
            fields = redactor.fields(fields, shown=False)
            message = redactor.text(message)
        copy.message = message
        copy.__dict__["timestamp"] = format_created(record.created)
        copy.__dict__["level"] = safe_str(record.levelname)
        copy.__dict__["logger"] = safe_str(record.name)
        if redactor is not None:
            copy.__dict__["logger"] = redactor.text(copy.__dict__["logger"])
        return copy, without_clashes(fields), content.exception, content.stack

    def _their_members(
        self, record: logging.LogRecord, context: Mapping[str, object], redactor: Redactor | None
    ) -> tuple[logging.LogRecord, dict[str, object], str | None, str | None]:
        copy = _bare_copy(record)
        extra = extra_fields(record)
        event: dict[str, object] = {
            f"{name}_" if name in RESERVED else name: value  # what is bound replaces nothing
            for name, value in context.items()
            if name in RESERVED or name not in record.__dict__
        }
        exception = record.exc_text or exception_text(record.exc_info)
        if isinstance(record.msg, Mapping) and not record.args:
            event.update({safe_str(name): value for name, value in record.msg.items()})
            if not isinstance(event.get("exc_info", ""), str):
                exception = exception_text(event.pop("exc_info")) or exception
            message = ""
        else:
            message = message_text(record)
        if redactor is not None:
            extra = redactor.fields(extra, shown=False)
            event = redactor.fields(event, shown=False)
            message = redactor.text(message)
        copy.__dict__.update(extra)
        copy.message = copy.msg = message
        if self._wants_asctime:
            copy.asctime = self._theirs.formatTime(record, self._datefmt)
        return copy, event, exception, record.stack_info

    def _encode(self, data: dict[str, object], redactor: Redactor | None) -> str:
        if self._custom:
            try:
                made = self._theirs.jsonify_log_record(data)
                text = made.decode() if isinstance(made, bytes) else made
                # A newline in JSON stands between members: in a text it would be escaped.
                line = escape_line("".join(part.strip(" \t\r") for part in text.split("\n")))
                if redactor is not None:
                    line = redactor.text(line)
                json.loads(line, parse_constant=_refuse)
                line.encode()
                return line
            except Exception:  # its own encoder, or its result, would cost the record
                pass
        values = {name: self._value(value, 0) for name, value in data.items()}
        if redactor is not None:
            values = redactor.fields(values)  # once more: objects have turned into members
        line = dump_json(values)
        if self._readable:
            shown = json.dumps(json.loads(line), ensure_ascii=False, separators=(",", ":"))
            line = escape_line(shown)
        return line

    def _value(self, value: object, depth: int) -> object:
        """Return a value with its objects turned to values as the options, else theirs, have it."""
        if value is None or isinstance(value, (str, int, float)) or depth > _MAX_DEPTH:
            return value
        try:
            if isinstance(value, Mapping):
                return {_key(key): self._value(item, depth + 1) for key, item in value.items()}
            if isinstance(value, (list, tuple, Set)):
                return [self._value(item, depth + 1) for item in value]
            return self._value(self._default(value), depth + 1)
        except Exception:
            return safe_str(value)


def _bare_copy(record: logging.LogRecord) -> logging.LogRecord:
    """Return a record with the attributes of ``logging`` alone, and no live exception."""
    copy = logging.LogRecord.__new__(logging.LogRecord)  # without asking for thread and process
    copy.__dict__.update(
        {name: value for name, value in record.__dict__.items() if name in RESERVED}
    )
    copy.args = ()
    copy.exc_info = copy.exc_text = copy.stack_info = None
    return copy


def _key(key: object) -> object:
    # As json.dumps names them; anything else is made safe with the rest of the value.
    if key is None or isinstance(key, bool):
        return {None: "null", True: "true", False: "false"}[key]
    return key


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")
