"""The main log's file: appends, rotates by size, and shares the file with other processes.

Between rotations a record costs one ``write(2)`` and no other call. What could have changed outside
is seen in two ways: a counter mapped from ``<log>.lock`` says that another writer opened or rotated
the log; a look at the path, at most every 100 ms, says that somebody else moved or removed it.

A writer holds a shared ``flock`` on the file for as long as it has it open. Rotation renames and
nothing more, so a record on its way into the old file still arrives there; a closed file is deleted
only once nobody holds that lock, else at the next rotation.
"""

from __future__ import annotations

import errno
import os
import sys
from collections.abc import Sequence

from ..event_loops import lock_patience
from ..exceptions import LockTimeoutError
from ..forks import on_fork
from .appender import append_all, make_parent, open_append
from .generation import Generation
from .lock_file import LockFile, try_flock
from .rotation import close_live

__all__ = ["LOOK_INTERVAL", "PUT_OFF", "LogFile"]

LOOK_INTERVAL = 0.1
"""Seconds between two looks at the path: for so long a file moved by others is still written to."""

PUT_OFF = 10
"""How often the wait for the lock fits into the time until a failed rotation is tried again."""

_NEVER_OPENED = -1


class LogFile:
    """One log file and its closed predecessors ``X.1 … X.N``, newest first.

    Not locked against threads: the caller lets one thread in at a time. Safe between processes on a
    local file system, and across ``fork``: the child opens the file for itself at its first record.

    Args:
        path: the live file; its folder is made if missing.
        max_bytes: size past which it is rotated; 0 never rotates. With several writers it may be
            passed by one record of each.
        keep: closed files to keep; 0 never rotates, as in ``RotatingFileHandler``.
        mode: permissions of files made here, whatever the umask.
        fsync: also flush each record to the disk, to survive a power loss.
        lock_timeout: seconds to wait for another process's rotation; after that the record goes to
            the file at hand. At most 20 ms in a thread that runs an event loop.
    """

    def __init__(
        self,
        path: str,
        *,
        max_bytes: int = 10 * 2**20,
        keep: int = 5,
        mode: int = 0o640,
        fsync: bool = False,
        lock_timeout: float = 1.0,
    ) -> None:
        self.path = path
        self.rotations = 0
        self._limit = max_bytes if max_bytes and keep else sys.maxsize
        self._due = self._limit  # the size that asks for a rotation; never, while one is put off
        self._put_off = (0.0, 0.0)
        self._keep = keep
        self._mode = mode
        self._fsync = fsync
        self._lock_timeout = lock_timeout
        self._lock = LockFile(f"{path}.lock", mode)
        self._generation: Generation | None = None
        self._words: Sequence[int] = (0,)
        self._seen = _NEVER_OPENED
        self._descriptor = -1
        self._device_inode = (0, 0)
        self._size = 0
        self._alone = True
        self._looked = 0.0
        self._look_again = 0.0
        self._torn = False
        on_fork(self)

    @property
    def is_open(self) -> bool:
        """Whether this process has the file open."""
        return self._descriptor >= 0

    @property
    def size(self) -> int:
        """Bytes in the live file, as far as this writer knows."""
        return self._size

    @property
    def keep(self) -> int:
        """Closed files to keep."""
        return self._keep

    @property
    def limit(self) -> int:
        """Bytes past which the file is rotated; ``sys.maxsize`` when it never is."""
        return self._limit

    def append(self, data: bytes, now: float) -> None:
        """Write ``data`` (whole lines) in one call, rotating first if it would not fit.

        Once it returns, the bytes survive ``kill -9`` of this process (power loss with ``fsync``).

        Args:
            data: what to write, with its newline.
            now: seconds since the epoch, as the record has them; a step back does no harm.

        Raises:
            OSError: the bytes are not in the file, or only in part; the next call ends the
                fragment.
        """
        size = self._size + len(data)
        if (
            self._words[0] != self._seen
            or size > self._due
            or not self._looked <= now < self._look_again
        ):
            self._attend(len(data), now)
            size = self._size + len(data)
        try:
            written = os.write(self._descriptor, data)
            if written != len(data):
                self._torn = True
                append_all(self._descriptor, data[written:])
                self._torn = False
        except OSError as error:
            self._look_again = 0.0  # have a closer look before the next record
            if error.errno != errno.EBADF:
                raise
            self._descriptor = -1  # closed behind our back: not ours to close any more
            self._attend(len(data), now)
            append_all(self._descriptor, data)
            size = self._size + len(data)
        self._size = size if self._alone else os.lseek(self._descriptor, 0, os.SEEK_CUR)
        if self._fsync:
            os.fsync(self._descriptor)

    def open(self) -> None:
        """Open the file now, not at the first record.

        Raises:
            OSError: it cannot be opened; the error names it.
        """
        if self._descriptor < 0:
            self._reopen()

    def rotate(self) -> None:
        """Close the live file as ``X.1`` and begin a new one.

        Raises:
            LockTimeoutError: another process kept the lock.
            OSError: a rename failed; the file at hand stays in use.
        """
        self.open()
        with self._lock.held(lock_patience(self._lock_timeout)):
            if self._is_current():
                self._rename()
            self._open_locked()

    def sync(self) -> None:
        """Flush what was written to the disk (``fsync``)."""
        if self._descriptor >= 0:
            os.fsync(self._descriptor)

    def close(self) -> None:
        """Close file, lock and map; the next :meth:`append` opens them again."""
        descriptor, self._descriptor = self._descriptor, -1
        self._seen = _NEVER_OPENED
        if descriptor >= 0:
            try:
                os.close(descriptor)
            except OSError as error:
                if error.errno != errno.EBADF:
                    raise
        self._unmap()
        self._lock.close()

    def after_fork_in_child(self) -> None:
        """Drop what is shared with the parent; closing a copy leaves the parent's locks alone."""
        self._torn = False
        self.close()

    def _attend(self, coming: int, now: float) -> None:
        """Find out what has changed; leave the right file open with room for ``coming`` bytes."""
        self._looked, self._look_again = now, now + LOOK_INTERVAL
        if self._descriptor < 0 or not self._is_current():
            self._reopen()
        elif self._words[0] != self._seen:
            # Not rotated, so another writer has opened it: from now on its bytes count too.
            self._alone = False
            self._seen = self._words[0]
            self._size = os.fstat(self._descriptor).st_size
        if self._torn:
            append_all(self._descriptor, b"\n")
            self._torn = False
        since, until = self._put_off
        if self._due != self._limit and not since <= now < until:
            self._due = self._limit
        if self._size and self._size + coming > self._due:
            self._rotate_if_full(coming, now)

    def _rotate_if_full(self, coming: int, now: float) -> None:
        patience = lock_patience(self._lock_timeout)
        try:
            with self._lock.held(patience):
                if self._is_current():
                    self._size = os.fstat(self._descriptor).st_size
                    if self._size + coming <= self._limit:
                        return
                    self._rename()
                self._open_locked()
        except OSError as error:
            # Somebody keeps the lock, or the folder forbids renames: the file grows, and nothing
            # is lost. Trying at every record would cost each of them the whole patience.
            if not isinstance(error, LockTimeoutError) and self._is_deleted():
                raise
            self._due = sys.maxsize
            self._put_off = (now, now + max(LOOK_INTERVAL, patience * PUT_OFF))

    def _reopen(self) -> None:
        make_parent(self.path)
        try:
            with self._lock.held(lock_patience(self._lock_timeout)):
                self._open_locked()
        except LockTimeoutError:
            self._open_unlocked()

    def _open_locked(self) -> None:
        """Open the live file under the lock, tell the other writers, end a torn last line."""
        descriptor = self._open_descriptor()
        alone = try_flock(descriptor, exclusive=True)
        try_flock(descriptor, exclusive=False)
        self._unmap()
        self._generation = Generation(self._lock.descriptor)
        self._words = self._generation.words
        self._seen = self._generation.advance()
        self._adopt(descriptor, alone)
        if alone and self._size and os.pread(descriptor, 1, self._size - 1) != b"\n":
            append_all(descriptor, b"\n")
            self._size += 1

    def _open_unlocked(self) -> None:
        """Open the live file although another process keeps the lock: the record comes first."""
        descriptor = self._open_descriptor()
        try_flock(descriptor, exclusive=False)
        self._adopt(descriptor, alone=False)
        self._seen = self._words[0]

    def _open_descriptor(self) -> int:
        try:
            return open_append(self.path, self._mode)
        except OSError:
            # The file at hand was renamed and a new one cannot be made (disk full, quota): a record
            # in the closed file is kept; one in a deleted file is not.
            if self._descriptor < 0 or self._is_deleted():
                raise
            return os.dup(self._descriptor)

    def _adopt(self, descriptor: int, alone: bool) -> None:
        previous, self._descriptor = self._descriptor, descriptor
        if previous >= 0:
            os.close(previous)
        status = os.fstat(descriptor)
        if alone or self._device_inode != (status.st_dev, status.st_ino):
            self._torn = False  # a fragment of ours is ended already, or lies in another file
        self._device_inode = (status.st_dev, status.st_ino)
        self._size = status.st_size
        self._due = self._limit
        self._alone = alone

    def _is_current(self) -> bool:
        """Tell whether the path still names the file that is open here."""
        try:
            opened = os.fstat(self._descriptor)
            identity = (opened.st_dev, opened.st_ino)
        except OSError:
            identity = None
        if identity != self._device_inode:
            self._descriptor = -1  # closed behind our back; the number may be another file's now
            return False
        try:
            at_path = os.stat(self.path)
        except OSError:
            return False
        return (at_path.st_dev, at_path.st_ino) == identity

    def _is_deleted(self) -> bool:
        return os.fstat(self._descriptor).st_nlink == 0

    def _rename(self) -> None:
        close_live(self.path, self._keep)
        self.rotations += 1

    def _unmap(self) -> None:
        generation, self._generation = self._generation, None
        self._words = (0,)
        if generation is not None:
            generation.close()
