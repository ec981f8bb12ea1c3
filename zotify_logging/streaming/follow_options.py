"""What a subscriber asks for: the start, the filters and the limits of its stream."""

from __future__ import annotations

from dataclasses import dataclass

from ..exceptions import ParameterError

__all__ = ["DEFAULT_TAIL", "FollowOptions"]

DEFAULT_TAIL = 100
"""Records that a stream begins with when nothing else is asked for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FollowOptions:
    """The arguments of :func:`zotify_logging.streaming.follow`, which explains them.

    Raises:
        ParameterError: a negative count, or a ``tail`` that is neither a number nor ``"all"``.
    """

    after: str | None = None
    since: int | None = None
    until: int | None = None
    tail: int | str | None = None
    level: int | str | None = None
    logger: str | None = None
    q: str | None = None
    invert: bool = False
    case: bool = False
    follow: bool = True
    limit: int | None = None
    strict: bool = False

    def __post_init__(self) -> None:
        """Refuse counts that mean nothing, before any file is opened."""
        _check_count("limit", self.limit, 1)
        self.tail_count()

    def tail_count(self) -> int | None:
        """Return how many records ``tail`` asks for; ``None`` for all of them."""
        if self.tail is None:
            return DEFAULT_TAIL
        if not isinstance(self.tail, str):
            return _check_count("tail", self.tail, 0)
        if self.tail.isascii() and self.tail.isdigit() and len(self.tail) < 10:
            return int(self.tail)
        if self.tail != "all":
            raise ParameterError("tail", f"{self.tail!r:.40} is not a number from 0 up, or 'all'")
        return None


def _check_count(name: str, value: int | None, minimum: int) -> int | None:
    if value is not None and (isinstance(value, bool) or value < minimum):
        raise ParameterError(name, f"{value!r} is not a number from {minimum} up")
    return value
