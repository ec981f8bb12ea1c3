"""The ``details`` of an event, whatever they are, as bounded JSON without secrets."""

from __future__ import annotations

from collections.abc import Mapping
from json.encoder import JSONEncoder

from ..redaction import REDACTED, Redactor
from ..sanitizing import JsonValue, json_safe

__all__ = ["MAX_DETAILS", "DetailsEncoder", "as_mapping", "dump_details"]

MAX_DETAILS = 16_384
"""Bytes of the JSON text of ``details``, at most."""

_UNCUT = 1 << 20

dump_details = JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode
"""Returns the JSON text of plain details."""


class DetailsEncoder:
    """Encodes the details that are not plain; shared by threads.

    Args:
        redactor: hides secrets in names and values.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor

    def encode(self, details: object, problems: list[str], redacted: list[str]) -> str:
        """Return ``details`` as a JSON object; what had to be changed goes to the two lists."""
        # Made safe before it is redacted, so that keys, bytes and objects are text by then; cut
        # only afterwards, so that no half of a secret is left at a cut.
        whole, told = json_safe(as_mapping(details, problems), max_bytes=_UNCUT)
        clean, pointers = self._redactor.redact(whole)
        for room in (MAX_DETAILS, MAX_DETAILS // 2, MAX_DETAILS // 4, MAX_DETAILS // 12):
            safe, found = json_safe(clean, max_bytes=room)
            hidden: list[str] = []
            text = dump_details(self._scrub(safe, "", hidden))
            if len(text) <= MAX_DETAILS:
                problems.extend(f"/details{problem}" for problem in (*told, *found))
                redacted.extend(f"/details{at}" for at in dict.fromkeys((*pointers, *hidden)))
                return text
        problems.append("/details: too_large")
        return "{}"

    def _scrub(self, value: JsonValue, at: str, hidden: list[str]) -> JsonValue:
        # What redact() leaves: secrets in keys and in numbers; and what was redacted before.
        if isinstance(value, dict):
            result: dict[str, JsonValue] = {}
            for name, item in value.items():
                clean = self._redactor.text(name)
                path = f"{at}/{clean.replace('~', '~0').replace('/', '~1')}"
                if clean != name:
                    hidden.append(path)
                    if clean in result:
                        clean = f"{clean} ({len(result)})"
                result[clean] = self._scrub(item, path, hidden)
            return result
        if isinstance(value, list):
            return [self._scrub(item, f"{at}/{i}", hidden) for i, item in enumerate(value)]
        if isinstance(value, str):
            text = self._redactor.text(value)
            if REDACTED in text:
                hidden.append(at)
            return text
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            text = repr(value)
            if self._redactor.text(text) != text:
                hidden.append(at)
                return REDACTED
        return value


def as_mapping(details: object, problems: list[str]) -> Mapping[object, object]:
    """Return details that are no mapping as the ``value`` of one, and say so."""
    if isinstance(details, Mapping):
        return details
    if details is None:
        return {}
    problems.append(f"/details: {type(details).__name__}, not a mapping")
    return {"value": details}
