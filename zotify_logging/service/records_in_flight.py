"""Finds the records that are on their way from logger to logger right now, in any thread.

``Logger.callHandlers`` walks up the tree with record and logger in local variables; nothing else
says how far a record has come. So the stacks of the threads are looked at: that costs whoever asks
some microseconds a thread, and whoever logs nothing. A greenlet that is suspended is not seen.
"""

from __future__ import annotations

import logging
import sys
from types import FrameType
from typing import NamedTuple

__all__ = ["InFlight", "records_in_flight"]

_WALK = "callHandlers"
_DISPATCH, _DISPATCHER = "dispatch", f"{__package__}.dispatcher"


class InFlight(NamedTuple):
    """A record on its way.

    Attributes:
        record: the record.
        logger: whose handlers it is being given to.
    """

    record: logging.LogRecord
    logger: object


def records_in_flight(thread: int | None = None) -> dict[int, InFlight]:
    """Return the records that threads are handing to handlers, by their ``id()``.

    Args:
        thread: ``threading.get_ident()`` of the one to look at; ``None`` for all of them.
    """
    found: dict[int, InFlight] = {}
    for ident, top in sys._current_frames().items():
        if thread is not None and ident != thread:
            continue
        frame: FrameType | None = top
        while frame is not None:
            if _is_walk(frame):
                names = frame.f_locals
                record = names.get("record")
                if isinstance(record, logging.LogRecord):
                    found[id(record)] = InFlight(record, names.get("c", names.get("self")))
            frame = frame.f_back
    return found


def _is_walk(frame: FrameType) -> bool:
    name = frame.f_code.co_name
    # Whoever replaced the method (an error tracker does) calls the original inside.
    if name == _WALK:
        return frame.f_globals is vars(logging)
    # A record may be dispatched by hand as well, without any logger.
    return name == _DISPATCH and frame.f_globals.get("__name__") == _DISPATCHER
