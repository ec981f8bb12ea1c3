"""The job-log store: every line of a long-running job, under its id, in a database.

The one room that imports SQLAlchemy, and only when one of its names is first used: importing this
package costs nothing, and without the ``jobs`` extra the first use names the command to install it.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ..exceptions import MissingDependencyError

if TYPE_CHECKING:
    from .engine import open_engine
    from .lines import JobLine, JobList, JobPage, JobRow
    from .reader import JobLogReader
    from .schema import ensure_schema
    from .store import JobLogStore
    from .tables import JobTables, build_tables

__all__ = [
    "JobLine",
    "JobList",
    "JobLogReader",
    "JobLogStore",
    "JobPage",
    "JobRow",
    "JobTables",
    "build_tables",
    "ensure_schema",
    "open_engine",
]

_HOMES = {
    "JobLine": "lines",
    "JobList": "lines",
    "JobLogReader": "reader",
    "JobLogStore": "store",
    "JobPage": "lines",
    "JobRow": "lines",
    "JobTables": "tables",
    "build_tables": "tables",
    "ensure_schema": "schema",
    "open_engine": "engine",
}


def __getattr__(name: str) -> object:
    """Load a public name from its home at its first use.

    Raises:
        MissingDependencyError: SQLAlchemy is not installed; the message holds the command.
    """
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        value: object = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "sqlalchemy":
            raise
        raise MissingDependencyError(f"zotify_logging.jobs.{name}", "SQLAlchemy", "jobs") from error
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, loaded or not."""
    return sorted({*globals(), *__all__})
