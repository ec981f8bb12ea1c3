"""Live handlers by name, held weakly."""

from __future__ import annotations

import gc
import logging
import subprocess
import sys
import weakref
from collections.abc import Sequence
from pathlib import Path

import pytest

from zotify_logging import BaseLogHandler, LogEntry, UnknownNameError, registry


class Sink(BaseLogHandler):
    def write(self, entries: Sequence[LogEntry]) -> None:
        """Take them."""


def test_a_name_finds_its_handler_until_it_is_gone() -> None:
    """The registry keeps nothing alive."""
    handler = Sink()
    handler.name = "registry-a"
    assert registry.find("registry-a") is handler and "registry-a" in registry.names()
    handler.name = "registry-b"
    with pytest.raises(UnknownNameError, match="did you mean registry-b"):
        registry.find("registry-a")
    del handler
    gc.collect()
    assert "registry-b" not in registry.names()


def test_closing_unregisters_and_a_successor_stays() -> None:
    """A handler that closes late does not take the name from the one that has it now."""
    first, second = Sink(), Sink()
    first.name = second.name = "registry-c"
    first.close()
    assert registry.find("registry-c") is second
    second.close()
    with pytest.raises(UnknownNameError):
        registry.find("registry-c")


def test_handlers_keep_the_protocol() -> None:
    """Ours do, stdlib's do not."""
    assert isinstance(Sink(), registry.Registered)
    assert not isinstance(logging.NullHandler(), registry.Registered)


def test_a_fork_while_the_names_are_locked_hangs_nobody(tmp_path: Path) -> None:
    """The child looks names up, whoever held the lock in the parent."""
    script = """
import os, threading
from zotify_logging import registry
held, done = threading.Event(), threading.Event()
def hold():
    with registry._guard.lock:
        held.set(); done.wait(30)
threading.Thread(target=hold, daemon=True).start()
held.wait(30)
pid = os.fork()
if pid == 0:
    os._exit(7 if registry.names() == [] else 1)
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
done.set()
raise SystemExit(code)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=tmp_path, timeout=60)
    assert done.returncode == 7


class Wanting:
    """Remembers what it was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, object]] = []

    def found(self, name: str, handler: registry.Registered) -> None:
        self.told.append(("found", name, handler))

    def lost(self, name: str, handler: registry.Registered) -> None:
        self.told.append(("lost", name, handler))


def test_whoever_wants_a_name_hears_what_it_means() -> None:
    """Now, later and never again; one that is closed keeps its name there. Held weakly."""
    owner, sink, other = Wanting(), Sink(), Sink()
    registry.want("wanted", owner)
    sink.name = "wanted"
    other.name = "wanted"
    other.close()
    assert owner.told == [("found", "wanted", sink), ("found", "wanted", other)]
    assert "wanted" not in registry.names()
    sink.name = "else"
    sink.name = "wanted"
    assert owner.told[2:] == [("lost", "wanted", sink), ("found", "wanted", sink)]
    reference = weakref.ref(owner)
    del owner
    gc.collect()
    assert reference() is None
