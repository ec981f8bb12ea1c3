"""Says by its path what a constructor stopped at."""

from __future__ import annotations

import re

from ..exceptions import ConfigurationError

__all__ = ["problems_of"]

_UNABLE = re.compile(r"Unable to configure handler '(.+)'")  # dictConfig's words


def problems_of(error: BaseException, path: str) -> list[str]:
    """Return what went wrong, each by its path.

    Args:
        error: what was raised, with its causes.
        path: what was being made (``handlers.app``); dictConfig's own words take its place.
    """
    parts: list[str] = []
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, ConfigurationError):
            return [_placed(problem, path) for problem in link.problems]
        text = str(link) or type(link).__name__
        if match := _UNABLE.fullmatch(text):
            path = f"handlers.{match[1]}"
        elif text not in parts:
            parts.append(text)
        link = link.__cause__
    return [f"{path}: {': '.join(parts)}"]


def _placed(problem: str, path: str) -> str:
    """Put the path in the place of the class name that a constructor begins with."""
    owner, dot, rest = problem.partition(".")
    return f"{path}.{rest}" if dot and owner.isidentifier() else f"{path}: {problem}"
