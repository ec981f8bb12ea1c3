"""Records that are wrong, reach back into logging, or pretend to be others."""

from __future__ import annotations

import logging
from collections.abc import Callable

from .trial import Case, Trial

__all__ = ["HOSTILE_CASES"]


class _Hostile:
    """Raises whenever it is to be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__

    def __format__(self, format_spec: str) -> str:
        raise RuntimeError("no text")


class _Calling:
    """Calls a function each time it is to be shown; ``text`` is what it shows."""

    def __init__(self, text: str, function: Callable[[], object]) -> None:
        self._text = text
        self._function = function

    def __str__(self) -> str:
        self._function()
        return self._text

    __repr__ = __str__


class _Failing(logging.Formatter):
    """Formats nothing."""

    def format(self, record: logging.LogRecord) -> str:
        raise RuntimeError("cannot format")


def _handle_error_once(trial: Trial) -> list[str]:
    trial.log(f"{trial.marker}-unfit %d", "text")
    found = _told_once_or_kept(trial, "whose arguments do not fit", f"{trial.marker}-unfit")
    trial.told.clear()
    trial.handler.setFormatter(_Failing())
    trial.log(f"{trial.marker}-formatted")
    return found + _told_once_or_kept(trial, "whose formatter raises", f"{trial.marker}-formatted")


def _told_once_or_kept(trial: Trial, which: str, text: str) -> list[str]:
    kept, told = len(trial.holding(text)), len(trial.told)
    if told > 1:
        return [f"handleError was called {told} times for a record {which}"]
    if not told and not kept:
        return [f"a record {which} is lost, and handleError was not called"]
    return []


def _reentrancy(trial: Trial) -> list[str]:
    calls: list[str] = []

    def log_again() -> None:
        if not calls:
            calls.append("once")
            trial.log(f"{trial.marker}-inner")

    trial.log(_Calling(f"{trial.marker}-outer", log_again))
    found = []
    outer = len(trial.holding(f"{trial.marker}-outer"))
    if outer != 1:
        found.append(f"a record whose text logs another one is in the sink {outer} times, not once")
    if len(trial.holding(f"{trial.marker}-inner")) > 1:
        found.append("the record logged inside is in the sink more than once")
    return found


_NO_TEXT = "an object without a text as"


def _hostile_objects(trial: Trial) -> list[str]:
    found = []
    sorts: dict[str, Callable[[], None]] = {
        f"{_NO_TEXT} message": lambda: trial.log(_Hostile()),
        f"{_NO_TEXT} argument": lambda: trial.log(f"{trial.marker} %s", _Hostile()),
        f"{_NO_TEXT} extra": lambda: trial.log(f"{trial.marker}", check_hostile=_Hostile()),
        f"{_NO_TEXT} extra in a list": lambda: trial.log(
            f"{trial.marker}", check_hostile=[_Hostile()]
        ),
        "a lone surrogate in the message": lambda: trial.log(f"{trial.marker} \ud800"),
    }
    for sort, log in sorts.items():
        before = len(trial.lines())
        trial.told.clear()
        try:
            log()
        except Exception as error:
            found.append(f"{type(error).__name__} raised for {sort}")
            continue
        if len(trial.lines()) == before and not trial.told:
            found.append(f"lost without a word: a record with {sort}")
    trial.log(f"{trial.marker}-afterwards")
    if len(trial.holding(f"{trial.marker}-afterwards")) != 1:
        found.append("the record after these is not in the sink")
    return found


_FORGED = "2026-01-01T00:00:00.000000Z CRITICAL admin all is well"


_CONTROLS = {
    "a terminal's escape sequence": "\x1b[2K\x1b[31m",
    "NUL": "\0",
    "a control that turns the direction of text": "\u202e",
}


def _injection(trial: Trial) -> list[str]:
    ends = {"LF": "\n", "CR": "\r", "CR LF": "\r\n"}
    ends |= {"U+0085": "\x85", "U+2028": "\u2028", "U+2029": "\u2029"}
    sorts: dict[str, Callable[[str], None]] = {
        "message": lambda text: trial.log(text),
        "argument": lambda text: trial.log("%s", text),
        "extra": lambda text: trial.log(trial.marker, check_text=text),
        "exception": lambda text: trial.log(trial.marker, exc_info=ValueError(text)),
    }
    found = []
    for sort, log in sorts.items():
        bad = []
        for name, end in ends.items():
            before = len(trial.lines())
            log(f"{trial.marker}{end}{_FORGED}")
            if len(trial.lines()) != before + 1:
                bad.append(name)
        if bad:
            found.append(f"{', '.join(bad)} in the {sort}: not one text for one record")
    trial.log(f"{trial.marker}-controls {''.join(_CONTROLS.values())}")
    text = "".join(trial.holding(f"{trial.marker}-controls"))
    raw = [name for name, control in _CONTROLS.items() if control in text]
    if raw:
        found.append(f"written as it is: {', '.join(raw)}")
    return found


HOSTILE_CASES = (
    Case(
        "handle_error_once",
        "A record that cannot be written as asked is told to handleError exactly once, or kept.",
        _handle_error_once,
    ),
    Case(
        "reentrancy",
        "A record logged while another is handled neither hangs nor repeats anything.",
        _reentrancy,
    ),
    Case(
        "hostile_objects",
        "Objects whose __str__ and __repr__ raise, and text that UTF-8 cannot hold, cost no later"
        " record, raise nothing into the caller, and are told or kept.",
        _hostile_objects,
    ),
    Case("injection", "One record is one text, whatever it contains.", _injection),
)
