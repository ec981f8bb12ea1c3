"""A subclass with a place for what its queue has no room for."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence
from pathlib import Path

import pytest
from line_sink import LineSink, balanced, last_words

from zotify_logging import FileStreamHandler, LogEntry, OptionError


class Spooling(LineSink):
    """Keeps entries in a list while the sink is stuck, and writes them when told to."""

    gap_entries = False

    def __init__(self, path: Path, overflow: str) -> None:
        self.inside, self.go_on = threading.Event(), threading.Event()
        self.spool: list[LogEntry] = []
        self.broken = False
        super().__init__(path, self._hang, delivery="queued", max_queue_size=1, overflow=overflow)

    def _hang(self, entries: Sequence[LogEntry]) -> None:
        self.inside.set()
        assert self.go_on.wait(60)

    def spill(self, entry: LogEntry) -> bool:
        """Keep the entry, if it is not about cats."""
        if self.broken:
            raise OSError(28, "No space left on device")
        if entry.message == "cat":
            return False
        self.spool.append(entry)
        return True

    def replay(self) -> None:
        """Write what was kept."""
        self.write(self.spool)
        self.ledger.unspool(len(self.spool))


@pytest.mark.parametrize("overflow", ["spill", "block"])
def test_what_has_no_room_is_spilled(tmp_path: Path, overflow: str) -> None:
    """It counts as queued and spooled until the subclass has written it."""
    logger = logging.Logger("spilling", logging.DEBUG)
    sink = Spooling(tmp_path / "log", overflow)
    logger.addHandler(sink)
    logger.error("stuck")
    assert sink.inside.wait(30)
    for word in ("one", "cat", "two"):
        logger.error(word)
    sink.broken = True
    logger.error("lost")
    reading = sink.statistics()
    assert (reading.queued, reading.spooled, balanced(reading)) == (3, 2, True)
    assert reading.dropped == {"overflow": 2}
    assert str(reading.last_error).startswith("OSError")
    sink.go_on.set()
    assert sink.lines()
    sink.replay()
    reading = sink.statistics()
    assert (reading.queued, reading.spooled, reading.written) == (0, 0, 3) and balanced(reading)
    assert last_words(sink.lines()) == ["stuck", "one", "two"]


def test_spill_is_refused_without_a_place_for_it(tmp_path: Path) -> None:
    """It would silently drop; the error names the choices."""
    with pytest.raises(OptionError, match="overflow: 'spill' needs a spool.*drop_new"):
        FileStreamHandler(tmp_path / "log", overflow="spill")
