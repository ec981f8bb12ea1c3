"""Every error this library raises on purpose, under one root.

::

    ZotifyLoggingError
    ├── ConfigurationError (ValueError)      a mapping or file that cannot be applied
    │   └── OptionError (TypeError)          a handler's constructor options, all problems at once
    ├── MissingDependencyError (ImportError) an extra that is not installed, with its pip command
    ├── UnknownNameError (LookupError)       no handler of that name, with near matches
    ├── ParameterError (ValueError)          a query value that cannot be read (HTTP 422)
    ├── CursorError (ValueError)             a resume position that cannot be used
    │   ├── MalformedCursorError             not a cursor of ours, or another log's (HTTP 400)
    │   └── StaleCursorError                 ours, but what it points at is gone (HTTP 410)
    ├── StorageError (OSError)               a file that cannot be used as asked
    │   ├── LockTimeoutError (TimeoutError)  another process kept a lock past `lock_timeout`
    │   ├── UnsupportedFileError             not a regular file
    │   └── UnsupportedPlatformError         no POSIX file locks here (Windows)
    ├── TransientError                       the sink is away; the same entries may be tried again
    ├── AuditError
    │   ├── AuditEventError (ValueError)     an event that cannot be made from these arguments
    │   ├── AuditWriteError                  the event is not in the trail
    │   │   └── AuditSyncError               it is, but the disk has not confirmed it
    │   ├── NoAuditTrailError                no trail is open, or the name is needed to choose one
    │   └── AuditUnreadableError             the trail exists but cannot be read (HTTP 503)
    └── JobLogError
        ├── JobIdError (ValueError)          a job id outside 1–255 characters, or with `/`
        ├── UnknownJobError (LookupError)    no such job (HTTP 404)
        ├── SchemaMismatchError              a table of our name in another shape
        └── JobLogUnavailableError           the database does not answer (HTTP 503)

A message names the place, the value, the rule and the cure.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = [
    "AuditError",
    "AuditEventError",
    "AuditSyncError",
    "AuditUnreadableError",
    "AuditWriteError",
    "ConfigurationError",
    "CursorError",
    "JobIdError",
    "JobLogError",
    "JobLogUnavailableError",
    "LockTimeoutError",
    "MalformedCursorError",
    "MissingDependencyError",
    "NoAuditTrailError",
    "OptionError",
    "ParameterError",
    "SchemaMismatchError",
    "StaleCursorError",
    "StorageError",
    "TransientError",
    "UnknownJobError",
    "UnknownNameError",
    "UnsupportedFileError",
    "UnsupportedPlatformError",
    "ZotifyLoggingError",
]


class ZotifyLoggingError(Exception):
    """Root of all errors that this library raises on purpose."""


class ConfigurationError(ZotifyLoggingError, ValueError):
    """A configuration that cannot be applied; ``problems`` holds every finding, not the first."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__(problems)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        """Return one problem a line."""
        return "\n".join(self.problems)


class OptionError(ConfigurationError, TypeError):
    """Wrong options of one handler's constructor, all reported at once."""


class MissingDependencyError(ZotifyLoggingError, ImportError):
    """A feature needs an extra that is not installed; the message holds the exact command."""

    def __init__(self, what: str, package: str, extra: str) -> None:
        super().__init__(what, package, extra)
        self.what, self.package, self.extra = what, package, extra

    def __str__(self) -> str:
        """Return what needs which package, and the command."""
        return f'{self.what} needs {self.package}: pip install "zotify-logging[{self.extra}]"'


class UnknownNameError(ZotifyLoggingError, LookupError):
    """No handler is registered under that name."""


class ParameterError(ZotifyLoggingError, ValueError):
    """A query value that cannot be read; ``parameter`` is its name, the message holds the cure."""

    def __init__(self, parameter: str, message: str) -> None:
        super().__init__(parameter, message)
        self.parameter, self.message = parameter, message

    def __str__(self) -> str:
        """Return the parameter and what is wrong with it."""
        return f"{self.parameter}: {self.message}"


class CursorError(ZotifyLoggingError, ValueError):
    """A resume position that cannot be used."""


class MalformedCursorError(CursorError):
    """The text is not a cursor of ours, or belongs to another log or other filters."""


class StaleCursorError(CursorError):
    """The cursor is ours, but rotation or retention has removed what it points at."""


class StorageError(ZotifyLoggingError, OSError):
    """A file that cannot be used as asked."""


class LockTimeoutError(StorageError, TimeoutError):
    """Another process kept a lock for longer than ``lock_timeout``."""


class UnsupportedFileError(StorageError):
    """The path is a directory, FIFO or device: only regular files hold logs."""


class UnsupportedPlatformError(StorageError):
    """The platform has no POSIX file locks; the file handlers need Linux or macOS."""


class TransientError(ZotifyLoggingError):
    """The sink is away for now: the writer keeps the same entries and tries them again."""


class AuditError(ZotifyLoggingError):
    """Root of the audit trail's errors."""


class AuditEventError(AuditError, ValueError):
    """An event that cannot be made from these arguments."""


class AuditWriteError(AuditError):
    """The event could not be written to the trail."""


class AuditSyncError(AuditWriteError):
    """The event is in the trail, but the disk did not confirm it: a power loss may take it.

    Only with ``durability="fsync"``. The event must not be written again; the message has its
    ``seq`` and ``event_id``.
    """


class NoAuditTrailError(AuditError):
    """No trail is open in this process, or several are and none was named."""


class AuditUnreadableError(AuditError):
    """The trail exists but cannot be read."""


class JobLogError(ZotifyLoggingError):
    """Root of the job log's errors."""


class JobIdError(JobLogError, ValueError):
    """A job id must have 1 to 255 characters and no ``/``."""


class UnknownJobError(JobLogError, LookupError):
    """No job of that id has ever been logged."""


class SchemaMismatchError(JobLogError):
    """A table of our name exists in another shape."""


class JobLogUnavailableError(JobLogError):
    """The job-log database does not answer."""
