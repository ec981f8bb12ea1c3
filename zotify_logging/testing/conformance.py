"""Holds any ``logging.Handler`` against the rules, case by case."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Collection, Mapping

from ..options import near_match
from .content_cases import CONTENT_CASES
from .hostile_cases import HOSTILE_CASES
from .lifecycle_cases import LIFECYCLE_CASES
from .trial import Case, Factory, ReadBack, Trial
from .violation import Violation

__all__ = ["CASES", "check_handler"]

_ALL = (*CONTENT_CASES, *HOSTILE_CASES, *LIFECYCLE_CASES)

CASES: Mapping[str, str] = {case.name: case.rule for case in _ALL}
"""Every case and the rule it stands for, in the order in which they run."""


def check_handler(
    factory: Factory,
    read_back: ReadBack,
    *,
    extra: Mapping[str, object] | None = None,
    without: Collection[str] = (),
    timeout: float = 10.0,
) -> list[Violation]:
    """Check a handler against every rule, and return all that it breaks.

    Each case has a fresh handler of its own and a thread of its own, which sees the context of the
    caller; a case that does not end in time is a violation, and its thread is left behind. Nothing
    of the program's own logging is touched. Any handler will do, ours or not.

    Args:
        factory: makes a handler; its sink may be a new one or the same each time.
        read_back: returns all that is in the handler's sink, oldest first, one text a record as a
            reader would take it (a file's ``read_text().splitlines()``, a row as JSON). Called
            often, also after ``close`` and in a forked child; the handler is flushed before.
        extra: fields that every record is to have, where a handler asks for some.
        without: names of cases to leave out, where a sink has no place for what they ask.
        timeout: seconds for each case.

    Returns:
        The violations in the order of :data:`CASES`; an empty list is a pass.

    Raises:
        ValueError: a name in ``without`` that is no case.
    """
    for name in without:
        if name not in CASES:
            raise ValueError(f"without: {name!r} is no case{near_match(name, CASES)}")
    found: list[Violation] = []
    for case in _ALL:
        if case.name not in without:
            said = _run(case, factory, read_back, extra or {}, timeout)
            found += [Violation(case.name, case.rule, text) for text in said]
    return found


def _run(
    case: Case,
    factory: Factory,
    read_back: ReadBack,
    extra: Mapping[str, object],
    timeout: float,
) -> list[str]:
    trials: list[Trial] = []
    found: list[str] = []

    def run() -> None:
        try:
            trials.append(Trial(factory, read_back, extra, timeout))
            try:
                found.extend(case.check(trials[0]))
            finally:
                trials[0].close()
        except BaseException as error:  # noqa: B036  # whatever it is, the handler let it through
            found.append(f"raised {type(error).__name__}: {error}")

    context = contextvars.copy_context()
    thread = threading.Thread(
        target=context.run, args=(run,), name=f"check-{case.name}", daemon=True
    )
    thread.start()
    thread.join(timeout)
    if not thread.is_alive():
        return found
    for trial in trials:
        trial.forget()
    return [*found, f"not done within {timeout:g} s: it hangs"]
