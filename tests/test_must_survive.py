"""Cases that a handler must survive and that belong to no single module; docs/MUST_SURVIVE.md has
all of them.
"""

from __future__ import annotations

import copy
import errno
import logging
import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sizes import sized
from waiting import wait_until

from zotify_logging import FileStreamHandler
from zotify_logging.handlers import error_ring
from zotify_logging.ledger import HandlerStatistics
from zotify_logging.testing.write_fault import WriteFault


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(error_ring, "_next_line", float("inf"))
    yield


@pytest.fixture
def log() -> logging.Logger:
    return logging.Logger("survivor", logging.DEBUG)  # outside the tree


def balanced(reading: HandlerStatistics) -> bool:
    lost = sum(reading.dropped.values()) + sum(reading.failed.values())
    return reading.accepted == reading.written + reading.queued + lost


class Refusal(WriteFault):
    """Each write to the folder fails with one error."""

    def __init__(self, folder: Path, number: int) -> None:
        super().__init__(folder)
        self.number = number

    def _faulty(self, descriptor: int, data: memoryview) -> int:
        raise OSError(self.number, os.strerror(self.number))


@pytest.mark.parametrize("delivery", ["direct", "queued"])
@pytest.mark.parametrize("name", ["EACCES", "EROFS", "EIO", "ENOSPC"])
def test_a_disk_that_refuses(tmp_path: Path, log: logging.Logger, name: str, delivery: str) -> None:
    """Nothing raises, each record is counted by the system's name of the error, and all goes on."""
    handler = FileStreamHandler(tmp_path / "app.log", delivery=delivery)
    log.addHandler(handler)
    log.warning("before")
    handler.flush()
    with Refusal(tmp_path, getattr(errno, name)):
        log.warning("during")
        log.warning("during")
        handler.flush(1)
    log.warning("after")
    assert handler.flush() is True
    reading = handler.statistics()
    assert balanced(reading) and reading.failed == {name: 2}
    handler.close()
    text = (tmp_path / "app.log").read_text("utf-8")
    assert "before\n" in text and "after\n" in text and "during" not in text


@pytest.mark.parametrize("delivery", ["direct", "queued"])
@pytest.mark.parametrize("kind", ["fifo", "directory", "symlink", "folder removed"])
def test_a_file_replaced_while_it_is_written(
    tmp_path: Path, log: logging.Logger, kind: str, delivery: str
) -> None:
    """No line is lost and no call hangs; lines go to the path again once they can."""
    folder = tmp_path / "logs"
    path = folder / "app.log"
    handler = FileStreamHandler(path, delivery=delivery)
    log.addHandler(handler)
    log.warning("first")
    handler.flush()
    if kind == "folder removed":
        folder.rename(tmp_path / "old")
    else:
        path.rename(folder / "moved.log")
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind == "symlink":
        path.symlink_to(folder / "elsewhere.log")
    for number in range(20):
        log.warning("meanwhile %d", number)
    assert handler.flush() is True
    if kind == "directory":
        path.rmdir()
    elif kind != "folder removed":
        path.unlink()

    def is_back() -> bool:
        log.warning("again")
        handler.flush()
        return path.is_file() and "again\n" in path.read_text("utf-8")

    wait_until(is_back)
    handler.close()
    reading = handler.statistics()
    assert reading.written == reading.accepted
    files = [one for one in tmp_path.rglob("*.log") if one.is_file()]
    assert sum(one.read_text("utf-8").count("\n") for one in files) == reading.written


