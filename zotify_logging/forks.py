"""Tells live objects that they woke up in a forked child.

A child shares its parent's descriptors, file positions and ``flock``s, and has none of its threads.
Whoever owns such a thing registers here and drops it in the child; objects are held weakly.
"""

from __future__ import annotations

import logging  # its fork hooks must run before ours in the child: they renew handlers' locks
import os
import threading
import weakref
from typing import Protocol

__all__ = ["ForkAware", "ForkPreparing", "before_fork", "on_fork"]


class ForkAware(Protocol):
    """An object that owns descriptors, locks or threads."""

    def after_fork_in_child(self) -> None:
        """Drop what belongs to the parent. Runs in the child's only thread; must not raise."""


class ForkPreparing(Protocol):
    """An object that has to know something that only the parent can tell."""

    def before_fork(self) -> None:
        """Look, in the forking thread; must not wait, and must not raise."""


_objects: weakref.WeakSet[ForkAware] = weakref.WeakSet()
_preparing: weakref.WeakSet[ForkPreparing] = weakref.WeakSet()
_lock = threading.RLock()


def on_fork(owner: ForkAware) -> None:
    """Call ``owner.after_fork_in_child()`` in every child forked from now on."""
    with _lock:
        _objects.add(owner)


def before_fork(owner: ForkPreparing) -> None:
    """Call ``owner.before_fork()`` before every fork from now on."""
    with _lock:
        _preparing.add(owner)


def _before() -> None:
    # In the order of dictConfig, which makes handlers under the lock of logging: they register.
    logging._lock.acquire()  # type: ignore[attr-defined]  # its own hook takes it once more
    _lock.acquire()
    failed: Exception | None = None
    for owner in list(_preparing):
        try:
            owner.before_fork()
        except Exception as error:  # its siblings must still look
            failed = error
    if failed is not None:
        raise failed  # os.fork() shows it as unraisable and goes on


def _after_in_parent() -> None:
    _lock.release()
    logging._lock.release()  # type: ignore[attr-defined]  # taken in _before()


def _after_in_child() -> None:
    global _lock
    _lock = threading.RLock()
    failed: Exception | None = None
    for owner in list(_objects):
        try:
            owner.after_fork_in_child()
        except Exception as error:  # its siblings must still wake up
            failed = error
    if failed is not None:
        raise failed  # os.fork() shows it as unraisable and goes on


if hasattr(os, "register_at_fork"):  # pragma: no branch - absent on Windows only
    os.register_at_fork(
        before=_before,
        after_in_parent=_after_in_parent,
        after_in_child=_after_in_child,
    )
