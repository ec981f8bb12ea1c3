"""What a new configuration changes, option by option."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from ..redaction import Redactor
from ..sanitizing import safe_str

__all__ = ["Diff", "OptionChange", "option_changes"]

_NOTHING: tuple[object, ...] = (None, [], ())
_PLAIN = (str, int, float, bool, type(None))


@dataclass(frozen=True)
class OptionChange:
    """One option of a handler or logger that differs; secrets in it are hidden.

    Attributes:
        option: its name.
        before: its value until now, ``None`` if it was not given; as JSON can carry it.
        after: its value from now on.
    """

    option: str
    before: object
    after: object

    def as_dict(self) -> dict[str, object]:
        """Return the change as JSON can carry it."""
        return {"option": self.option, "before": self.before, "after": self.after}

    def __str__(self) -> str:
        """Return the change for people."""
        return f"{self.option}: {self.before!r} -> {self.after!r}"


@dataclass(frozen=True)
class Diff:
    """The difference between two configurations of a service; false if there is none.

    Attributes:
        added: names of handlers that are new.
        removed: names of handlers that are gone.
        changed: handlers that go on with other options: which ones.
        kept: names of handlers that stay as they are.
        loggers: loggers that are configured otherwise: how. One that a configuration does not name
            has no options there.
    """

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: Mapping[str, tuple[OptionChange, ...]]
    kept: tuple[str, ...]
    loggers: Mapping[str, tuple[OptionChange, ...]]

    def __bool__(self) -> bool:
        """Tell whether anything changes."""
        return bool(self.added or self.removed or self.changed or self.loggers)

    def as_dict(self) -> dict[str, object]:
        """Return the difference as JSON can carry it."""
        return {
            "added": list(self.added),
            "removed": list(self.removed),
            "changed": _as_lists(self.changed),
            "kept": list(self.kept),
            "loggers": _as_lists(self.loggers),
        }

    def __str__(self) -> str:
        """Return the difference for people, one change a line."""
        lines = [
            *(f"+ handler {name}" for name in self.added),
            *(f"- handler {name}" for name in self.removed),
            *(f"~ handler {name}: {one}" for name, all_ in self.changed.items() for one in all_),
            *(f"= handler {name}" for name in self.kept),
            *(f"~ logger {name}: {one}" for name, all_ in self.loggers.items() for one in all_),
        ]
        return "\n".join(lines) or "nothing changes"


def option_changes(
    before: Mapping[str, object], after: Mapping[str, object]
) -> tuple[OptionChange, ...]:
    """Return the options that differ, by name, with their values fit to be shown."""
    return tuple(
        OptionChange(option, _shown(option, before), _shown(option, after))
        for option in sorted({*before, *after})
        if not _same(before.get(option), after.get(option))
    )


def _same(one: object, other: object) -> bool:
    if one == other and type(one) is type(other):  # 1 and True are not the same
        return True
    return one in _NOTHING and other in _NOTHING  # no list says what an empty one says


def _shown(option: str, options: Mapping[str, object]) -> object:
    if option not in options:
        return None
    redactor = Redactor()
    return _json_value(redactor.fields({option: options[option]})[option], redactor)


def _json_value(value: object, redactor: Redactor) -> object:
    if isinstance(value, Mapping):
        return {safe_str(key): _json_value(item, redactor) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_json_value(item, redactor) for item in value]
    if isinstance(value, _PLAIN) and not isinstance(value, str):
        return value
    return redactor.text(safe_str(value))


def _as_lists(changes: Mapping[str, tuple[OptionChange, ...]]) -> dict[str, object]:
    return {name: [one.as_dict() for one in all_] for name, all_ in changes.items()}
