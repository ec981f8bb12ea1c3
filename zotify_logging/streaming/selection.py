"""Which records a subscriber wants: level, logger, time and text."""

from __future__ import annotations

import logging
import re

from ..clock import format_us
from ..exceptions import ParameterError
from ..options import near_match
from .record_head import RecordHead, timestamp_us
from .stream_record import StreamRecord

__all__ = ["MAX_Q", "Selection", "level_number"]

MAX_Q = 256
"""Characters of ``q``, at most."""

_LEVEL = re.compile(r"Level (-?\d+)", re.ASCII)


def level_number(level: int | str) -> int:
    """Return the number of a level given by name (any case), number, or number as text.

    Raises:
        ParameterError: there is no such level.
    """
    if isinstance(level, int):
        return level
    levels = logging.getLevelNamesMapping()
    found = levels.get(level, levels.get(level.upper()))
    if found is not None:
        return found
    if level.isascii() and level.isdigit() and len(level) < 10:
        return int(level)
    hint = near_match(level.upper(), levels)
    raise ParameterError("level", f"{level!r:.40} is not a level such as INFO or WARNING{hint}")


class Selection:
    """Filters of one subscriber, and whether the last head passed them.

    A line without a readable head (a traceback in a foreign file) has no level, logger or time of
    its own and goes with its predecessor; where there is none, it passes. ``q`` is looked for in
    every line on its own. A level that ``logging`` does not know passes too: showing too much does
    less harm than hiding.

    Not thread-safe: one reader each.

    Args:
        level: minimum level.
        logger: dotted prefix: ``app`` lets ``app`` and ``app.db`` through, not ``apple``.
        q: literal text, at most 256 characters.
        case: whether ``q`` minds upper and lower case.
        invert: whether ``q`` must be absent.
        since: inclusive, epoch microseconds.
        until: exclusive, epoch microseconds.

    Raises:
        ParameterError: an unknown level or an overlong ``q``.
    """

    def __init__(
        self,
        *,
        level: int | str | None = None,
        logger: str | None = None,
        q: str | None = None,
        case: bool = False,
        invert: bool = False,
        since: int | None = None,
        until: int | None = None,
    ) -> None:
        if q is not None and len(q) > MAX_Q:
            raise ParameterError("q", f"{len(q)} characters; at most {MAX_Q} are searched for")
        self._level = level_number(level) if level is not None else logging.NOTSET
        self._logger = logger or None
        self._prefix = f"{logger}." if logger else ""
        self._q = (q if case else q.casefold()) if q else None
        self._case = case
        self._invert = invert
        self._since = since
        self._until = until
        self._since_text = format_us(since) if since is not None else ""
        self._until_text = format_us(until) if until is not None else ""
        self._levels: dict[str, bool] = {}
        self._last = True
        self.reads_heads = bool(
            self._level or self._logger or since is not None or until is not None
        )

    def accepts(self, record: StreamRecord) -> bool:
        """Tell whether the record passes, and remember its head for lines without one."""
        if self.reads_heads:
            head = record.head
            if head is not None:
                self._last = self.accepts_head(head)
            if not self._last:
                return False
        return self._q is None or self.accepts_text(record)

    def remember(self, head: RecordHead | None) -> None:
        """Let lines without head go with this one from now on; ``None``: let them pass."""
        self._last = head is None or self.accepts_head(head)

    def accepts_head(self, head: RecordHead) -> bool:
        """Tell whether level, logger and time of a head pass."""
        if self._level and not self._accepts_level(head.level):
            return False
        if self._logger is not None and head.logger != self._logger:
            if not head.logger.startswith(self._prefix):
                return False
        if self._since is not None and _is_before(head.timestamp, self._since, self._since_text):
            return False
        return self._until is None or _is_before(head.timestamp, self._until, self._until_text)

    def accepts_text(self, record: StreamRecord) -> bool:
        """Tell whether ``q`` passes."""
        if self._q is None:
            return True
        raw = record.raw if self._case else record.raw.casefold()
        return (self._q in raw) != self._invert

    def _accepts_level(self, name: str) -> bool:
        found = self._levels.get(name)
        if found is None:
            number = logging.getLevelNamesMapping().get(name)
            if number is None and (match := _LEVEL.fullmatch(name)):
                number = int(match[1])
            found = number is None or number >= self._level
            if len(self._levels) < 256:
                self._levels[name] = found
        return found


def _is_before(timestamp: str, us: int, text: str) -> bool:
    if len(timestamp) == len(text) and timestamp[-1] == "Z":  # both canonical: compare as text
        return timestamp < text
    moment = timestamp_us(timestamp)
    return moment is not None and moment < us
