"""Flush, close, fork and configuration: what a handler goes through besides records."""

from __future__ import annotations

import logging
import os
import select
import signal
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from .trial import Case, Trial

__all__ = ["LIFECYCLE_CASES"]


def _flush_and_close(trial: Trial) -> list[str]:
    trial.log(trial.marker)
    for call in (
        trial.handler.flush,
        trial.handler.flush,
        trial.handler.close,
        trial.handler.close,
        trial.handler.flush,
    ):
        call()
    return _unless_once(trial, trial.marker)


def _emit_after_close(trial: Trial) -> list[str]:
    trial.log(f"{trial.marker}-before")
    trial.handler.close()
    trial.log(f"{trial.marker}-after")
    found = _unless_once(trial, f"{trial.marker}-before")
    if len(trial.holding(f"{trial.marker}-after")) > 1:
        found.append("the record logged after close is in the sink more than once")
    return found


def _fork(trial: Trial) -> list[str]:
    if not hasattr(os, "fork"):
        return []
    trial.log(f"{trial.marker}-before")
    read_end, write_end = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # forking beside threads is the point
        child = os.fork()
    if child == 0:
        _report_from_child(trial, write_end)
    os.close(write_end)
    try:
        answer = _read(read_end, trial.timeout / 2)
    finally:
        os.close(read_end)
        os.kill(child, signal.SIGKILL)  # it has answered, or hangs
        os.waitpid(child, 0)
    trial.log(f"{trial.marker}-after")
    found = [] if answer == "1" else [f"in a forked child: {answer or 'the log call hangs'}"]
    if len(trial.holding(f"{trial.marker}-child")) > 1:
        found.append("the child's record is in the sink more than once")
    return (
        found
        + _unless_once(trial, f"{trial.marker}-before")
        + _unless_once(trial, f"{trial.marker}-after")
    )


def _report_from_child(trial: Trial, write_end: int) -> None:
    answer = ""
    try:
        trial.log(f"{trial.marker}-child")
        count = len(trial.holding(f"{trial.marker}-child"))
        answer = "1" if count == 1 else f"its record is in the sink {count} times, not once"
    except BaseException as error:  # noqa: B036  # nothing may leave the child but its answer
        answer = f"{type(error).__name__}: {error}"
    finally:
        os.write(write_end, answer.encode("utf-8", "replace")[:4096])
        os._exit(0)


def _read(descriptor: int, timeout: float) -> str:
    ready, _, _ = select.select([descriptor], [], [], timeout)
    return os.read(descriptor, 4096).decode("utf-8", "replace") if ready else ""


def _dictconfig_twice(trial: Trial) -> list[str]:
    from logging.config import dictConfig  # costs milliseconds, and is of use here alone

    name = trial.logger.name
    configuration: dict[str, object] = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {trial.marker: {"()": trial.make}},
        "loggers": {name: {"handlers": [trial.marker], "level": "DEBUG", "propagate": False}},
    }
    found: list[str] = []
    logger = logging.getLogger(name)
    with _handlers_of_its_own():
        trial.close()  # one sink may be all there is
        try:
            for number in ("first", "second"):
                dictConfig(configuration)
                (handler,) = logger.handlers
                record = trial.record(f"{trial.marker}-{number}")
                logger.handle(record)
                lines = trial.all_lines(handler)
                counts = {
                    text: sum(f"{trial.marker}-{text}" in line for line in lines)
                    for text in ("first", "second")
                }
                if counts[number] != 1 or counts["first"] > 1:
                    found.append(
                        f"after the {number} dictConfig its record is in the sink"
                        f" {counts[number]} times, the first one's {counts['first']} times"
                    )
        finally:
            for handler in list(logger.handlers):
                logger.removeHandler(handler)
                handler.close()
            logging.Logger.manager.loggerDict.pop(name, None)
    return found


@contextmanager
def _handlers_of_its_own() -> Iterator[None]:
    """Hide the program's own handlers from ``dictConfig``, which closes all there are."""
    known = logging._handlerList  # type: ignore[attr-defined]  # the one list there is
    by_name = logging._handlers  # type: ignore[attr-defined]  # as above
    before, named = known[:], dict(by_name)
    known.clear()
    by_name.clear()
    try:
        yield
    finally:
        known[:] = before
        by_name.clear()
        by_name.update(named)


def _unless_once(trial: Trial, text: str) -> list[str]:
    count = len(trial.holding(text))
    return [] if count == 1 else [f"{text!r} is in the sink {count} times, not once"]


LIFECYCLE_CASES = (
    Case(
        "flush_and_close",
        "flush and close may be called any number of times, and lose and repeat nothing.",
        _flush_and_close,
    ),
    Case(
        "emit_after_close",
        "A record after close raises nothing, and repeats nothing.",
        _emit_after_close,
    ),
    Case(
        "fork",
        "After a fork both processes log, and nothing is written twice.",
        _fork,
    ),
    Case(
        "dictconfig_twice",
        "Configured twice, there is one handler, and one copy of each record.",
        _dictconfig_twice,
    ),
)
