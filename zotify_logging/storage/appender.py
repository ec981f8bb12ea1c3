"""A raw descriptor that only ever appends: one record, one ``write(2)``.

With ``O_APPEND`` the kernel moves to the end and writes in one step under the inode's lock, so
records of several processes never overlap on a local file system (POSIX.1-2017, ``write``).
"""

from __future__ import annotations

import errno
import os
import stat

from ..exceptions import UnsupportedFileError

__all__ = ["append_all", "make_parent", "open_append", "describe_open_error"]


def make_parent(path: str) -> None:
    """Make the folder of ``path``, and its parents, if missing."""
    os.makedirs(os.path.dirname(path) or ".", exist_ok=True)


def open_append(path: str, mode: int) -> int:
    """Open a regular file for appending (and reading its end), making it with ``mode`` if missing.

    The mode is set as given, whatever the umask, on a file made here; an existing one keeps
    its own.

    Raises:
        UnsupportedFileError: the path is a directory, FIFO, socket or device.
        OSError: the file cannot be opened, as ``open(2)`` says.
    """
    # O_NONBLOCK: a FIFO without a reader must not hang the application. It does nothing to files.
    flags = os.O_RDWR | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK
    try:
        try:
            descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, mode)
        except FileExistsError:
            descriptor = os.open(path, flags | os.O_CREAT, mode)
        else:
            os.fchmod(descriptor, mode)
    except IsADirectoryError as error:
        raise UnsupportedFileError(
            error.errno, f"{path}: is a directory; name a file in it"
        ) from None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise UnsupportedFileError(f"{path}: not a regular file; logs are kept in files only")
    return descriptor


def append_all(descriptor: int, data: bytes) -> None:
    """Write all of ``data``, completing short writes.

    Raises:
        OSError: a write failed; what went before it is in the file.
    """
    written = os.write(descriptor, data)
    while written < len(data):
        written += os.write(descriptor, data[written:])


def describe_open_error(path: str, error: OSError) -> str:
    """Say for a person why a file could not be opened for appending, and what to do."""
    if error.errno in (errno.EEXIST, errno.ENOTDIR):  # some part of the way is a file
        return f"cannot open {path!r}: {error.filename!r} is a file; name a folder in its place"
    cures = {
        errno.ENOSPC: "free space on the disk",
        errno.EROFS: "the disk is read-only; name another place",
        errno.ENAMETOOLONG: "name a shorter one",
        errno.ELOOP: "its symbolic links go round; name another place",
    }
    cure = cures.get(
        error.errno or 0,
        f"let user {os.geteuid()} write to the file and its folder, or name another place",
    )
    return f"cannot open {path!r}: {error.strerror}; {cure}"
