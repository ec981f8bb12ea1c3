"""Takes secrets out of text, and out of values at any depth."""

from __future__ import annotations

from collections import UserString
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum
from uuid import UUID

from ..sanitizing import safe_str
from .names import SecretNames
from .patterns import REDACTED, without_patterns
from .secrets import registered

__all__ = ["MAX_ITEMS", "Redactor"]

MAX_ITEMS = 10_000
"""Members and items looked at in one value; what comes after them is left out, and says so."""

_MAX_DEPTH = 32


class Redactor:
    """Applies the rules; shared by threads.

    Args:
        names: field names that are secret here besides the built-in ones.
        patterns: ``False`` switches shapes and pairs in text off.

    Attributes:
        names: the field names that are secret here.
    """

    def __init__(self, names: Iterable[str] = (), *, patterns: bool = True) -> None:
        self.names = SecretNames(names, endings=patterns)
        self._patterns = patterns

    def text(self, text: str) -> str:
        """Return ``text`` without what looks like a secret, or is registered as one."""
        # Registered ones first: a pattern may end in the middle of one, and leave half of it.
        if registered.pattern is not None:
            text = registered.hide(text)
        if self._patterns:
            text = without_patterns(text)
        return text

    def is_secret_name(self, name: str) -> bool:
        """Tell whether a field of that name holds a secret."""
        return name in self.names

    def fields(self, mapping: Mapping[str, object], *, shown: bool = True) -> dict[str, object]:
        """Return a copy of ``mapping`` without secrets at any depth; the input stays as it is.

        Never raises an ``Exception``.

        Args:
            mapping: names and values.
            shown: turn objects that are no text, number, time or container into redacted text, as
                they will be shown; ``False`` keeps them, for formatters that want the object.
        """
        result = _Pass(self, None, shown).members(mapping, "", 0)
        return {key if type(key) is str else safe_str(key): item for key, item in result.items()}

    def redact(self, value: object) -> tuple[object, list[str]]:
        """Return any value without secrets, and JSON Pointers (RFC 6901) of what was replaced.

        Never raises an ``Exception``; containers are copied (tuples stay tuples, other sequences
        and sets become lists), everything else is kept by reference unless its text has a secret.
        """
        found: list[str] = []
        return _Pass(self, found, None).value(value, "", 0), found


_HARMLESS = (date, time, timedelta, Decimal, UUID)


class _Pass:
    """One walk over a value: the containers it stands in, and how many items it may still see.

    ``shown`` says what becomes of other objects: ``True`` their text, ``False`` themselves,
    ``None`` themselves unless their text has a secret.
    """

    def __init__(self, redactor: Redactor, found: list[str] | None, shown: bool | None) -> None:
        self._redactor = redactor
        self._found = found
        self._shown = shown
        self._left = MAX_ITEMS
        self._open: set[int] = set()

    def value(self, value: object, at: str, depth: int) -> object:
        try:
            return self._value(value, at, depth)
        except Exception:  # from the value's own methods: nothing of it may get out
            return f"<unreadable {type(value).__name__}>"

    def members(self, mapping: Mapping[str, object], at: str, depth: int) -> dict[object, object]:
        result: dict[object, object] = {}
        try:
            self._mapping(mapping, at, depth, result)
        except Exception as error:  # what was read so far is kept
            result[f"<unreadable {type(mapping).__name__}>"] = type(error).__name__
        return result

    def _value(self, value: object, at: str, depth: int) -> object:
        if isinstance(value, str):
            return self._text(value, str.__str__(value), at)
        if value is None or isinstance(value, (bool, int, float)):
            if registered.pattern is None or value is None or isinstance(value, bool):
                return value
            return self._text(value, safe_str(value), at)
        if isinstance(value, (bytes, bytearray, memoryview)):
            return self._text(value, bytes(value).decode("utf-8", "backslashreplace"), at)
        if isinstance(value, _HARMLESS) or (type(value) is range):
            return value
        if isinstance(value, (Mapping, Sequence, Set)) and not isinstance(value, UserString):
            return self._container(value, at, depth)
        if isinstance(value, Enum):
            clean = self.value(value.value, at, depth + 1)
            return value if clean == value.value and not self._shown else clean
        if self._shown is False:
            return value
        text = safe_str(value)
        clean = self._text(text, text, at)
        return value if self._shown is None and clean == text else clean

    def _text(self, value: object, text: str, at: str) -> object:
        clean = self._redactor.text(text)
        if clean == text:
            return value
        if self._found is not None:
            self._found.append(at)
        return clean

    def _container(
        self, value: Mapping[str, object] | Sequence[object] | Set[object], at: str, depth: int
    ) -> object:
        if depth > _MAX_DEPTH or id(value) in self._open:
            kind = type(value).__name__
            return f"<{kind}, too deep>" if depth > _MAX_DEPTH else "<cycle>"
        self._open.add(id(value))
        try:
            if isinstance(value, Mapping):
                return self.members(value, at, depth)
            items: list[object] = []
            names = getattr(value, "_fields", ()) if isinstance(value, tuple) else ()
            for index, item in enumerate(value):
                if self._left <= 0:
                    items.append("<more left out>")
                    break
                self._left -= 1
                path = f"{at}/{index}"
                if index < len(names) and names[index] in self._redactor.names:  # a named tuple
                    items.append(REDACTED)
                    if self._found is not None:
                        self._found.append(path)
                else:
                    items.append(self.value(item, path, depth + 1))
            return tuple(items) if isinstance(value, tuple) else items
        finally:
            self._open.discard(id(value))

    def _mapping(
        self, value: Mapping[str, object], at: str, depth: int, result: dict[object, object]
    ) -> None:
        redactor = self._redactor
        for key, item in value.items():
            if self._left <= 0:
                result["<more left out>"] = True
                return
            self._left -= 1
            name: str = key if type(key) is str else safe_str(key)
            secret = name in redactor.names or _plain_bytes(key) in redactor.names
            clean = name
            if registered.pattern is not None or not name.isidentifier():
                clean = redactor.text(name)
            path = "" if self._found is None else f"{at}/{_pointer(clean)}"
            place: object = key if clean == name else clean
            while place in result and clean != name:
                place = f"{place}_"
            if secret:
                result[place] = REDACTED
                if self._found is not None:
                    self._found.append(path)
            else:
                result[place] = self.value(item, path, depth + 1)


def _plain_bytes(key: object) -> str:
    return key.decode("latin-1") if isinstance(key, bytes) else ""


def _pointer(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
