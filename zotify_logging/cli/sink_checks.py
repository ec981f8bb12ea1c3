"""Looks at the files and databases that a configuration names, and leaves no trace on them.

No file, folder, table or lock is made, and nothing is written: a SQLite file is read as it lies on
the disk, without its journal; a server is connected to and asked for ``SELECT 1``.
"""

from __future__ import annotations

import inspect
import os
import re
import sqlite3
import stat
import threading
from collections.abc import Callable, Iterator
from importlib import import_module
from urllib.parse import quote

from ..exceptions import MissingDependencyError, SchemaMismatchError, ZotifyLoggingError
from .finding import Finding
from .planned_tree import PlannedHandler

__all__ = ["CONNECT_TIMEOUT", "check_sink"]

CONNECT_TIMEOUT = 3.0
"""Seconds that a database may take to answer."""

_SQLITE = b"SQLite format 3\0"

_NO_DRIVER = re.compile(r"driver '(\w+)' is not installed")

_DEFAULTS = {  # by class: the option that names the sink, and its default
    "FileStreamHandler": ("filename", None),
    "JsonAuditHandler": ("filename", "logs/audit.jsonl"),
    "DatabaseJobLogHandler": ("url", "sqlite:///logs/job_logs.db"),
}


def check_sink(handler: PlannedHandler) -> Iterator[Finding]:
    """Yield what keeps a handler's file or database from being used, or makes it unsafe."""
    kind = _own_kind(handler)
    option, default = _DEFAULTS.get(kind, ("filename", None))
    ours = kind in _DEFAULTS
    sink = handler.options.get(option, default)
    if not isinstance(sink, (str, os.PathLike)) or str(sink).startswith(("ext://", "cfg://")):
        return
    place = f"handlers.{handler.name}.{option}"
    if option == "filename":
        name = os.fspath(sink)
        begins = b"{" if kind == "JsonAuditHandler" else b""
        yield from _check_file(name, place, made=ours, begins=begins)
        if begins and not _begins(_path_of(name), begins):
            yield Finding(
                "error",
                "file",
                place,
                f"{_path_of(name)} is no audit trail: its first line is no event",
                "name another file",
            )
        yield from _check_file_mode(handler)
    else:
        yield from _check_database(str(sink), handler)


def _own_kind(handler: PlannedHandler) -> str:
    """Return which of our classes a handler is, or is derived from; an empty text for others."""
    module, _, name = handler.kind.rpartition(".")
    try:
        found: object = getattr(import_module(module), name)
    except Exception:  # a module may raise anything while it is imported; check_config tells it
        return ""
    bases = inspect.getmro(found) if isinstance(found, type) else ()
    return next((base.__name__ for base in bases if base.__name__ in _DEFAULTS), "")


def _path_of(name: str) -> str:
    return os.path.abspath(os.path.expanduser(name))


def _begins(path: str, begins: bytes) -> bool:
    """Tell whether a file could be one of ours: empty, absent, unreadable or beginning like that.

    Anything but a regular file has a finding of its own, and is not read.
    """
    if not os.path.isfile(path):
        return True
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return True
    try:
        found = os.read(descriptor, len(begins))
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return not found or found == begins


def _check_file(name: str, place: str, *, made: bool, begins: bytes = b"") -> Iterator[Finding]:
    """Check one file; of one that begins otherwise, and so is somebody else's, not the mode."""
    path = _path_of(name) if made else os.path.abspath(name)
    user = f"user {os.geteuid()}"
    try:
        found = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        yield from _check_folder(os.path.dirname(path), path, place, made=made)
        return
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        yield Finding(
            "error", "file", place, f"{path}: {reason}", f"name a file that {user} may use"
        )
        return
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "a device, pipe or socket"
        yield Finding("error", "file", place, f"{path} is {kind}", "name a regular file")
        return
    if not os.access(path, os.W_OK):
        yield Finding(
            "error",
            "file",
            place,
            f"{path} cannot be written by {user} (mode {stat.filemode(found.st_mode)},"
            f" owner {found.st_uid})",
            f"chown or chmod {path}, or name another place",
        )
    if _begins(path, begins):
        yield from _check_mode(path, found.st_mode, place)
    yield from _check_folder(os.path.dirname(path), path, place, made=made)


def _check_mode(path: str, mode: int, place: str) -> Iterator[Finding]:
    if mode & stat.S_IWOTH:
        yield Finding("error", "file", place, f"everybody can write {path}", f"chmod 640 {path}")
    elif mode & stat.S_IROTH:
        yield Finding("warning", "file", place, f"everybody can read {path}", f"chmod 640 {path}")


def _check_file_mode(handler: PlannedHandler) -> Iterator[Finding]:
    mode = handler.options.get("file_mode")
    if isinstance(mode, str) and mode and set(mode) <= set("01234567") and int(mode, 8) & 0o007:
        yield Finding(
            "warning",
            "file",
            f"handlers.{handler.name}.file_mode",
            f"{mode} lets everybody read or write the files that are made",
            'leave it out ("0640"), or write "0600"',
        )


