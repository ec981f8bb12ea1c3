"""Puts the API's own logging through the three handlers, by a mapping anybody could use."""

from __future__ import annotations

import logging

from zotify_api.settings import Settings
from zotify_logging import LoggingService

__all__ = [
    "AUDIT_HANDLER",
    "JOBS_HANDLER",
    "SYSTEM_HANDLER",
    "WithoutColour",
    "logging_config",
    "start_logging",
]

SYSTEM_HANDLER = "system"
AUDIT_HANDLER = "audit"
JOBS_HANDLER = "jobs"


class WithoutColour(logging.Filter):
    """Takes away the field in which uvicorn repeats its messages with terminal colours."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every record pass."""
        record.__dict__.pop("color_message", None)
        return True


def logging_config(settings: Settings) -> dict[str, object]:
    """Return the dictConfig mapping of these settings."""
    # Jobs keep their INFO lines however quiet the system log is, so the root lets them through.
    root_level = min(logging.INFO, logging.getLevelNamesMapping()[settings.log_level])
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "filters": {"without_colour": {"()": WithoutColour}},
        "handlers": {
            SYSTEM_HANDLER: {
                "class": "zotify_logging.FileStreamHandler",
                "filename": str(settings.system_log),
                "format": settings.log_format,
                "max_bytes": "10 MB",
                "keep": 5,
                "level": settings.log_level,
            },
            AUDIT_HANDLER: {
                "class": "zotify_logging.JsonAuditHandler",
                "filename": str(settings.audit_trail),
                "service": "zotify-api",
            },
            JOBS_HANDLER: {
                "class": "zotify_logging.DatabaseJobLogHandler",
                "url": settings.job_database_url,
            },
            # What an operator at the terminal must see even if nobody reads the log.
            "console": {"class": "logging.StreamHandler", "level": "ERROR"},
        },
        "root": {
            "level": logging.getLevelName(root_level),
            "handlers": [SYSTEM_HANDLER, AUDIT_HANDLER, JOBS_HANDLER, "console"],
        },
        # Of clients in the same process (the demo's), which log every request of theirs.
        "loggers": {
            "httpx": {"level": "WARNING"},
            "httpcore": {"level": "WARNING"},
            "uvicorn.error": {"filters": ["without_colour"]},
        },
    }


def start_logging(settings: Settings) -> LoggingService:
    """Configure logging and return the service that can flush and close it.

    Raises:
        ConfigurationError: an unwritable folder or a wrong URL, each named.
        OSError: the folder of the logs cannot be made.
    """
    settings.logs_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    return LoggingService.from_config(logging_config(settings))
