"""Makes any Python value safe for strict JSON, which every reader takes.

A value that is strict already is encoded as it is; only what is not is walked through and changed,
within a bound of bytes and of depth.
"""

from __future__ import annotations

import json
import math
import re
from collections import UserString
from collections.abc import Callable, Mapping, Sequence, Set
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from enum import Enum
from pathlib import PurePath
from uuid import UUID

from .text import cut_text, safe_str, show_escaped

__all__ = ["MAX_JSON_BYTES", "MAX_JSON_DEPTH", "JsonValue", "dump_json", "json_safe"]

JsonValue = None | bool | int | float | str | list["JsonValue"] | dict[str, "JsonValue"]
"""What strict JSON can hold."""

MAX_JSON_DEPTH = 16
"""Levels of nesting that :func:`json_safe` keeps."""

MAX_JSON_BYTES = 16_384
"""Bytes of JSON text that :func:`json_safe` keeps by default."""

_SURROGATES = re.compile("[\ud800-\udfff]")

_encode: Callable[[object], str] = json.JSONEncoder(
    ensure_ascii=True, allow_nan=False, separators=(",", ":")
).encode


def dump_json(value: object) -> str:
    """Return compact, strict, ASCII JSON of any value; what JSON cannot hold is made safe first.

    Every JSON reader takes the result: no lone surrogates, no name twice in an object, no integer
    past 64 bits. A mapping always becomes an object. Never raises an ``Exception``.
    """
    try:
        if _is_strict(value, 0):
            return _encode(value)
        return _encode(json_safe(value)[0])
    except Exception:  # NaN, and what is left: no stack to recurse on, no memory
        return _last_resort(value)


def _last_resort(value: object) -> str:
    try:
        safe = json_safe(value)[0]
        if isinstance(safe, dict) or not isinstance(value, Mapping):
            return _encode(safe)
    except Exception:
        pass
    return "{}" if isinstance(value, Mapping) else '"<unreadable>"'


def _is_strict(value: object, depth: int) -> bool:
    """Tell whether the encoder may have ``value``: it takes more than JSON readers do."""
    kind = type(value)
    if kind is str:
        text: str = value  # type: ignore[assignment]  # `kind` has just said so
        return text.isprintable() or not _SURROGATES.search(text)
    if kind is int:
        return -(2**63) <= value < 2**64  # type: ignore[operator]  # as above
    if kind is dict:
        if depth >= MAX_JSON_DEPTH:
            return False
        for key, item in value.items():  # type: ignore[attr-defined]  # as above
            if type(key) is not str or not (key.isprintable() or not _SURROGATES.search(key)):
                return False  # 1 and "1" would be one name
            if not _is_strict(item, depth + 1):
                return False
        return True
    if kind is list or kind is tuple:
        if depth >= MAX_JSON_DEPTH:
            return False
        return all(_is_strict(item, depth + 1) for item in value)  # type: ignore[attr-defined]
    return kind is float or value is None or kind is bool


def json_safe(value: object, *, max_bytes: int = MAX_JSON_BYTES) -> tuple[JsonValue, list[str]]:
    """Return any Python value as strict JSON, and what had to be changed on the way.

    Non-finite floats, huge integers, cycles, deep nesting, bytes, sets, odd keys, lone surrogates
    and objects whose ``__str__`` raises become text; what does not fit ``max_bytes`` is left out.

    Returns:
        The JSON value, and one ``"<JSON Pointer>: <what>"`` for each change (RFC 6901).
        Never raises an ``Exception``.
    """
    walk = _Walk(max_bytes)
    return walk.convert(value, "", 0), walk.problems


