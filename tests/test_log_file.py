"""The log file: rotation, several writers, outside changes, faults."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_reading import closed_files, read_lines
from sizes import sized

from zotify_logging.storage.lock_file import LockFile
from zotify_logging.storage.log_file import LOOK_INTERVAL, PUT_OFF, LogFile


def _write(log: LogFile, *lines: str, now: float = 1.0) -> None:
    for line in lines:
        log.append(f"{line}\n".encode(), now)


def test_rotates_before_a_line_that_would_not_fit(tmp_path: Path) -> None:
    """No file passes max_bytes, the newest closed file is .1, and keep bounds their number."""
    path = tmp_path / "a.log"
    log = LogFile(str(path), max_bytes=30, keep=2)
    _write(log, *(f"line {number:04}" for number in range(12)))
    log.close()
    assert [item.name for item in closed_files(path)] == ["a.log.2", "a.log.1"]
    assert all(item.stat().st_size <= 30 for item in [path, *closed_files(path)])
    assert read_lines(path) == [f"line {number:04}" for number in range(12)][-9:]


@given(
    sizes=st.lists(st.integers(0, 60), max_size=60),
    max_bytes=st.integers(10, 200),
    keep=st.integers(1, 4),
)
@settings(max_examples=60, deadline=None)
def test_what_is_kept_is_an_unbroken_tail(
    tmp_path_factory: pytest.TempPathFactory, sizes: list[int], max_bytes: int, keep: int
) -> None:
    """Whatever the sizes, the files together hold the last lines, whole and in order."""
    path = tmp_path_factory.mktemp("log") / "a.log"
    log = LogFile(str(path), max_bytes=max_bytes, keep=keep)
    lines = [f"{number}:" + "x" * size for number, size in enumerate(sizes)]
    _write(log, *lines)
    log.close()
    kept = read_lines(path)
    assert kept == lines[len(lines) - len(kept) :]
    assert len(closed_files(path)) <= keep
    for item in [path, *closed_files(path)]:
        if item.exists() and item.read_bytes().count(b"\n") > 1:
            assert item.stat().st_size <= max_bytes


@pytest.mark.parametrize(("max_bytes", "keep"), [(0, 5), (10, 0)])
def test_zero_never_rotates(tmp_path: Path, max_bytes: int, keep: int) -> None:
    """As in RotatingFileHandler, max_bytes=0 or keep=0 lets one file grow."""
    path = tmp_path / "a.log"
    log = LogFile(str(path), max_bytes=max_bytes, keep=keep)
    _write(log, *("x" * 20 for _ in range(10)))
    log.close()
    assert len(read_lines(path)) == 10 and not closed_files(path)


def test_backups_that_are_not_ours_stay(tmp_path: Path) -> None:
    """Dates, words and leading zeros after the name are somebody else's files."""
    path = tmp_path / "a.log"
    strangers = ["a.log.20261122", "a.log.bak", "a.log.01", "a.log.1.gz", "b.log.1"]
    for name in strangers:
        (tmp_path / name).write_text("keep me\n")
    log = LogFile(str(path), max_bytes=10, keep=1)
    _write(log, *("123456789" for _ in range(5)))
    log.close()
    assert all((tmp_path / name).read_text() == "keep me\n" for name in strangers)


def test_a_closed_file_lives_until_its_last_writer_is_gone(tmp_path: Path) -> None:
    """An idle second writer pins the file it has open; a later rotation deletes it."""
    path = tmp_path / "a.log"
    idle = LogFile(str(path), max_bytes=10, keep=1)
    _write(idle, "idle")
    busy = LogFile(str(path), max_bytes=10, keep=1)
    _write(busy, *("123456789" for _ in range(4)))
    assert any("idle" in item.read_text() for item in closed_files(path))
    idle.close()
    _write(busy, *("123456789" for _ in range(3)), now=9.0)
    busy.close()
    assert [item.name for item in closed_files(path)] == ["a.log.1"]


def test_a_second_writers_rotation_is_seen_at_the_next_line(tmp_path: Path) -> None:
    """The generation counter sends the first writer to the new file without waiting for a look."""
    path = tmp_path / "a.log"
    one = LogFile(str(path), max_bytes=1000, keep=3)
    two = LogFile(str(path), max_bytes=1000, keep=3)
    _write(one, "one before")
    _write(two, "two before")
    two.rotate()
    _write(one, "one after")
    one.close()
    two.close()
    assert path.read_text() == "one after\n"
    assert (tmp_path / "a.log.1").read_text() == "one before\ntwo before\n"


