"""The fork guard: no transaction and no connection is open across a fork."""

from __future__ import annotations

import os
import threading

import pytest

from zotify_logging.jobs import fork_guard
from zotify_logging.jobs.fork_guard import ForkGuard


def test_a_fork_waits_for_the_transaction_and_closes() -> None:
    """The connections are closed in the parent, and parent and child can go on at once."""
    closed: list[str] = []
    guard = ForkGuard(lambda: closed.append("closed"))
    entered, leave = threading.Event(), threading.Event()

    def write() -> None:
        with guard:
            entered.set()
            leave.wait(10)
            closed.append("committed")

    writer = threading.Thread(target=write)
    writer.start()
    assert entered.wait(10)
    threading.Timer(0.05, leave.set).start()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        with guard:
            os._exit(0 if closed == ["committed", "closed"] else 2)
    writer.join(10)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert closed == ["committed", "closed"]
    with guard:
        pass


def test_a_stuck_transaction_does_not_stop_a_fork(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its patience a fork happens anyway; the child's lock is free, the parent's is kept."""
    monkeypatch.setattr(fork_guard, "FORK_PATIENCE", 0.02)
    closed: list[str] = []
    guard = ForkGuard(lambda: closed.append("closed"))
    entered, leave = threading.Event(), threading.Event()

    def write() -> None:
        with guard:
            entered.set()
            leave.wait(30)

    writer = threading.Thread(target=write)
    writer.start()
    assert entered.wait(10)
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        with guard:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    leave.set()
    writer.join(10)
    assert os.waitstatus_to_exitcode(status) == 0
    assert closed == []
