"""The lines of one write: each takes the next place behind the head of the chain."""

from __future__ import annotations

from ..clock import format_us
from .chain import close_line
from .encoding import EncodedEvent, bounded_list
from .state import ChainHead

__all__ = ["LineBatch", "unchained_line"]

# Text of the last whole second: most events of a busy process share theirs with the one before.
# Replaced as a whole, so that threads need no lock.
_second: tuple[int, str] = (0, "1970-01-01T00:00:00")


class LineBatch:
    """Puts events into their places and collects the bytes for one ``write(2)``.

    Args:
        head: where the chain stands.
        now_us: epoch microseconds, read under the lock. When it is earlier than the head's, the
            head's is kept, and every line says ``clock_step`` and when it really happened.
        torn: whether the file's last line has no newline yet.
    """

    __slots__ = ("_now_us", "_parts", "_stepped", "_timestamp", "hash", "seq", "timestamp_us")

    def __init__(self, head: ChainHead, now_us: int, *, torn: bool) -> None:
        self.seq = head.seq
        self.hash = head.hash
        self._stepped = now_us < head.timestamp_us
        self._now_us = now_us
        self.timestamp_us = head.timestamp_us if self._stepped else now_us
        self._timestamp = _timestamp(self.timestamp_us)
        self._parts = [b"\n"] if torn else []

    def add(self, event: EncodedEvent) -> None:
        """Give the event the next seq; ``seq`` and ``hash`` are those of its line then."""
        event_id, body, problems, occurred = event
        if self._stepped:
            problems = (*problems, "clock_step")
            occurred = self._now_us if occurred is None else occurred
        self.seq += 1
        line, self.hash = close_line(
            f'{{"v":1,"seq":{self.seq},"event_id":"{event_id}","timestamp":"{self._timestamp}"'
            f'{"" if occurred is None else _occurred(occurred)}'
            f',{body}{_problems(problems) if problems else ""},"prev":"{self.hash}"'
        )
        self._parts.append(line)

    def data(self) -> bytes:
        """Return the bytes of all lines."""
        return self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)


def unchained_line(event: EncodedEvent, now_us: int, problem: str) -> str:
    """Return the event as the fallback keeps it: no place, no hashes, and why that is."""
    occurred = "" if event.occurred_us is None else _occurred(event.occurred_us)
    return (
        f'{{"v":1,"seq":null,"event_id":"{event.event_id}","timestamp":"{format_us(now_us)}"'
        f"{occurred},{event.body}{_problems((*event.problems, problem))}}}"
    )


def _timestamp(us: int) -> str:
    global _second
    second, micros = divmod(us, 1_000_000)
    known, text = _second
    if known != second:
        text = format_us(second * 1_000_000)[:19]
        _second = (second, text)
    return f"{text}.{micros:06d}Z"


def _occurred(us: int) -> str:
    return f',"occurred_at":"{format_us(us)}"'


def _problems(problems: tuple[str, ...]) -> str:
    return f',"problems":{bounded_list(problems)}'