def test_fsync_before_the_call_returns(
    tmp_path: Path, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``durability="fsync"`` each record is on the disk, with ``write`` none is waited for."""
    synced: list[int] = []
    for name in ("fsync", "fdatasync"):
        if hasattr(os, name):
            monkeypatch.setattr(os, name, synced.append)
    for durability, expected in (("fsync", 3), ("write", 0)):
        handler = FileStreamHandler(tmp_path / f"{durability}.log", durability=durability)
        log.addHandler(handler)
        synced.clear()
        for number in range(3):
            log.warning("%d", number)
            assert len(synced) == min(number + 1, expected)
        log.removeHandler(handler)
        handler.close()


def test_threads_while_handlers_come_go_and_change_level(
    tmp_path: Path, log: logging.Logger
) -> None:
    """64 threads log meanwhile: who stays has each record, and nobody's ledger is wrong."""
    stays = FileStreamHandler(tmp_path / "stays.log", max_bytes=0)
    log.addHandler(stays)
    count = sized(100, 2_000)
    going: list[FileStreamHandler] = []

    def work(number: int) -> None:
        for turn in range(count):
            log.info("%d %d", number, turn)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        delivery = "direct" if len(going) % 2 else "queued"
        guest = FileStreamHandler(tmp_path / f"guest{len(going)}.log", delivery=delivery)
        going.append(guest)
        log.addHandler(guest)
        guest.setLevel(logging.ERROR)
        guest.setLevel(logging.NOTSET)
        log.removeHandler(guest)
        guest.close()
    for thread in threads:
        thread.join()
    stays.close()
    assert len(going) > 2
    lines = (tmp_path / "stays.log").read_text("utf-8").splitlines()
    expected = {f"{number} {turn}" for number in range(64) for turn in range(count)}
    assert len(lines) == len(expected)
    assert {line.split("survivor ")[1] for line in lines} == expected
    for guest in going:
        guest.close()  # once more: a call under way may have opened it again
        reading = guest.statistics()
        assert balanced(reading) and reading.queued == 0
        written = Path(guest.baseFilename).read_text("utf-8").count("\n")
        assert written == reading.written


def test_pickling_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    """As with stdlib's handlers: TypeError. A logger that has one is pickled by its name."""
    logger = logging.getLogger("survivor.pickled")
    handler = FileStreamHandler(tmp_path / "app.log")
    logger.addHandler(handler)
    for attempt in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="pickle"):
            attempt(handler)
    pickle.loads(pickle.dumps(logger)).warning("still here")
    handler.close()
    assert (tmp_path / "app.log").read_text("utf-8").endswith(" still here\n")


_WITHOUT_STDERR = """
import logging, os, sys
from zotify_logging import FileStreamHandler
handler = FileStreamHandler(sys.argv[1])
logging.getLogger().addHandler(handler)
os.write = lambda *_: (_ for _ in ()).throw(OSError(5, "Input/output error"))
logging.warning("lost")
sys.exit(0 if handler.statistics().failed == {"EIO": 1} else 3)
"""


def test_a_program_whose_stderr_is_closed(tmp_path: Path) -> None:
    """A handler that fails where nothing can be said raises nothing, also at the exit."""
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" -c "$1" "$2" 2>&-', sys.executable, _WITHOUT_STDERR, "app.log"],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        timeout=30,
    )
    assert (done.returncode, done.stdout) == (0, b"")


_EXITING = """
import atexit, logging, sys
from zotify_logging import FileStreamHandler
log = logging.getLogger()
for delivery in ("direct", "queued"):
    log.addHandler(FileStreamHandler(f"{delivery}.log", delivery=delivery))
class Late:
    def __del__(self):
        log.warning("from __del__")
late = Late()
late.itself = late
atexit.register(log.warning, "from atexit")
log.warning("from the program")
"""


def test_records_at_the_interpreters_shutdown(tmp_path: Path) -> None:
    """What ``atexit`` and ``__del__`` log as the interpreter ends hangs and raises nothing.

    The first is kept; a queue that can no longer be written says on stderr that it is closed.
    """
    done = subprocess.run(
        [sys.executable, "-c", _EXITING], cwd=tmp_path, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0 and "Traceback" not in done.stderr
    for delivery in ("direct", "queued"):
        text = (tmp_path / f"{delivery}.log").read_text("utf-8")
        assert "from the program\n" in text and "from atexit\n" in text
