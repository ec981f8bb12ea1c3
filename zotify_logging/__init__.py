"""Logging handlers that lose nothing: a live system log, an audit trail, database job logs.

Register them by plain ``dictConfig``: ``"class": "zotify_logging.FileStreamHandler"``. Names are
loaded when first used, so that importing the package costs next to nothing and brings in neither an
optional dependency nor ``logging.config``.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from .exceptions import (
    AuditError,
    AuditEventError,
    AuditUnreadableError,
    AuditWriteError,
    ConfigurationError,
    CursorError,
    JobIdError,
    JobLogError,
    JobLogUnavailableError,
    LockTimeoutError,
    MalformedCursorError,
    MissingDependencyError,
    NoAuditTrailError,
    OptionError,
    ParameterError,
    SchemaMismatchError,
    StaleCursorError,
    StorageError,
    TransientError,
    UnknownJobError,
    UnknownNameError,
    UnsupportedFileError,
    UnsupportedPlatformError,
    ZotifyLoggingError,
)

if TYPE_CHECKING:
    from .audit import audit_action, audit_event
    from .context import bind, bound, job_context, unbind, wrap
    from .formatters import JsonFormatter, TextFormatter
    from .handlers.base import BaseLogHandler
    from .handlers.database_job_log import DatabaseJobLogHandler
    from .handlers.file_stream import FileStreamHandler
    from .handlers.json_audit import JsonAuditHandler
    from .records import LogEntry
    from .redaction import register_secret
    from .service import LoggingService

    __version__: str

__all__ = [
    "AuditError",
    "AuditEventError",
    "AuditUnreadableError",
    "AuditWriteError",
    "BaseLogHandler",
    "ConfigurationError",
    "CursorError",
    "DatabaseJobLogHandler",
    "FileStreamHandler",
    "JobIdError",
    "JobLogError",
    "JobLogUnavailableError",
    "JsonAuditHandler",
    "JsonFormatter",
    "LockTimeoutError",
    "LogEntry",
    "LoggingService",
    "MalformedCursorError",
    "MissingDependencyError",
    "NoAuditTrailError",
    "OptionError",
    "ParameterError",
    "SchemaMismatchError",
    "StaleCursorError",
    "StorageError",
    "TextFormatter",
    "TransientError",
    "UnknownJobError",
    "UnknownNameError",
    "UnsupportedFileError",
    "UnsupportedPlatformError",
    "ZotifyLoggingError",
    "__version__",
    "audit_action",
    "audit_event",
    "bind",
    "bound",
    "job_context",
    "register_secret",
    "unbind",
    "wrap",
]

_HOMES = {
    "BaseLogHandler": "handlers.base",
    "DatabaseJobLogHandler": "handlers.database_job_log",
    "FileStreamHandler": "handlers.file_stream",
    "JsonAuditHandler": "handlers.json_audit",
    "JsonFormatter": "formatters",
    "LogEntry": "records",
    "LoggingService": "service",
    "TextFormatter": "formatters",
    "audit_action": "audit",
    "audit_event": "audit",
    "bind": "context",
    "bound": "context",
    "job_context": "context",
    "register_secret": "redaction",
    "unbind": "context",
    "wrap": "context",
}


def __getattr__(name: str) -> object:
    """Load a public name from its home at its first use."""
    if name == "__version__":
        value: object = import_module("importlib.metadata").version("zotify-logging")
    elif name in _HOMES:
        value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
