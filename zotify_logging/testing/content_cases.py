"""What of a record has to reach the sink, and what has to stay with the record."""

from __future__ import annotations

import copy
import logging
import sys
from collections.abc import Callable

from .trial import Case, Trial

__all__ = ["CONTENT_CASES"]

_MISSING = object()

_FORMATTER_LEAVES = frozenset({"message", "asctime", "exc_text"})


def _message(trial: Trial) -> list[str]:
    trial.log("played %s of %d", trial.marker, 7)
    return _not_once(trial, f"played {trial.marker} of 7")


def _built_in_fields(trial: Trial) -> list[str]:
    trial.log(f"{trial.marker}", level=logging.ERROR)
    line = "".join(trial.holding(trial.marker))
    wanted = {"the level": "ERROR", "the logger's name": trial.logger.name}
    return [f"{what} is not in {line!r:.200}" for what, text in wanted.items() if text not in line]


def _extra(trial: Trial) -> list[str]:
    values = {"text": f"{trial.marker}-text", "number": 8231457, "inner": f"{trial.marker}-inner"}
    trial.log(
        f"{trial.marker}-extra",
        check_text=values["text"],
        check_number=values["number"],
        check_nested={"list": [values["inner"]]},
    )
    line = "".join(trial.holding(f"{trial.marker}-extra"))
    return [
        f"the {what} given by extra is not in {line!r:.200}"
        for what, value in values.items()
        if str(value) not in line
    ]


def _reserved_names(trial: Trial) -> list[str]:
    names = ("level", "timestamp", "logger", "event", "exception", "fields", "extra", "data")
    trial.log(f"{trial.marker}-plain", check=f"{trial.marker}-value", level=logging.ERROR)
    clashing: dict[str, object] = {name: f"{trial.marker}-{name}" for name in names}
    record = trial.record(f"{trial.marker}-real", level=logging.ERROR, extra=clashing)
    record.message = f"{trial.marker}-stale"  # a formatter of another handler leaves this behind
    trial.logger.handle(record)
    plain = "".join(trial.holding(f"{trial.marker}-plain"))
    real = "".join(trial.holding(f"{trial.marker}-real"))
    if not real:
        return ["the record is not in the sink, or its message is an older one"]
    own = {"level": "ERROR", "logger": trial.logger.name}
    found = [
        f"the record's own {what} is gone from {real!r:.200}"
        for what, text in own.items()
        if text in plain and text not in real
    ]
    if f"{trial.marker}-value" in plain:  # else extra is not shown at all
        found += [
            f"extra[{name!r}] is gone from {real!r:.200}"
            for name in names
            if f"{trial.marker}-{name}" not in real
        ]
    return found


def _exc_info(trial: Trial) -> list[str]:
    trial.log(f"{trial.marker}-failed", exc_info=_raised(f"{trial.marker}-cause"))
    _call_that_shows_its_stack(trial)
    text = "\n".join(trial.lines())
    wanted = {
        "the exception's class": "ArithmeticError",
        "the exception's text": f"{trial.marker}-cause",
        "the traceback": "_raised",
        "the stack": "_call_that_shows_its_stack",
    }
    return [f"{what} is not in {text!r:.200}" for what, part in wanted.items() if part not in text]


def _raised(text: str) -> BaseException:
    try:
        raise ArithmeticError(text)
    except ArithmeticError as error:
        return error


def _call_that_shows_its_stack(trial: Trial) -> None:
    trial.log(f"{trial.marker}-stack", stack_info=True)


def _not_mutated(trial: Trial) -> list[str]:
    nested = {"list": [trial.marker]}
    record = trial.record("%s %s", trial.marker, ["argument"], extra={"check_nested": nested})
    error = _raised("cause")
    record.exc_info = (type(error), error, error.__traceback__)
    before = dict(record.__dict__)
    inside = copy.deepcopy((record.args, nested))
    trial.logger.handle(record)
    trial.lines()
    found = [
        f"record.{name} was changed"
        for name in sorted(before.keys() | record.__dict__.keys())
        if name not in _FORMATTER_LEAVES
        and record.__dict__.get(name, _MISSING) is not before.get(name, _MISSING)
    ]
    if (record.args, nested) != inside:
        found.append("an object that the record holds was changed")
    return found


def _level(trial: Trial) -> list[str]:
    trial.handler.setLevel(logging.WARNING)
    trial.log(f"{trial.marker}-below", level=logging.INFO)
    trial.log(f"{trial.marker}-at", level=logging.WARNING)
    trial.handler.setLevel(logging.DEBUG)
    trial.log(f"{trial.marker}-lowered", level=logging.INFO)
    found = _not_once(trial, f"{trial.marker}-at") + _not_once(trial, f"{trial.marker}-lowered")
    if trial.holding(f"{trial.marker}-below"):
        found.append("a record below the level is in the sink")
    return found


def _filter(trial: Trial) -> list[str]:
    found: list[str] = []
    _with_filter(trial, lambda record: False, f"{trial.marker}-refused")
    if trial.holding(f"{trial.marker}-refused"):
        found.append("a record that a filter refuses is in the sink")
    _with_filter(trial, lambda record: True, f"{trial.marker}-passed")
    found += _not_once(trial, f"{trial.marker}-passed")
    if sys.version_info >= (3, 12):  # from there on, a filter may return another record

        def replace(record: logging.LogRecord) -> logging.LogRecord:
            other = copy.copy(record)
            other.msg = f"{trial.marker}-replacement"
            return other

        _with_filter(trial, replace, f"{trial.marker}-original")
        found += _not_once(trial, f"{trial.marker}-replacement")
        if trial.holding(f"{trial.marker}-original"):
            found.append("the record that a filter has replaced is in the sink")
    return found


def _with_filter(trial: Trial, decide: Callable[[logging.LogRecord], object], message: str) -> None:
    class Decide(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            return decide(record)  # type: ignore[return-value]  # a record, from 3.12 on

    filter_ = Decide()
    trial.handler.addFilter(filter_)
    try:
        trial.log(message)
    finally:
        trial.handler.removeFilter(filter_)


def _formatter(trial: Trial) -> list[str]:
    trial.handler.setFormatter(logging.Formatter(f"<{trial.marker}-form %(message)s>"))
    trial.log(f"{trial.marker}-text")
    return _not_once(trial, f"<{trial.marker}-form {trial.marker}-text>")


def _not_once(trial: Trial, text: str) -> list[str]:
    count = len(trial.holding(text))
    return [] if count == 1 else [f"{text!r} is in the sink {count} times, not once"]


CONTENT_CASES = (
    Case("message", "The message is written once, its arguments merged.", _message),
    Case("built_in_fields", "Level and logger's name are written.", _built_in_fields),
    Case("extra", "What the caller gives by extra is written, nested values too.", _extra),
    Case(
        "reserved_names",
        "A field that is named like something of the record's own replaces nothing, and is kept.",
        _reserved_names,
    ),
    Case("exc_info", "Traceback and stack are written.", _exc_info),
    Case(
        "record_not_mutated",
        "The record stays as it was for the next handler (but for message, asctime and exc_text,"
        " which logging's own formatter sets).",
        _not_mutated,
    ),
    Case("level", "Records below the handler's level are not written, others are.", _level),
    Case("filter", "A filter decides; from Python 3.12 on it may replace the record.", _filter),
    Case("formatter", "A formatter that is set makes the text.", _formatter),
)
