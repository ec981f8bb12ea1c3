"""Flush, close, fork and configuration: what a handler goes through besides records."""

from __future__ import annotations

import contextvars
import logging
import os
import select
import signal
import threading
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
    with _another_thread_logging(trial):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # beside threads is the point
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
    here = len(trial.holding(f"{trial.marker}-child"))
    found = []
    if answer != "1" and not (answer == _NOT_SEEN and here == 1):  # a sink that only we can read
        found.append(f"in a forked child: {answer or 'the log call hangs'}")
    if here > 1:
        found.append("the child's record is in the sink more than once")
    for name in ("before", "busy", "after"):
        found += _unless_once(trial, f"{trial.marker}-{name}")
    return found


@contextmanager
def _another_thread_logging(trial: Trial) -> Iterator[None]:
    """Have a record of another thread half-way through the handler, with whatever it locks."""
    inside, done = threading.Event(), threading.Event()

    class Busy:
        def __str__(self) -> str:
            inside.set()
            done.wait(0.3)  # no longer: a handler may wait for its lock before it lets us fork
            return f"{trial.marker}-busy"

        __repr__ = __str__

    def log() -> None:
        try:
            trial.log(Busy())
        except Exception:
            pass  # the business of other cases
        finally:
            inside.set()  # also of a handler that looks at its records later

    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(log,), daemon=True)
    thread.start()
    inside.wait(trial.timeout / 4)
    try:
        yield
    finally:
        done.set()
        thread.join(trial.timeout / 4)


_SEEN = "its record is in the sink {} times, not once"
_NOT_SEEN = _SEEN.format(0)


def _report_from_child(trial: Trial, write_end: int) -> None:
    answer = ""
    try:
        trial.log(f"{trial.marker}-child")
        count = len(trial.holding(f"{trial.marker}-child"))
        answer = "1" if count == 1 else _SEEN.format(count)
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
        "After a fork, also while another thread logs, both processes log, and nothing is written"
        " twice.",
        _fork,
    ),
    Case(
        "dictconfig_twice",
        "Configured twice, there is one handler, and one copy of each record.",
        _dictconfig_twice,
    ),
)