_WRITER = """
import os, sys
from zotify_logging.storage.log_file import LogFile
path, name, count, size = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
log = LogFile(path, max_bytes=size, keep=100)
for number in range(count):
    log.append(f"{name} {number:06}\\n".encode(), number / 1000)
log.close()
"""


def test_processes_share_one_rotating_file(tmp_path: Path) -> None:
    """4 writers on one file, rotated many times: no line lost, torn or doubled, each in order."""
    count = sized(2_000, 20_000)
    path = tmp_path / "a.log"
    size = 9 * 4 * count // 40
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _WRITER, str(path), f"w{index}", str(count), str(size)],
            cwd=tmp_path,
        )
        for index in range(4)
    ]
    assert [writer.wait(120) for writer in writers] == [0, 0, 0, 0]
    lines = read_lines(path)
    assert len(closed_files(path)) > 10
    for index in range(4):
        mine = [line for line in lines if line.startswith(f"w{index} ")]
        assert mine == [f"w{index} {number:06}" for number in range(count)]
    assert len(lines) == 4 * count
    largest = max(item.stat().st_size for item in closed_files(path))
    assert largest <= size + 4 * 10  # passed by one record of each writer, at most


def test_a_forked_child_opens_the_file_for_itself(tmp_path: Path) -> None:
    """Parent and child rotate under each other's feet and neither loses a line."""
    path = tmp_path / "a.log"
    log = LogFile(str(path), max_bytes=200, keep=100)
    _write(log, "before")
    pid = os.fork()
    name = "parent" if pid else "child"
    try:
        _write(log, *(f"{name} {number:03}" for number in range(300)))
    finally:
        if not pid:
            os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    log.close()
    lines = read_lines(path)
    assert lines[0] == "before" and len(lines) == 601
    for name in ("parent", "child"):
        mine = [line for line in lines if line.startswith(name)]
        assert mine == [f"{name} {number:03}" for number in range(300)]


@pytest.mark.parametrize("how", ["rename", "delete", "folder"])
def test_a_file_moved_or_removed_by_others_is_noticed(tmp_path: Path, how: str) -> None:
    """After at most one look interval lines go to the path again, the folder made anew."""
    path = tmp_path / "logs" / "a.log"
    log = LogFile(str(path))
    _write(log, "one", now=1.0)
    if how == "rename":
        path.rename(tmp_path / "moved")
    elif how == "delete":
        path.unlink()
    else:
        (tmp_path / "logs").rename(tmp_path / "gone")
    _write(log, "two", now=1.0 + LOOK_INTERVAL)
    log.close()
    assert path.read_text() == "two\n"


def test_a_clock_step_back_only_means_another_look(tmp_path: Path) -> None:
    """Times before the last look do not stop the looking."""
    path = tmp_path / "a.log"
    log = LogFile(str(path))
    _write(log, "one", now=1e9)
    path.unlink()
    _write(log, "two", now=5.0)
    log.close()
    assert path.read_text() == "two\n"


def test_a_descriptor_closed_behind_our_back_costs_nothing(tmp_path: Path) -> None:
    """EBADF opens the file again and the line is written; a reused number is never written to."""
    path, other = tmp_path / "a.log", tmp_path / "other"
    log = LogFile(str(path))
    _write(log, "one", now=1.0)
    os.close(log._descriptor)
    _write(log, "two", now=1.0)
    taken = log._descriptor
    os.close(taken)
    stranger = os.open(other, os.O_CREAT | os.O_RDWR)
    assert stranger == taken
    _write(log, "three", now=2.0)
    os.close(log._descriptor)
    _write(log, "four", now=3.0)  # late enough for a look at the path
    log.close()
    assert os.fstat(stranger).st_size == 0
    os.close(stranger)
    assert path.read_text() == "one\ntwo\nthree\nfour\n"


