"""The lock file: one holder among processes, released by death, indifferent to forks."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from zotify_logging import LockTimeoutError
from zotify_logging.storage.lock_file import LockFile

_HOLDER = """
import sys, time
from zotify_logging.storage.lock_file import LockFile
lock = LockFile(sys.argv[1])
lock.acquire(5)
print("held", flush=True)
sys.stdin.read()
"""


def _holder(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, str(path)],
        cwd=path.parent,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdout.readline() == "held\n"
    return process


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate(timeout=10)


def test_another_process_waits_and_gives_up_with_a_clear_error(tmp_path: Path) -> None:
    """The error names the file and the time; nothing is held afterwards."""
    path = tmp_path / "x.lock"
    process = _holder(path)
    lock = LockFile(str(path))
    with pytest.raises(LockTimeoutError, match=r"x\.lock.*0\.05 s"):
        lock.acquire(0.05)
    _end(process)
    with lock.held(5):
        pass
    lock.close()


def test_the_kernel_frees_the_lock_of_a_killed_holder(tmp_path: Path) -> None:
    """kill -9 of the holder leaves no stale lock."""
    path = tmp_path / "x.lock"
    process = _holder(path)
    process.send_signal(signal.SIGKILL)
    process.wait(10)
    _end(process)
    lock = LockFile(str(path))
    lock.acquire(5)
    lock.close()


def test_a_removed_lock_file_is_made_again(tmp_path: Path) -> None:
    """A lock on a deleted file keeps nobody out, so the next acquire makes a new one."""
    path = tmp_path / "x.lock"
    lock = LockFile(str(path))
    with lock.held(1):
        pass
    path.unlink()
    with lock.held(1):
        assert path.exists()
        other = LockFile(str(path))
        with pytest.raises(LockTimeoutError):
            other.acquire(0)
        other.close()
    lock.close()


def test_a_fork_leaves_the_parents_lock_alone(tmp_path: Path) -> None:
    """The child drops its inherited descriptor; the parent still holds, the child is kept out."""
    lock = LockFile(str(tmp_path / "x.lock"))
    lock.acquire(1)
    pid = os.fork()
    if pid == 0:
        try:
            lock.acquire(0.05)
        except LockTimeoutError:
            os._exit(7)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    other = LockFile(str(tmp_path / "x.lock"))
    with pytest.raises(LockTimeoutError):
        other.acquire(0)
    lock.release()
    other.acquire(0)
    other.close()
    lock.close()


def test_closing_and_releasing_twice_is_harmless(tmp_path: Path) -> None:
    """Both are idempotent, also before the first use."""
    lock = LockFile(str(tmp_path / "x.lock"))
    lock.release()
    lock.close()
    lock.acquire(1)
    lock.release()
    lock.release()
    lock.close()
    lock.close()
