"""Takes away again what handlers made on disk that came to nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress

from ..storage.lock_file import try_flock

__all__ = ["MadeFiles", "path_of"]

_SQLITE = "sqlite"
_SQLITE_HEAD = b"SQLite format 3\0"
_SUFFIXES = (
    *("", ".lock", ".fallback", ".idx", ".idx-journal", ".idx-wal", ".idx-shm"),
    *("-journal", "-wal", "-shm"),
)


def path_of(options: Mapping[str, object]) -> str | None:
    """Return the absolute path of the file that a handler with these options writes, if any."""
    name = options.get("filename")
    if isinstance(name, (str, os.PathLike)):
        return os.path.abspath(os.fspath(name))
    url = options.get("url")
    if isinstance(url, str) and url.partition(":")[0].partition("+")[0] == _SQLITE:
        path = url.partition(":///")[2].partition("?")[0]
        return os.path.abspath(path) if path and path != ":memory:" else None
    return None


class MadeFiles:
    """What lies beside some paths, before and after handlers were made for them.

    Beside a path are the files that this library makes there (lock, index, fallback, a database's
    journals), and the folders that lead to it.

    Args:
        paths: of the files that are going to be opened.
    """

    def __init__(self, paths: Iterable[str]) -> None:
        self._new = [
            file
            for path in sorted(set(paths))
            for file in (f"{path}{suffix}" for suffix in _SUFFIXES)
            if not os.path.lexists(file)
        ]
        folders = {folder for file in self._new for folder in _folders_of(file)}
        self._folders = {folder for folder in folders if not os.path.lexists(folder)}
        self._made: dict[str, tuple[int, int] | None] = {}

    def note(self) -> None:
        """Remember what is new as it is now: whoever writes to it from now on needs it."""
        self._made = {file: _state_of(file) for file in self._new}

    def remove(self) -> None:
        """Remove what is new, unless somebody uses it or has written to it since."""
        for file in self._new:
            with suppress(OSError):
                self._remove_unused(file)
        for folder in sorted(self._folders, key=len, reverse=True):
            with suppress(OSError):  # something lies in it, or it was not made at all
                os.rmdir(folder)

    def _remove_unused(self, file: str) -> None:
        descriptor = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            # Writers of a log hold a shared lock on it for as long as they have it open.
            unchanged = _is_database(file) or _state_of(file) == self._made.get(file)
            if unchanged and try_flock(descriptor, exclusive=True):
                os.unlink(file)
        finally:
            os.close(descriptor)


def _folders_of(path: str) -> list[str]:
    folders = []
    folder = os.path.dirname(path)
    while folder and folder != os.path.dirname(folder):
        folders.append(folder)
        folder = os.path.dirname(folder)
    return folders


def _is_database(file: str) -> bool:
    """Tell whether it is a SQLite database's: closing that writes to it."""
    return file.removesuffix("-wal").removesuffix("-shm").removesuffix("-journal") != file or (
        _head_of(file) == _SQLITE_HEAD
    )


def _head_of(file: str) -> bytes:
    with open(file, "rb") as stream:
        return stream.read(len(_SQLITE_HEAD))


def _state_of(file: str) -> tuple[int, int] | None:
    try:
        status = os.stat(file, follow_symlinks=False)
    except OSError:
        return None
    return status.st_ino, status.st_size
