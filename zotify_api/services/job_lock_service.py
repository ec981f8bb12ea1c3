"""One lock file per running job: whoever holds it is alive, whatever the database says."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

__all__ = ["JobLock"]


class JobLock:
    """A file lock that the system releases when its process dies, however it dies.

    Args:
        folder: where lock files lie; made if missing.
        job_id: names the file.
    """

    def __init__(self, folder: Path, job_id: str) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._path = folder / f"{job_id}.lock"
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take the lock without waiting; ``False`` when a living process has it."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return False
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Remove the file and let go; idempotent."""
        if self._descriptor is not None:
            self._path.unlink(missing_ok=True)
            os.close(self._descriptor)
            self._descriptor = None
