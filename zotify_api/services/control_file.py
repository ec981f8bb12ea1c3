"""``control.json``: what was changed at run time, for all workers and those that start later."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from pydantic import Field, StrictBool, ValidationError

from zotify_api.models.log_control import LevelName, Setting, TargetKind, TargetName
from zotify_api.models.strict import Incoming

__all__ = [
    "MAX_BYTES",
    "MAX_ITEMS",
    "ControlFile",
    "ControlFileError",
    "ControlFullError",
    "ControlItem",
    "ControlState",
    "Key",
    "Value",
]

MAX_BYTES = 262_144
"""Bytes of the file that are read; a longer one is not ours."""

MAX_ITEMS = 1000
"""Changed settings that are kept at the same time."""

Key = tuple[TargetKind, str, Setting]
Value = str | bool

_LAST_US = 253_402_300_799_999_999  # the end of the year 9999, the last that can be written down


class ControlFileError(Exception):
    """The file is there and cannot be believed; the message says why."""


class ControlFullError(Exception):
    """No further change can be kept; the message names the bound and the cure."""

    def __init__(self, bound: str) -> None:
        super().__init__(
            f"{bound} of changes made at run time are kept, and this one would be more: end some"
            ' of those that GET /api/logs/handlers lists, with {"level": null, "enabled": true}'
        )


class ControlItem(Incoming):
    """One changed setting. ``None`` in ``permanent`` means: as configured."""

    kind: TargetKind
    name: TargetName
    setting: Setting
    permanent: LevelName | StrictBool | None = None
    temporary: LevelName | StrictBool | None = None
    until_us: int | None = Field(default=None, ge=0, le=_LAST_US)

    @property
    def key(self) -> Key:
        """What it is about."""
        return (self.kind, self.name, self.setting)

    def in_force(self, now_us: int) -> tuple[Value | None, int | None]:
        """Return the temporary value and its end, or the permanent one and ``None``."""
        if self.temporary is not None and self.until_us is not None and self.until_us > now_us:
            return self.temporary, self.until_us
        return self.permanent, None

    def fits(self) -> bool:
        """Tell whether the values are of the setting's type."""
        wanted = str if self.setting == "level" else bool
        values = (self.permanent, self.temporary)
        return all(value is None or isinstance(value, wanted) for value in values)


class ControlState(Incoming):
    """All of the file. ``revision`` grows with every change: microseconds, or one more."""

    version: Literal[1] = 1
    revision: int = Field(default=0, ge=0, le=2**62)
    items: tuple[ControlItem, ...] = Field(default=(), max_length=MAX_ITEMS)

    def changed(self, item: ControlItem, now_us: int) -> ControlState:
        """Return the state with ``item`` in the place of what it is about; drops what is over.

        Raises:
            ControlFullError: it would have more items, or be longer, than is read back.
        """
        kept = [one for one in self.items if one.key != item.key]
        items = [one for one in (*kept, item) if one.in_force(now_us)[0] is not None]
        if len(items) > MAX_ITEMS:
            raise ControlFullError(f"{MAX_ITEMS} settings")
        state = ControlState(revision=max(self.revision + 1, now_us), items=tuple(items))
        if len(state.encoded()) > MAX_BYTES:  # of few with long names
            raise ControlFullError(f"{MAX_BYTES} bytes")
        return state

    def encoded(self) -> bytes:
        """Return what the file holds."""
        return json.dumps(self.model_dump(mode="json"), separators=(",", ":")).encode("ascii")


class ControlFile:
    """Reads and replaces the file.

    It is believed only if it is a regular file that this user or the superuser owns and nobody else
    can write, of the closed form above.

    Args:
        path: where it lies; its lock lies beside it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def identity(self) -> tuple[int, int, int] | None:
        """Return what changes with the file or its mode; ``None`` while there is none."""
        try:
            found = os.lstat(self.path)
        except OSError:
            return None
        return (found.st_ino, found.st_ctime_ns, found.st_size)

    def read(self) -> ControlState:
        """Return what it says; an empty state while there is none.

        Raises:
            ControlFileError: it cannot be read or believed.
        """
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        try:
            descriptor = os.open(self.path, flags)
        except FileNotFoundError:
            return ControlState()
        except OSError as error:
            raise ControlFileError(f"cannot be read: {error.strerror}") from error
        try:
            _check(os.fstat(descriptor))
            data = os.read(descriptor, MAX_BYTES + 1)
        finally:
            os.close(descriptor)
        if len(data) > MAX_BYTES:
            raise ControlFileError(f"is longer than {MAX_BYTES} bytes")
        try:
            state = ControlState.model_validate_json(data)
        except ValidationError as error:
            finding = error.errors(include_url=False, include_input=False)[0]
            place = f" at {'.'.join(map(str, finding['loc']))}" if finding["loc"] else ""
            raise ControlFileError(f"is wrong{place}: {finding['msg']}") from None
        if not all(item.fits() for item in state.items):
            raise ControlFileError("has a value of the wrong type")
        return state

    def write(self, state: ControlState) -> None:
        """Replace the file, mode 0600.

        Raises:
            OSError: it cannot be written.
        """
        partial = self.path.with_suffix(".partial")
        partial.unlink(missing_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(partial, flags, 0o600)
        try:
            data = state.encoded()
            if os.write(descriptor, data) < len(data):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(partial))
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        partial.replace(self.path)

    @contextlib.contextmanager
    def locked(self, timeout: float) -> Iterator[None]:
        """Keep other workers from changing the file for the length of the block.

        Raises:
            TimeoutError: another one has held the lock for longer than ``timeout`` seconds.
        """
        path = self.path.with_suffix(".lock")
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            deadline = time.monotonic() + timeout
            while True:
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if time.monotonic() > deadline:
                        raise TimeoutError(f"{path} is held by another worker") from None
                    time.sleep(0.01)
            yield
        finally:
            os.close(descriptor)


def _check(found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise ControlFileError("is no regular file")
    if found.st_uid not in (os.geteuid(), 0):
        raise ControlFileError(f"belongs to user {found.st_uid}")
    if found.st_mode & 0o022:
        raise ControlFileError(f"can be written by others (mode {stat.S_IMODE(found.st_mode):o})")