_FULL = """
import resource, signal, sys
from zotify_logging.storage.log_file import LogFile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
log = LogFile(sys.argv[1])
log.append(b"whole line\\n", 1.0)
resource.setrlimit(resource.RLIMIT_FSIZE, (16, resource.RLIM_INFINITY))
try:
    log.append(b"cut in the middle\\n", 1.0)
except OSError as error:
    print(error.errno)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.append(b"next\\n", 1.0)
log.close()
"""


def test_a_fragment_is_ended_before_the_next_line(tmp_path: Path) -> None:
    """A write cut by a full disk raises, and the line after it stands on its own."""
    path = tmp_path / "a.log"
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(path)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.strip() == str(errno.EFBIG), done.stderr
    assert path.read_text() == "whole line\ncut i\nnext\n"


def test_a_lone_writer_ends_a_torn_tail_at_open(tmp_path: Path) -> None:
    """What kill -9 cut in a former life does not swallow our first line."""
    path = tmp_path / "a.log"
    path.write_text("whole\ntor")
    log = LogFile(str(path))
    _write(log, "next")
    log.close()
    assert path.read_text() == "whole\ntor\nnext\n"


def test_a_stuck_lock_does_not_stop_the_lines(tmp_path: Path) -> None:
    """While another process keeps the lock, lines go to the file at hand; rotation waits."""
    path = tmp_path / "a.log"
    log = LogFile(str(path), max_bytes=20, keep=3, lock_timeout=0.01)
    _write(log, "first line")
    other = LockFile(f"{path}.lock")
    other.acquire(1)
    _write(log, *("another line" for _ in range(3)))
    fresh = LogFile(str(path), lock_timeout=0.01)
    _write(fresh, "from a newcomer")
    other.close()
    fresh.close()
    log.close()
    assert len(read_lines(path)) == 5


def test_a_stuck_lock_costs_its_wait_once_not_per_line(tmp_path: Path) -> None:
    """Two writers at a full file: a failed rotation is put off, then tried and done."""
    path = tmp_path / "a.log"
    one = LogFile(str(path), max_bytes=100, keep=3, lock_timeout=0.2)
    two = LogFile(str(path), max_bytes=100, keep=3, lock_timeout=0.2)
    other = LockFile(f"{path}.lock")
    for number in range(4):
        _write(one, f"line of one {number}")
        _write(two, f"line of two {number}")
    other.acquire(1)
    waits: list[float] = []
    acquire = LockFile.acquire

    def counted(self: LockFile, timeout: float) -> None:
        waits.append(timeout)
        acquire(self, timeout)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(LockFile, "acquire", counted)
        for number in range(50):
            _write(one, f"while it is kept {number}", now=1.0 + number * 0.03)
    assert waits == [0.2]
    other.close()
    _write(one, "afterwards", now=1.0 + 0.2 * PUT_OFF)
    one.close()
    two.close()
    assert len(read_lines(path)) == 59 and path.read_text() == "afterwards\n"


def test_a_folder_that_forbids_renames_keeps_the_lines(tmp_path: Path) -> None:
    """Where rotation is impossible the file grows; nothing is lost and nothing raises."""
    path = tmp_path / "a.log"
    log = LogFile(str(path), max_bytes=30, keep=1)
    _write(log, "one line here")
    (tmp_path / "a.log.1").mkdir()  # rename(file, directory) fails for root as well
    _write(log, *("one line here" for _ in range(9)))
    log.close()
    assert path.read_text().count("\n") == 10


def test_files_beside_the_log_are_only_ours(tmp_path: Path) -> None:
    """Beside X lie X.1 … X.N and X.lock, nothing else."""
    path = tmp_path / "a.log"
    log = LogFile(str(path), max_bytes=10, keep=2)
    _write(log, *("123456789" for _ in range(9)))
    log.close()
    assert sorted(item.name for item in tmp_path.iterdir()) == [
        "a.log",
        "a.log.1",
        "a.log.2",
        "a.log.lock",
    ]
    assert all(item.stat().st_mode & 0o777 == 0o640 for item in tmp_path.iterdir())


def test_closing_leaves_no_descriptor(tmp_path: Path) -> None:
    """Open and close many times: as many descriptors as before."""
    before = len(os.listdir("/proc/self/fd"))
    for number in range(20):
        log = LogFile(str(tmp_path / "a.log"), max_bytes=10, keep=2)
        _write(log, f"line {number}")
        log.rotate()
        log.close()
    assert len(os.listdir("/proc/self/fd")) == before