def _check_folder(folder: str, path: str, place: str, *, made: bool) -> Iterator[Finding]:
    """Check the folder of a file; one that is missing only matters if the handler makes none."""
    there = folder
    while not os.path.lexists(there) and os.path.dirname(there) != there:
        there = os.path.dirname(there)
    user = f"user {os.geteuid()}"
    if not os.path.isdir(there):
        yield Finding(
            "error",
            "file",
            place,
            f"{path} cannot be made: {there} is not a folder",
            f"remove {there}, or name a file in another folder",
        )
    elif there != folder and not made:
        yield Finding(
            "error",
            "file",
            place,
            f"{path} cannot be made: the folder {folder} does not exist",
            f"mkdir -p {folder}",
        )
    elif not os.access(there, os.W_OK | os.X_OK):
        yield Finding(
            "error",
            "file",
            place,
            f"{there} cannot be written by {user}, so that no file can be made or rotated in it",
            f"let {user} write to {there}, or name another folder",
        )
    elif (mode := os.stat(there).st_mode) & stat.S_IWOTH and not mode & stat.S_ISVTX:
        yield Finding(
            "warning",
            "file",
            place,
            f"everybody can remove and replace files in {there}",
            f"chmod o-w {there}",
        )


def _check_database(url: str, handler: PlannedHandler) -> Iterator[Finding]:
    place = f"handlers.{handler.name}.url"
    scheme, _, rest = url.partition("://")
    if scheme.partition("+")[0] == "sqlite":
        path = rest.removeprefix("/").partition("?")[0]
        if path and path != ":memory:":
            yield from _check_file(path, place, made=True, begins=_SQLITE)
            yield from _check_file_mode(handler)
            yield from _check_sqlite(_path_of(path), place)
        return
    # `auto_create` makes what is missing; without it, a missing table is found here.
    tables = handler.options.get("auto_create") is False
    problem = _within(CONNECT_TIMEOUT, lambda: _connect(url, handler, tables))
    if problem is not None:
        yield Finding("error", "database", place, *problem)


def _check_sqlite(path: str, place: str) -> Iterator[Finding]:
    if not os.path.isfile(path) or not os.path.getsize(path):
        return
    if not _begins(path, _SQLITE):
        yield Finding(
            "error", "database", place, f"{path} is no SQLite database", "name another file"
        )
        return
    # `immutable` reads without locks and without the -wal and -shm files that `mode=ro` may make.
    address = f"file:{quote(path)}?mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(address, uri=True, timeout=CONNECT_TIMEOUT)
        try:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        yield Finding(
            "error",
            "database",
            place,
            f"{path} is a damaged SQLite database: {error}",
            "restore it, or move it away: a new one is made",
        )


def _within(timeout: float, ask: Callable[[], tuple[str, str] | None]) -> tuple[str, str] | None:
    """Ask in a thread that is left behind if it hangs: drivers have no timeout in common."""
    answers: list[tuple[str, str] | None] = []
    thread = threading.Thread(target=lambda: answers.append(ask()), name="doctor", daemon=True)
    thread.start()
    thread.join(timeout)
    if answers:
        return answers[0]
    return (
        f"the database did not answer within {timeout:g} s",
        "check host, port and firewall; or start the database",
    )


def _connect(url: str, handler: PlannedHandler, tables: bool) -> tuple[str, str] | None:
    """Return what is wrong and its cure."""
    cure = "start the database, or correct host, port, name or user of the URL"
    try:
        from ..jobs import open_engine

        engine = open_engine(url, owner=f"handlers.{handler.name}", writing=False)
    except MissingDependencyError as error:
        return f"{error.what} needs {error.package}", f'pip install "zotify-logging[{error.extra}]"'
    except ZotifyLoggingError as error:
        said = str(error).partition(".url: ")[2] or str(error)
        what, _, hint = said.partition("; ")
        if (driver := _NO_DRIVER.search(what)) and not hint:
            hint = f"pip install {driver[1]}"
        return what, hint or cure
    password = engine.url.password
    try:
        with engine.connect() as connection:
            connection.exec_driver_sql("SELECT 1")
        if tables:
            _check_tables(url, handler)
    except SchemaMismatchError as error:
        return (
            str(error).partition(": ")[0],
            "call zotify_logging.jobs.ensure_schema, leave auto_create out, or set table_prefix",
        )
    except Exception as error:  # every driver has its own; all of them mean the same here
        lines = str(getattr(error, "orig", None) or error).strip().splitlines()
        text = f"the database cannot be used: {lines[0] if lines else type(error).__name__}"
        for form in {str(password), quote(str(password), safe="")} if password else ():
            text = text.replace(form, "***")
        return text, cure
    finally:
        engine.dispose()
    return None


def _check_tables(url: str, handler: PlannedHandler) -> None:
    from ..jobs import JobLogStore

    schema, prefix = handler.options.get("schema"), handler.options.get("table_prefix", "")
    store = JobLogStore(
        url,
        schema=schema if isinstance(schema, str) else None,
        table_prefix=str(prefix),
        auto_create=False,
    )
    try:
        store.open()
    finally:
        store.close(notices=False)
