"""Says where in a file a problem is: parsers of TOML, JSON and YAML keep no lines."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

from ..exceptions import ConfigurationError

__all__ = ["placed_in"]

_ABSENT = " is required"  # said of an option that nobody has written


def placed_in(source: object, problems: Iterable[str]) -> ConfigurationError:
    """Return an error with these problems, each with file and line where it comes from a file.

    The line is that of the last part of the problem's path which one line of the file has as a key,
    and no other line; where no part is like that, the file alone is named.

    Args:
        source: what was loaded: a mapping or the path of a file.
        problems: each beginning with its path, as in ``handlers.app.max_byte: unknown option``.
    """
    if not isinstance(source, (str, os.PathLike)):
        return ConfigurationError(list(problems))
    path = os.fspath(source)
    try:
        with open(path, encoding="utf-8") as stream:
            lines = stream.read().splitlines()
    except (OSError, ValueError):  # gone meanwhile; the problems are told all the same
        lines = []
    return ConfigurationError([_placed(path, lines, problem) for problem in problems])


def _placed(path: str, lines: list[str], problem: str) -> str:
    where, _, what = problem.partition(":")
    keys = where.split(".")
    if what.partition(";")[0] == _ABSENT:
        del keys[-1]  # another's key of that name would be somewhere else
    for depth in range(len(keys), 0, -1):
        found = [number for number, line in enumerate(lines, 1) if _has(line, keys[:depth])]
        if len(found) == 1:
            return f"{path}:{found[0]}: {problem}"
    return f"{path}: {problem}"


def _has(line: str, keys: list[str]) -> bool:
    """Tell whether a line begins what the last key stands for."""
    key = re.escape(keys[-1])
    if re.search(rf"""(^|[\s{{,"'])["']?{key}["']?\s*[:=]""", line):
        return True
    header = re.fullmatch(r"\s*\[([^\[\]]+)\]\s*(#.*)?", line)  # of a table, in TOML
    return header is not None and [one.strip(" \"'") for one in header[1].split(".")] == keys
