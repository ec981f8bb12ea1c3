"""python-json-logger's options, by their names there and with their meaning there."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TypedDict

from ..exceptions import ConfigurationError
from ..options import near_match

__all__ = ["JsonOptions", "check_json_options"]


class JsonOptions(TypedDict, total=False):
    """What :class:`.JsonFormatter` takes besides ``fmt``, ``datefmt``, ``style``, ``validate``.

    Attributes:
        prefix: text before the object, ``""``.
        rename_fields: names of members, by the names they would have had.
        rename_fields_keep_missing: a renamed member that the record lacks is there as ``null``.
        static_fields: members that are on every line.
        reserved_attrs: attributes of a record that are no members unless ``fmt`` names them; those
            of ``logging`` itself by default.
        timestamp: ``True`` adds the member ``timestamp`` as python-json-logger writes it, a text
            names it.
        defaults: members that are there unless the record has others of their names.
        exc_info_as_array: a traceback as a list of its lines.
        stack_info_as_array: a stack as a list of its lines.
        json_default: turns objects that JSON does not know into values that it does.
        json_encoder: a ``json.JSONEncoder`` class to use instead of ours.
        json_serializer: called as ``json.dumps`` is, instead of our encoder.
        json_indent: taken, and ignored: a record is one line.
        json_ensure_ascii: ``False`` shows printable characters as they are.
    """

    prefix: str
    rename_fields: Mapping[str, str]
    rename_fields_keep_missing: bool
    static_fields: Mapping[str, object]
    reserved_attrs: Sequence[str]
    timestamp: bool | str
    defaults: Mapping[str, object]
    exc_info_as_array: bool
    stack_info_as_array: bool
    json_default: Callable[[object], object]
    json_encoder: type
    json_serializer: Callable[..., str | bytes]
    json_indent: int | str | None
    json_ensure_ascii: bool


_KINDS: dict[str, tuple[type, ...]] = {
    "prefix": (str,),
    "rename_fields": (Mapping,),
    "static_fields": (Mapping,),
    "reserved_attrs": (Sequence, frozenset, set),
    "timestamp": (bool, str),
    "defaults": (Mapping,),
    "rename_fields_keep_missing": (bool,),
    "exc_info_as_array": (bool,),
    "stack_info_as_array": (bool,),
    "json_ensure_ascii": (bool,),
    "json_indent": (int, str),
}


def check_json_options(options: Mapping[str, object]) -> dict[str, object]:
    """Return the options that are set, ``None`` counting as not set.

    Raises:
        ConfigurationError: an unknown option, or one of the wrong kind; all of them at once.
    """
    problems: list[str] = []
    known = sorted(JsonOptions.__annotations__)
    for name, value in options.items():
        if name not in known:
            cure = near_match(name, known) or f"; known are {', '.join(known)}"
            problems.append(f"JsonFormatter.{name}: unknown option{cure}")
        elif value is None:
            continue
        elif name in _KINDS:
            if not isinstance(value, _KINDS[name]):
                kinds = " or ".join(kind.__name__ for kind in _KINDS[name])
                problems.append(f"JsonFormatter.{name}: {value!r:.80} given; must be {kinds}")
        elif name == "json_encoder":
            if not isinstance(value, type):
                problems.append(f"JsonFormatter.{name}: {value!r:.80} given; must be a class")
        elif not callable(value):
            problems.append(f"JsonFormatter.{name}: {value!r:.80} given; must be callable")
    if problems:
        raise ConfigurationError(problems)
    return {name: value for name, value in options.items() if value is not None}
