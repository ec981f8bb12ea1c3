"""Tells one process from a later one that was given the same number."""

from __future__ import annotations

import os
import socket
import subprocess  # nosec B404  # `ps`, where there is no /proc
from dataclasses import dataclass

__all__ = ["ProcessMark"]


@dataclass(frozen=True)
class ProcessMark:
    """Who a process is.

    Attributes:
        host: name of the machine or container: numbers of another one mean nothing here.
        pid: its number there.
        started: when it was started, in the system's own words; empty where nobody can tell.
    """

    host: str
    pid: int
    started: str

    @classmethod
    def of_this_process(cls) -> ProcessMark:
        """Return the mark of the process that asks."""
        pid = os.getpid()
        return cls(socket.gethostname(), pid, _started(pid) or "")

    def is_here(self) -> bool:
        """Tell whether the process belongs to this machine, so that it can be looked for."""
        return self.host == socket.gethostname()

    def is_alive(self) -> bool:
        """Tell whether this very process lives; only meaningful where :meth:`is_here`."""
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:  # somebody else's process: it lives
            pass
        started = _started(self.pid)
        # A process that cannot be asked for its start is taken for the one meant.
        return not self.started or started is None or started == self.started


def _started(pid: int) -> str | None:
    """Return the start of a process; an empty text if it has ended and waits for its parent."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            # The name in parentheses may hold spaces and parentheses of its own.
            fields = file.read().rpartition(b")")[2].split()
    except OSError:
        return None if os.path.isdir("/proc/self") else _started_by_ps(pid)
    if fields[0] in (b"Z", b"X"):
        return ""
    return fields[19].decode("ascii")


def _started_by_ps(pid: int) -> str | None:
    try:
        said = subprocess.run(  # nosec B603  # a fixed program, a number for an argument
            ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
            capture_output=True,
            check=False,
            timeout=2.0,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return said.stdout.decode("ascii", "replace").strip() or None
