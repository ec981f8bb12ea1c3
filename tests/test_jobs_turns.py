"""Turns: writers of one SQLite file follow one another, and nobody depends on it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from waiting import wait_until

from zotify_logging.jobs import turns
from zotify_logging.jobs.turns import Turns
from zotify_logging.storage.lock_file import LockFile

HOLDER = """
import sys, time
from zotify_logging.jobs.turns import Turns
with Turns(sys.argv[1], 0o640).taken():
    print("mine", flush=True)
    time.sleep(600)
"""


def is_free(path: Path) -> bool:
    lock = LockFile(f"{path}.lock")
    try:
        lock.acquire(0)
    except TimeoutError:
        return False
    lock.close()
    return True


@pytest.mark.parametrize("end", [signal.SIGKILL, None])
def test_a_turn_waits_for_the_one_before_and_survives_its_death(
    tmp_path: Path, end: signal.Signals | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A dead holder's turn is over at once; a stuck one is waited for, but not for ever."""
    path = tmp_path / "jobs.db"
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)], cwd=tmp_path, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"mine\n"
    if end is None:
        monkeypatch.setattr(turns, "_PATIENCE", 0.01)
    entered = threading.Event()

    def write() -> None:
        with Turns(str(path), 0o640).taken():
            entered.set()

    writer = threading.Thread(target=write)
    writer.start()
    if end is not None:
        assert not entered.wait(0.1)
        process.send_signal(end)
    assert entered.wait(60)
    process.kill()
    process.wait(60)
    process.stdout.close()
    writer.join(60)
    wait_until(lambda: is_free(path))


def test_a_forked_child_does_not_keep_the_parents_turn(tmp_path: Path) -> None:
    """The child drops the lock it inherits: the parent's end is the end of the turn."""
    path = tmp_path / "jobs.db"
    made = Turns(str(path), 0o600)
    with made.taken():
        assert not is_free(path)
        ready, leave = os.pipe(), os.pipe()
        child = os.fork()
        if child == 0:  # pragma: no cover - another process
            os.write(ready[1], b"x")
            os.read(leave[0], 1)
            os._exit(0)
        os.read(ready[0], 1)
        made.close()  # as the kernel does for a dead parent: no LOCK_UN
        free = is_free(path)
    os.write(leave[1], b"x")
    os.waitpid(child, 0)
    for descriptor in (*ready, *leave):
        os.close(descriptor)
    assert free
    assert (tmp_path / "jobs.db.lock").stat().st_mode & 0o777 == 0o600


def test_a_lock_that_cannot_be_had_is_done_without(tmp_path: Path) -> None:
    """Something else in the lock file's place keeps nobody from writing."""
    (tmp_path / "jobs.db.lock").mkdir()
    with Turns(str(tmp_path / "jobs.db"), 0o640).taken():
        pass
    made = Turns(None, 0o640)
    with made.taken():
        assert made.latest() == 0
    made.close()
