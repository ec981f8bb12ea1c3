"""Names the cause of an event that is not in the chain, in one word for counters and gaps."""

from __future__ import annotations

import errno

from ..exceptions import AuditWriteError, LockTimeoutError

__all__ = ["failure_reason"]


def failure_reason(error: BaseException) -> str:
    """Return what made a write fail, found below the errors that only pass it on.

    Returns:
        ``lock_timeout``; the name of an errno (``ENOSPC``); ``os_error`` for one without a number;
        ``refused`` for a trail that is closed or written to from inside a write; else the name of
        the error's type.
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, LockTimeoutError):
            return "lock_timeout"
        if isinstance(cause, OSError):
            return (
                "os_error" if cause.errno is None else errno.errorcode.get(cause.errno, "os_error")
            )
        cause = cause.__cause__
    return "refused" if isinstance(error, AuditWriteError) else type(error).__name__
