"""Secrets known by value, in every form in which a line may show them."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterable
from urllib.parse import quote, quote_plus

from ..forks import on_fork
from ..sanitizing import escape_line
from .patterns import REDACTED

_URI = ";,/?:@&=+$-_.!~*'()#"  # what JavaScript's encodeURI leaves as it is

_ESCAPE = re.compile(r"(?<=%)[0-9A-F]{2}|(?<=\\u)[0-9a-f]{4}")  # in an escaped form

__all__ = ["MIN_SECRET", "RegisteredSecrets", "register_secret", "registered"]

MIN_SECRET = 6
"""Characters in a registered secret, at least: shorter ones would hit ordinary words."""


class RegisteredSecrets:
    """The registered values of a process, compiled into one pattern; shared by threads.

    Attributes:
        pattern: finds any form of any of them, ``None`` while there is none.
    """

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._forms: set[str] = set()
        self._anywhere = re.compile("")
        self.pattern: re.Pattern[str] | None = None

    def add(self, value: str) -> None:
        """Hide ``value`` from now on; what another thread redacts just now may still show it."""
        with self._lock:
            self._forms |= {
                form
                for one in (value, value.strip())  # files of secrets end in a newline
                if len(one) >= MIN_SECRET
                for form in _forms(one)
            }
            longest_first = "|".join(map(_any_case, sorted(self._forms, key=len, reverse=True)))
            self._anywhere = re.compile(f"(?=({longest_first}))")
            self.pattern = re.compile(longest_first)

    def hide(self, text: str) -> str:
        """Return ``text`` without any form of any of them; the same object if there is none."""
        if self.pattern is None or not self.pattern.search(text):
            return text
        # Occurrences may overlap (`abcabc` in `abcabcabc`, or two secrets): all of it goes.
        parts: list[str] = []
        done = 0
        for match in self._anywhere.finditer(text):
            if match.start() >= done:
                parts += (text[done : match.start()], REDACTED)
            done = max(done, match.end(1))
        return "".join((*parts, text[done:]))

    def after_fork_in_child(self) -> None:
        """Forget a lock that another thread of the parent may have held."""
        self._lock = threading.RLock()


def _forms(value: str) -> Iterable[str]:
    """Return the ways in which a value may be written in a line."""
    for escaped in (json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]):
        yield from (escaped, escaped.replace("/", "\\/"), json.dumps(escaped)[1:-1])
    data = value.encode("utf-8", "surrogatepass")
    yield from (quote(data, safe=""), quote(data), quote(data, safe=_URI), quote_plus(data))
    for readable in (value, json.dumps(value, ensure_ascii=False)[1:-1]):
        yield from (readable, escape_line(readable))  # a line of ours, logged once more
    yield from (repr(value)[1:-1], ascii(value)[1:-1])


def _any_case(form: str) -> str:
    """Return a regular expression for a form; the digits of its escapes may be of either case."""
    return _ESCAPE.sub(
        lambda match: "".join(
            f"[{digit.lower()}{digit.upper()}]" if digit.isalpha() else re.escape(digit)
            for digit in match[0]
        ),
        re.escape(form),
    )


registered = RegisteredSecrets()
"""Those of this process."""

on_fork(registered)


def register_secret(value: str) -> None:
    """Hide ``value`` from now on in everything this process logs through our handlers.

    Matched plain, JSON-escaped and percent-encoded. Per process: a spawned child registers again.

    Args:
        value: 6 characters or more.

    Raises:
        TypeError: the value is no text.
        ValueError: the value is shorter, and would hide ordinary words.
    """
    if not isinstance(value, str):
        raise TypeError(f"a secret must be a text, not {type(value).__name__}")
    if len(value.strip()) < MIN_SECRET:
        raise ValueError(
            f"a secret of {len(value.strip())} characters is too short; at least {MIN_SECRET}"
        )
    registered.add(value)
