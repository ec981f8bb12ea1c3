"""Reads constructor options, collects every problem, and raises them together.

A handler's options come from dictConfig, TOML or YAML, so they are plain scalars; a wrong one must
name itself, its value, the rule and the cure, and the second wrong one must not wait for the first.
"""

from __future__ import annotations

import difflib
import inspect
import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar

from .exceptions import OptionError
from .quantities import parse_duration, parse_size

__all__ = ["OptionReader", "check_options", "is_aside", "made_aside", "near_match"]


_INTEGER = re.compile(r"\s*-?\d{1,18}\s*", re.ASCII)


def near_match(name: str, known: Iterable[str]) -> str:
    """Return ``"; did you mean X?"`` for the nearest of ``known``, or an empty text."""
    found = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"; did you mean {found[0]}?" if found else ""


class OptionReader:
    """One constructor's options: each read records the name and, if wrong, the problem.

    Args:
        owner: the class name, put before each option in messages.
    """

    def __init__(self, owner: str) -> None:
        self._owner = owner
        self._names: set[str] = set()
        self._problems: list[str] = []

    def problem(self, name: str, message: str) -> None:
        """Record a problem of one option."""
        self._problems.append(f"{self._owner}.{name}: {message}")

    def size(self, name: str, value: object, *, minimum: int = 0) -> int:
        """Read bytes (number, or text such as ``"10 MB"``)."""
        self._names.add(name)
        try:
            size = parse_size(value)
        except ValueError as error:
            self.problem(name, str(error))
            return minimum
        if size < minimum:
            self.problem(name, f"{value!r} is below the minimum of {minimum} bytes")
        return size

    def duration(self, name: str, value: object, *, minimum: float = 0.0) -> float:
        """Read seconds (number, or text such as ``"30 s"``)."""
        self._names.add(name)
        try:
            seconds = parse_duration(value)
        except ValueError as error:
            self.problem(name, str(error))
            return minimum
        if seconds < minimum:
            self.problem(name, f"{value!r} is below the minimum of {minimum} seconds")
        return seconds

    def integer(self, name: str, value: object, *, minimum: int = 0) -> int:
        """Read a whole number (or its text, as environment variables give it)."""
        self._names.add(name)
        if isinstance(value, str) and _INTEGER.fullmatch(value):
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            self.problem(name, f"{value!r} is not a whole number")
            return minimum
        if value < minimum:
            self.problem(name, f"{value!r} is below the minimum of {minimum}")
        return value

    def boolean(self, name: str, value: object) -> bool:
        """Read true or false."""
        self._names.add(name)
        if not isinstance(value, bool):
            self.problem(name, f"{value!r} is not true or false")
            return False
        return value

    def choice(self, name: str, value: object, allowed: tuple[str, ...]) -> str:
        """Read one of a few words."""
        self._names.add(name)
        if not isinstance(value, str) or value not in allowed:
            hint = near_match(value, allowed) if isinstance(value, str) else ""
            self.problem(name, f"{value!r} is not one of {', '.join(allowed)}{hint}")
            return allowed[0]
        return value

    def text(self, name: str, value: object, *, optional: bool = False) -> str | None:
        """Read a non-empty text; ``None`` too where ``optional``."""
        self._names.add(name)
        if value is None and optional:
            return None
        if not isinstance(value, str) or not value or "\0" in value:
            rule = "has a NUL character" if value else "is empty"
            self.problem(
                name, f"{value!r:.80} {rule if isinstance(value, str) else 'is not a text'}"
            )
            return None
        return value

    def mode(self, name: str, value: object) -> int:
        """Read a file mode: ``"0640"`` (octal text, as in chmod)."""
        self._names.add(name)
        if isinstance(value, str) and value and set(value) <= set("01234567") and len(value) <= 4:
            return int(value, 8)
        self.problem(name, f"{value!r} is not a file mode in octal text; write it as '0640'")
        return 0o640

    def level(self, name: str, value: object) -> int:
        """Read a level: a number or a name that ``logging`` knows."""
        self._names.add(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        levels = logging.getLevelNamesMapping()
        if isinstance(value, str) and value in levels:
            return levels[value]
        hint = near_match(value.upper(), levels) if isinstance(value, str) else ""
        self.problem(name, f"{value!r} is not a level{hint}")
        return logging.NOTSET

    def unknown(self, options: Mapping[str, object]) -> None:
        """Record every option that nothing has read or declared, with near matches."""
        for name in map(str, options):
            if name not in self._names:
                self.problem(name, f"unknown option{near_match(name, self._names)}")

    def known(self, *names: str) -> None:
        """Declare names that exist but need no reading, for near matches."""
        self._names.update(names)

    def finish(self) -> None:
        """Raise everything found so far.

        Raises:
            OptionError: there was at least one problem; it lists all of them.
        """
        if self._problems:
            raise OptionError(self._problems)
        if _only_checking.get():
            raise _Checked


class _Checked(BaseException):
    """All options are right, and nothing more was asked: leaves the constructor, caught below."""


_only_checking: ContextVar[bool] = ContextVar("zotify_logging_only_checking", default=False)


def check_options(factory: Callable[..., object], options: Mapping[str, object]) -> list[str]:
    """Return what is wrong with a handler's options, without making the handler.

    Args:
        factory: a handler class whose constructor finishes its ``OptionReader`` before it opens
            anything, as all of :class:`~zotify_logging.handlers.base.BaseLogHandler` do.
        options: the keywords it would be called with.
    """
    missing = _missing(factory, options)
    problems = [f"{name}: is required" for name in missing]
    token = _only_checking.set(True)
    try:
        # A stand-in for what is missing lets the constructor go on to the other options.
        factory(**{name: "missing" for name in missing}, **options)
    except _Checked:
        return problems
    except OptionError as error:
        found = (problem.partition(".")[2] for problem in error.problems)
        return problems + [one for one in found if one.partition(":")[0] not in missing]
    except TypeError as error:  # a keyword that is no text, and its like
        return [*problems, f"{error}"]
    finally:
        _only_checking.reset(token)
    return problems


def _missing(factory: Callable[..., object], options: Mapping[str, object]) -> list[str]:
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):  # a callable without a signature
        return []
    return [
        one.name
        for one in parameters
        if one.default is one.empty
        and one.kind in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY)
        and one.name not in options
    ]


_aside: ContextVar[bool] = ContextVar("zotify_logging_aside", default=False)


@contextmanager
def made_aside() -> Iterator[None]:
    """Make handlers inside this block that nobody is to know of until they get their names."""
    token = _aside.set(True)
    try:
        yield
    finally:
        _aside.reset(token)


def is_aside() -> bool:
    """Tell whether what is being made now is to be known to nobody yet."""
    return _aside.get()