class _Walk:
    """One conversion: the room that is left and the containers it stands in."""

    def __init__(self, max_bytes: int) -> None:
        self.room = max_bytes
        self.problems: list[str] = []
        self._open: set[int] = set()

    def convert(self, value: object, at: str, depth: int) -> JsonValue:
        try:
            return self._convert(value, at, depth)
        except Exception as error:  # from the value's own methods: it costs that value alone
            self.problems.append(f"{at}: {type(error).__name__}")
            return self._text(f"<unreadable {type(value).__name__}>", at)

    def _convert(self, value: object, at: str, depth: int) -> JsonValue:
        if value is None or value is True or value is False:
            self.room -= 5
            return value if isinstance(value, bool) else None
        if isinstance(value, Enum):
            value = value.value
        if isinstance(value, str):
            return self._text(value, at)
        if isinstance(value, int):
            number = int.__int__(value)  # a subclass may override everything but this
            if -(2**63) <= number < 2**64:
                self.room -= 20
                return number
            self.problems.append(f"{at}: huge_integer")
            return self._text(hex(number), at)
        if isinstance(value, float):
            real = float.__float__(value)
            if math.isfinite(real):
                self.room -= 24
                return real
            self.problems.append(f"{at}: non_finite")
            return self._text(repr(real), at)
        if isinstance(value, (Mapping, Sequence, Set)) and not isinstance(
            value, (bytes, bytearray, memoryview, UserString)
        ):
            return self._container(value, at, depth)
        return self._other(value, at)

    def _text(self, text: str, at: str) -> str:
        text = str.__str__(text)  # a subclass may override everything but this
        if not text.isprintable() and _SURROGATES.search(text):
            self.problems.append(f"{at}: lone_surrogate")
            text = _SURROGATES.sub(show_escaped, text)
        size = len(text) + 2 if text.isascii() and text.isprintable() else len(_encode(text))
        if size > self.room:
            self.problems.append(f"{at}: cut")
            text, _ = cut_text(text, max(0, self.room // (6 if size > len(text) + 2 else 1)))
        self.room -= size
        return text

    def _container(
        self, value: Mapping[object, object] | Sequence[object] | Set[object], at: str, depth: int
    ) -> JsonValue:
        if id(value) in self._open:
            self.problems.append(f"{at}: cycle")
            return "<cycle>"
        if depth >= MAX_JSON_DEPTH:
            self.problems.append(f"{at}: depth")
            return f"<{type(value).__name__}, too deep>"
        self._open.add(id(value))
        try:
            if isinstance(value, Mapping):
                return self._mapping(value, at, depth)
            if isinstance(value, Set):
                self.problems.append(f"{at}: set")
                value = sorted(value, key=safe_str)
            result: list[JsonValue] = []
            try:
                for index, item in enumerate(value):
                    if self.room <= 0:
                        self.problems.append(f"{at}: {_rest(value, index)} items left out")
                        break
                    self.room -= 1
                    result.append(self.convert(item, f"{at}/{index}", depth + 1))
            except Exception as error:  # what was read so far is kept
                self.problems.append(f"{at}: {type(error).__name__}")
            return result
        finally:
            self._open.discard(id(value))

    def _mapping(self, value: Mapping[object, object], at: str, depth: int) -> JsonValue:
        result: dict[str, JsonValue] = {}
        try:
            self._members(value, at, depth, result)
        except Exception as error:  # what was read so far is kept
            self.problems.append(f"{at}: {type(error).__name__}")
        return result

    def _members(
        self, value: Mapping[object, object], at: str, depth: int, result: dict[str, JsonValue]
    ) -> None:
        for index, (key, item) in enumerate(value.items()):
            if self.room <= 0:
                self.problems.append(f"{at}: {_rest(value, index)} members left out")
                break
            name = key if type(key) is str else safe_str(key)
            path = f"{at}/{name[:64].replace('~', '~0').replace('/', '~1')}"
            if type(key) is not str:
                self.problems.append(f"{path}: key_type")
            name = self._text(name, path)
            if name in result:
                self.problems.append(f"{path}: key_clash")
                name = f"{name} ({index})"
            self.room -= 2
            result[name] = self.convert(item, path, depth + 1)

    def _other(self, value: object, at: str) -> JsonValue:
        if isinstance(value, (bytes, bytearray, memoryview)):
            self.problems.append(f"{at}: bytes")
            data = bytes(value[: max(0, self.room) + 1])
            return self._text(data.decode("utf-8", "backslashreplace"), at)
        if isinstance(value, (datetime, date, time)):
            return self._text(value.isoformat(), at)
        if isinstance(value, timedelta):
            return value.total_seconds()
        if not isinstance(value, (UUID, Decimal, PurePath)):
            self.problems.append(f"{at}: {type(value).__name__}")
        return self._text(safe_str(value), at)


def _rest(value: Mapping[object, object] | Sequence[object] | Set[object], index: int) -> str:
    try:
        return str(len(value) - index)
    except Exception:  # a length that raises, or is none
        return "more"
