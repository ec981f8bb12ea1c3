"""The hub tells every follower of every change, however late its thread gets to look."""

from __future__ import annotations

from pathlib import Path

from waiting import wait_until

from zotify_logging.streaming.hub import Hub


class Reader:
    """A follower that has read to the end, and counts how often it is told to look again."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.due: float | None = None
        self.told = 0

    def notify(self) -> None:
        """Note the call."""
        self.told += 1


def test_a_log_renamed_before_the_first_look_is_told(tmp_path: Path) -> None:
    """The reader has read the file by then: only the hub can tell it that the path is empty."""
    path = tmp_path / "app.log"
    path.write_text("first\n")
    hub, reader = Hub(), Reader(path)
    with hub._lock:  # the thread starts, and cannot look yet
        hub.add(reader)
        path.rename(tmp_path / "app.log.1")
    wait_until(lambda: reader.told)
    hub.discard(reader)
    wait_until(lambda: hub.thread is None)


def test_a_reader_that_comes_later_is_told_once_whatever_was_seen_before(tmp_path: Path) -> None:
    """What it read may have come and gone between two looks."""
    path = tmp_path / "app.log"
    hub, first, second = Hub(), Reader(path), Reader(path)
    hub.add(first)
    wait_until(lambda: first.told)
    with hub._lock:
        path.write_text("seen by the second alone\n")
        hub.add(second)
        path.unlink()
    wait_until(lambda: second.told)
    for reader in (first, second):
        hub.discard(reader)
    wait_until(lambda: hub.thread is None)
