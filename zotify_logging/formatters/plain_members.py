"""The members of a plain record, worked out once for all such records: the fast way to a line.

Plain is a record that has a text for a message and neither fields, context, exception nor stack.
Which members its line has, and in which order, depends on the options alone.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Set
from datetime import UTC, datetime
from typing import NamedTuple

from ..redaction import Redactor
from ..sanitizing import dump_json

__all__ = ["SIMPLE", "PlainMembers"]

SIMPLE = frozenset({str, int, float, bool, type(None)})
"""Types of values that need no encoder of the options'."""

_quote_ascii = json.encoder.encode_basestring_ascii
_quote = json.encoder.encode_basestring

_SAFE = frozenset({"levelname", "level", "asctime", "timestamp"})  # made by logging or by us

AddFields = Callable[[dict[str, object], logging.LogRecord, dict[str, object]], None]


class _Member(NamedTuple):
    """One member: its name as JSON, and an attribute of the record, else a value."""

    name: str
    attribute: str | None
    value: object


class PlainMembers:
    """Writes plain records as python-json-logger's ``add_fields`` would have them.

    It is asked once, with a record of marks: where a mark turns up is where that attribute goes.

    Attributes:
        names: of the members.
        usable: whether they can be written here at all.

    Args:
        add_fields: python-json-logger's, with the options in force.
        attributes: what a record has besides that of ``logging``, in the layout in force.
        readable: show printable characters as they are.
    """

    def __init__(self, add_fields: AddFields, attributes: Set[str], readable: bool) -> None:
        self._quote = _quote if readable else _quote_ascii
        record = logging.makeLogRecord({})
        marks: dict[int, str] = {}
        kept: list[object] = []  # no mark may be collected, and its id used again
        for name in (*record.__dict__, "message", *attributes):
            mark: object = 86_399.125 if name == "created" else object()
            kept.append(mark)
            marks[id(mark)] = name
            record.__dict__[name] = mark
        data: dict[str, object] = {}
        add_fields(data, record, {})
        self.names = frozenset(data)
        self._members = [
            _Member(
                f"{dump_json(name)}:",
                "<instant>" if isinstance(value, datetime) else marks.get(id(value)),
                value,
            )
            for name, value in data.items()
        ]
        fixed = (member.value for member in self._members if member.attribute is None)
        self.usable = bool(data) and all(type(value) in SIMPLE for value in fixed)
        self._asked: tuple[Redactor | None, bool] = (None, True)

    def may_show(self, redactor: Redactor | None) -> bool:
        """Tell whether no member is named like a secret of the redactor's."""
        asked = self._asked
        if asked[0] is not redactor:
            hidden = redactor is not None and any(map(redactor.is_secret_name, self.names))
            asked = self._asked = (redactor, not hidden)
        return asked[1]

    def line(
        self,
        record: logging.LogRecord,
        computed: dict[str, object],
        redactor: Redactor | None,
    ) -> str:
        """Return the object of a plain record.

        Args:
            record: its attributes are members.
            computed: attributes that the record itself does not have, or not so.
            redactor: hides secrets in every text.
        """
        attributes = record.__dict__
        parts = []
        for name, attribute, value in self._members:
            if attribute == "<instant>":
                value = datetime.fromtimestamp(record.created, UTC).isoformat()
            elif attribute is not None:
                value = computed[attribute] if attribute in computed else attributes.get(attribute)
            if type(value) is str:
                if redactor is not None and attribute not in _SAFE:
                    value = redactor.text(value)
                text = self._quote(value) if value.isprintable() else dump_json(value)
            else:
                text = dump_json(value)
            parts.append(name + text)
        return f"{{{','.join(parts)}}}"
