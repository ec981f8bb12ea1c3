"""Must survive: what becomes of a log file under a running handler."""

from __future__ import annotations

import errno
import logging
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from line_sink import balanced, last_words

from zotify_logging import FileStreamHandler
from zotify_logging.handlers import error_ring

DELIVERIES = pytest.mark.parametrize("delivery", ["direct", "queued"])


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(error_ring, "_next_line", float("inf"))
    yield


class Log:
    """A handler on ``logs/app.log``, and records that come one second apart.

    A handler looks at its path every 100 ms, by the time of the records.
    """

    def __init__(self, folder: Path, delivery: str) -> None:
        self.folder = folder / "logs"
        self.path = self.folder / "app.log"
        self.handler = FileStreamHandler(self.path, delivery=delivery)
        self._now = 1_795_341_600.0

    def write(self, *words: str) -> None:
        """Log each word, and wait until it is settled; nothing may raise."""
        for word in words:
            self._now += 1
            self.handler.handle(
                logging.makeLogRecord(
                    {"msg": word, "created": self._now, "levelno": 20, "levelname": "INFO"}
                )
            )
        assert self.handler.flush(20)
        assert balanced(self.handler.statistics())

    def words(self) -> list[str]:
        """Return the last word of each line that is no gap entry."""
        lines = self.path.read_text().splitlines()
        return last_words([line for line in lines if " zotify_logging gap: " not in line])

    def gaps(self) -> int:
        """Return how many gap entries are in the file."""
        return self.path.read_text().count(" WARNING zotify_logging gap: ")


@pytest.fixture(params=["direct", "queued"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Log]:
    log = Log(tmp_path, request.param)
    log.write("before")
    yield log
    log.handler.close()


def test_directory_removed(log: Log) -> None:
    """It is made again, and the file in it."""
    shutil.rmtree(log.folder)
    log.write("after")
    assert log.words() == ["after"] and not log.handler.statistics().failed


def test_directory_removed_and_a_file_in_its_place(log: Log) -> None:
    """Records fail and are counted, until the file is gone."""
    shutil.rmtree(log.folder)
    log.folder.write_text("in the way")
    log.write("lost", "lost")
    assert sum(log.handler.statistics().failed.values()) == 2
    assert log.handler.health().status == "failing"
    log.folder.unlink()
    log.write("after")
    assert log.words() == ["after"] and log.gaps() == 1


def test_directory_without_permission(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """EACCES at the next open is counted as such; afterwards the handler goes on."""
    log.path.unlink()
    real = os.open

    def refuse(path: str, *rest: int) -> int:
        if str(path).startswith(str(log.folder)):
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return real(path, *rest)

    monkeypatch.setattr(os, "open", refuse)
    log.write("lost")
    monkeypatch.setattr(os, "open", real)
    log.write("after")
    assert log.handler.statistics().failed == {"EACCES": 1}
    assert log.words() == ["after"] and log.gaps() == 1


def fifo(path: Path, aside: Path) -> None:
    os.mkfifo(path)


def directory(path: Path, aside: Path) -> None:
    path.mkdir()


def symlink_loop(path: Path, aside: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize("put", [fifo, directory, symlink_loop])
def test_file_replaced(log: Log, put: Callable[[Path, Path], None], tmp_path: Path) -> None:
    """By what is no file: nothing hangs or raises, records are counted as failed."""
    log.path.unlink()
    put(log.path, tmp_path / "aside")
    log.write("lost", "lost")
    failed = log.handler.statistics().failed
    assert sum(failed.values()) == 2 and len(failed) == 1
    log.path.rmdir() if log.path.is_dir() else log.path.unlink()
    log.write("after")
    assert log.words() == ["after"] and log.gaps() == 1


@pytest.mark.parametrize("there", [True, False])
def test_file_replaced_by_a_symlink(log: Log, there: bool, tmp_path: Path) -> None:
    """Records follow it, whether or not its target was there."""
    target = tmp_path / "elsewhere.log"
    if there:
        target.write_text("of old\n")
    log.path.unlink()
    log.path.symlink_to(target)
    log.write("after")
    assert target.read_text().splitlines()[-1].endswith("after")
    assert log.words() == (["old"] if there else []) + ["after"]


def test_descriptor_closed_behind_our_back(log: Log) -> None:
    """The record is in the file: it is opened once more."""
    os.close(log.handler._file._descriptor)
    log.write("after")
    assert log.words() == ["before", "after"] and not log.handler.statistics().failed


@pytest.mark.parametrize("number", [errno.EIO, errno.EROFS, errno.ENOSPC, errno.EDQUOT])
def test_a_write_that_the_system_refuses(
    log: Log, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    """Counted under the system's name of the error; the next record is whole, with the gap."""
    real, descriptor = os.write, log.handler._file._descriptor

    def refuse(to: int, data: bytes) -> int:
        if to == descriptor:
            raise OSError(number, os.strerror(number))
        return real(to, data)

    monkeypatch.setattr(os, "write", refuse)
    log.write("lost", "lost")
    assert log.handler.health().status == "failing"
    monkeypatch.setattr(os, "write", real)
    log.write("after")
    assert log.handler.statistics().failed == {errno.errorcode[number]: 2}
    assert log.words() == ["before", "after"] and log.gaps() == 1


@pytest.mark.parametrize("refused", [False, True])
def test_a_short_write(log: Log, monkeypatch: pytest.MonkeyPatch, refused: bool) -> None:
    """It is completed; where that fails, the record failed and the next begins a new line."""
    real, descriptor = os.write, log.handler._file._descriptor
    begun: list[int] = []

    def shorten(to: int, data: bytes) -> int:
        if to != descriptor:
            return real(to, data)
        if begun and refused:
            raise OSError(errno.ENOSPC, "No space left on device")
        begun.append(1)
        return real(to, data[:7])

    monkeypatch.setattr(os, "write", shorten)
    log.write("torn")
    monkeypatch.setattr(os, "write", real)
    log.write("after")
    if refused:
        assert log.handler.statistics().failed == {"ENOSPC": 1}
        # Seven bytes of the record's line, ended by ours.
        assert log.words() == ["before", "2026-11", "after"] and log.gaps() == 1
    else:
        assert len(begun) > 5 and log.words() == ["before", "torn", "after"]
