"""Arguments of a message that have names: ``"user %(user)s, password %(password)s"``."""

from __future__ import annotations

import copy
import logging
from collections.abc import Mapping

from ..redaction import Redactor

__all__ = ["without_secret_arguments"]


class _Arguments(dict[str, object]):
    """Redacted arguments from a mapping that may know names which it does not list."""

    def __init__(self, original: Mapping[str, object], redactor: Redactor) -> None:
        super().__init__(redactor.fields(original, shown=False))
        self._original = original
        self._redactor = redactor

    def __missing__(self, name: str) -> object:
        return self._redactor.fields({name: self._original[name]}, shown=False)[name]


def without_secret_arguments(record: logging.LogRecord, redactor: Redactor) -> logging.LogRecord:
    """Return the record, or a copy whose arguments are redacted by name if they have names.

    The final text alone would not show which word of it had a secret name. ``%d`` of a secret
    does not fit any more; the message then shows its arguments beside it, redacted. Never raises an
    ``Exception``: a record that cannot be copied keeps its text, without arguments.
    """
    try:
        arguments = record.args
        if not isinstance(arguments, Mapping):
            return record
        clean = copy.copy(record)
        clean.args = _Arguments(arguments, redactor)
    except Exception:
        clean = logging.makeLogRecord(record.__dict__)
        clean.args = ()
    return clean
