"""Takes away again what handlers made on disk that came to nothing."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import suppress

from ..storage.lock_file import try_flock

__all__ = ["MadeFiles", "path_of"]

_SQLITE = "sqlite"
_SQLITE_HEAD = b"SQLite format 3\0"
_SHARED_FIRST, _SHARED_SIZE = 0x40000002, 510  # of its file format
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
        self._new = {
            path: [file for suffix in _SUFFIXES if not os.path.lexists(file := f"{path}{suffix}")]
            for path in sorted(set(paths))
        }
        folders = {folder for path in self._new for folder in _folders_of(path)}
        self._folders = {folder for folder in folders if not os.path.lexists(folder)}
        self._made: dict[str, tuple[int, int] | None] = {}

    def note(self) -> None:
        """Remember what is new as it is now: whoever writes to it from now on needs it."""
        self._made = {file: _state_of(file) for files in self._new.values() for file in files}

    def remove(self) -> None:
        """Remove what is new, unless somebody uses it or has written to it since."""
        for path, files in self._new.items():
            for file in files:
                with suppress(OSError):
                    self._remove_unused(file)
                if file == path and os.path.lexists(path):
                    break  # somebody uses it, and with it what lies beside it
        for folder in sorted(self._folders, key=len, reverse=True):
            with suppress(OSError):  # something lies in it, or it was not made at all
                os.rmdir(folder)

    def _remove_unused(self, file: str) -> None:
        descriptor = os.open(file, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            if os.pread(descriptor, len(_SQLITE_HEAD), 0) == _SQLITE_HEAD:
                unused = _is_unused_database(descriptor)  # closing it has changed its size
            else:
                # Writers of a log hold a shared lock on it for as long as they have it open.
                unused = try_flock(descriptor, exclusive=True) and (
                    _state_of(file) == self._made.get(file)
                )
            if unused:
                os.unlink(file)
        finally:
            os.close(descriptor)


def _is_unused_database(descriptor: int) -> bool:
    """Tell whether no connection is open: each holds a shared lock on bytes of SQLite's choice."""
    import fcntl  # there is none on Windows, where no handler of ours makes files

    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, _SHARED_SIZE, _SHARED_FIRST)
    except BlockingIOError:
        return False
    return True


def _folders_of(path: str) -> list[str]:
    folders = []
    folder = os.path.dirname(path)
    while folder and folder != os.path.dirname(folder):
        folders.append(folder)
        folder = os.path.dirname(folder)
    return folders


def _state_of(file: str) -> tuple[int, int] | None:
    try:
        status = os.stat(file, follow_symlinks=False)
    except OSError:
        return None
    return status.st_ino, status.st_size
