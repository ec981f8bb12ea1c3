"""A forked child wakes up what lives in it."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import threading
import weakref
from collections import deque
from pathlib import Path

from sizes import sized

from zotify_logging.forks import before_fork, on_fork


class Owner:
    """Remembers that it was woken."""

    def __init__(self, error: Exception | None = None) -> None:
        self.woken = 0
        self.error = error

    def after_fork_in_child(self) -> None:
        self.woken += 1
        if self.error is not None:
            raise self.error


class Looking:
    """Counts how often it looked."""

    looked = 0

    def before_fork(self) -> None:
        self.looked += 1


def test_owners_are_held_weakly() -> None:
    """Registering keeps nothing alive."""
    owner = Owner()
    on_fork(owner)
    reference = weakref.ref(owner)
    del owner
    gc.collect()
    assert reference() is None


def test_the_child_is_told_and_the_parent_is_not() -> None:
    """Each registered owner is woken once, in the child."""
    owner = Owner()
    on_fork(owner)
    pid = os.fork()
    if pid == 0:
        os._exit(7 if owner.woken == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert owner.woken == 0


def test_the_parent_may_look_before_it_forks() -> None:
    """What is found out then, the child knows."""
    owner = Looking()
    before_fork(owner)
    pid = os.fork()
    if pid == 0:
        os._exit(7 if owner.looked == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    assert owner.looked == 1


def test_one_that_raises_does_not_stop_its_siblings(tmp_path: Path) -> None:
    """All owners wake up, whatever one of them does."""
    script = """
import os
from zotify_logging.forks import on_fork
class Owner:
    woken = 0
    def __init__(self, bad): self.bad = bad
    def after_fork_in_child(self):
        self.woken += 1
        if self.bad: raise RuntimeError("no")
owners = [Owner(n % 2) for n in range(10)]
for owner in owners: on_fork(owner)
pid = os.fork()
if pid == 0:
    os._exit(7 if all(owner.woken == 1 for owner in owners) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, timeout=60
    )
    assert done.returncode == 7, done.stderr


def test_a_fork_from_a_thread_wakes_the_child_though_others_register() -> None:
    """Registering in one thread while another forks leaves no lock behind in the child."""
    stop = threading.Event()
    kept: deque[Owner] = deque(maxlen=100)  # what falls out of it leaves the set by itself

    def register() -> None:
        while not stop.is_set():
            kept.append(Owner())
            on_fork(kept[-1])
            before_fork(Looking())

    thread = threading.Thread(target=register)
    thread.start()
    try:
        codes = []
        for _ in range(sized(5, 100)):
            pid = os.fork()
            if pid == 0:
                on_fork(Owner())
                os._exit(7 if all(owner.woken == 1 for owner in list(kept)[:-1]) else 1)
            codes.append(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    finally:
        stop.set()
        thread.join(30)
    assert set(codes) == {7}


def test_a_look_that_fails_stops_neither_the_fork_nor_its_siblings(tmp_path: Path) -> None:
    """os.fork shows the error as unraisable, and everybody else has looked."""
    script = """
import os
from zotify_logging.forks import before_fork
class Owner:
    looked = 0
    def __init__(self, bad): self.bad = bad
    def before_fork(self):
        self.looked += 1
        if self.bad: raise RuntimeError("no")
owners = [Owner(n % 2) for n in range(10)]
for owner in owners: before_fork(owner)
pid = os.fork()
if pid == 0:
    os._exit(7 if all(owner.looked == 1 for owner in owners) else 1)
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, timeout=60
    )
    assert done.returncode == 7, done.stderr
    assert b"RuntimeError: no" in done.stderr


def test_a_fork_beside_dict_config_hangs_neither(tmp_path: Path) -> None:
    """dictConfig makes handlers, which register for forks, under the lock that a fork takes."""
    script = """
import faulthandler, logging, os, sys, threading
from zotify_logging.forks import on_fork
faulthandler.dump_traceback_later(20, exit=True)
class Owner:
    def after_fork_in_child(self): pass
main = threading.get_ident()
def forking():
    frame = sys._current_frames()[main]
    return frame.f_code.co_name in ("_before", "_acquireLock", "_prepareFork")
def configure(held):
    with logging._lock:
        held.set()
        while not forking(): pass
        on_fork(Owner())
for _ in range(5):
    held = threading.Event()
    thread = threading.Thread(target=configure, args=(held,))
    thread.start()
    held.wait()
    pid = os.fork()
    if pid == 0:
        with logging._lock: on_fork(Owner())
        os._exit(7)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
    thread.join()
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
