"""A forked child has a handler of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sizes import sized

from zotify_logging.handlers import error_ring


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(error_ring, "_next_line", float("inf"))
    yield


def test_fork_while_another_thread_writes(tmp_path: Path) -> None:
    """The child logs at once, with counters at zero, behind both deliveries."""
    script = """
import logging, os, sys, threading
from zotify_logging import BaseLogHandler
class Sink(BaseLogHandler):
    inside, go_on = threading.Event(), threading.Event()
    hang = True
    def write(self, entries):
        if self.hang:
            self.inside.set(); self.go_on.wait(60)
log = logging.getLogger("forked"); log.setLevel(10)
sink = Sink(delivery=sys.argv[1], flush_interval=0); log.addHandler(sink)
threading.Thread(target=log.info, args=("parent",)).start()
assert sink.inside.wait(30)
pid = os.fork()
if pid == 0:
    Sink.hang = False
    assert sink.statistics().accepted == 0
    log.info("child")
    ok = sink.flush(20) and sink.statistics().accepted == sink.statistics().written == 1
    os._exit(7 if ok else 1)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sink.go_on.set()
assert sink.flush(20)
raise SystemExit(code)
"""
    for delivery in ("direct", "queued"):
        command = [sys.executable, "-c", script, delivery]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
        assert done.returncode == 7, done.stderr


def test_a_fork_inside_a_direct_write_goes_on_in_both(tmp_path: Path) -> None:
    """The lock that logging renewed is released all the same, and the child's ledger agrees."""
    script = """
import logging, os, sys, threading
from zotify_logging import BaseLogHandler
pids = []
class Sink(BaseLogHandler):
    def write(self, entries):
        if entries[0].message == "fork":
            pids.append(os.fork())
            if sys.argv[1] == "fails":
                raise ValueError(entries[0].message)
log = logging.getLogger("forked"); log.setLevel(10); logging.raiseExceptions = False
sink = Sink(); log.addHandler(sink)
log.info("fork")
def other():
    log.info("by another thread")
thread = threading.Thread(target=other); thread.start(); thread.join(30)
log.info("again")
reading = sink.statistics()
lost = sum(reading.failed.values())
assert (reading.accepted, reading.written, reading.queued) == (3, 3 - lost, 0), reading
assert lost == (sys.argv[1] == "fails") and not reading.dropped, reading
if pids[0] == 0:
    os._exit(7)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pids[0], 0)[1]))
"""
    for what in ("returns", "fails"):
        command = [sys.executable, "-c", script, what]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, timeout=120)
        assert done.returncode == 7, done.stderr


_STORM = """
import logging, os, sys, threading
from zotify_logging import FileStreamHandler
log = logging.getLogger("storm"); log.setLevel(10)
handler = FileStreamHandler("app.log", delivery=sys.argv[1], max_bytes=0); log.addHandler(handler)
done = threading.Event()
def write():
    while not done.is_set():
        log.info("parent")
threads = [threading.Thread(target=write) for _ in range(3)]
for thread in threads: thread.start()
bad = 0
for number in range(int(sys.argv[2])):
    pid = os.fork()
    if pid == 0:
        log.info("child %d", number)
        reading = handler.statistics() if handler.flush(20) else None
        os._exit(0 if reading and reading.accepted == reading.written == 1 else 1)
    bad += os.waitpid(pid, 0)[1] != 0
done.set()
for thread in threads: thread.join(30)
logging.shutdown()
reading = handler.statistics()
assert reading.accepted == reading.written, reading
print(bad, reading.written)
"""


def test_forks_while_other_threads_write_a_file(tmp_path: Path) -> None:
    """However often: each child's line is there once, and every line is whole."""
    for delivery in ("direct", "queued"):
        count = sized(15, 300)
        command = [sys.executable, "-W", "ignore", "-c", _STORM, delivery, str(count)]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        bad, written = map(int, done.stdout.split())
        lines = (tmp_path / "app.log").read_text().splitlines()
        words = [line.partition(" INFO storm ")[2] for line in lines]
        assert bad == 0 and words.count("parent") == written
        assert sorted(word for word in words if word != "parent") == sorted(
            f"child {number}" for number in range(count)
        )
        for path in tmp_path.iterdir():
            path.unlink()
