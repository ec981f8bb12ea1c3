"""The configuration that can change while the API runs; changes are audited with old and new."""

from __future__ import annotations

import os
import threading

from zotify_api.db.config_store import ConfigStore
from zotify_api.models.config import Config, ConfigPatch
from zotify_logging import audit_action

__all__ = ["ConfigService", "ConfigValueError"]


class ConfigValueError(Exception):
    """A value that has the right type and cannot be used; ``name`` is its field."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(name, message)
        self.name = name
        self.message = message

    def __str__(self) -> str:
        """Return the message alone."""
        return self.message


class ConfigService:
    """Reads and changes the configuration; thread-safe."""

    def __init__(self, store: ConfigStore) -> None:
        self._store = store
        self._lock = threading.Lock()

    def current(self) -> Config:
        """Return the configuration in force."""
        return Config.model_validate(self._store.read())

    def change(self, patch: ConfigPatch) -> Config:
        """Apply a patch, all of it or nothing, and return the configuration in force.

        Raises:
            ConfigValueError: a value that cannot be used.
            AuditWriteError: the change could not be audited, so it was not made.
        """
        values = patch.model_dump(exclude_unset=True)
        if values.get("library_path") is not None:
            values["library_path"] = _usable_folder(values["library_path"])
        with self._lock:
            before = self.current()
            changed = {
                name: value for name, value in values.items() if value != getattr(before, name)
            }
            if not changed:
                return before
            details = {"old": {name: getattr(before, name) for name in changed}, "new": changed}
            with audit_action("config.update", target=("config", "api"), details=details) as action:
                action.details.update(details)
                self._store.write(changed)
            return self.current()


def _usable_folder(path: str) -> str:
    name = "library_path"
    if not os.path.isabs(path):
        raise ConfigValueError(name, f"{path!r} is not absolute; write the whole path from /")
    try:
        if not os.path.isdir(path):
            raise ConfigValueError(name, f"{path!r} is not an existing folder on the server")
    except ValueError:  # a NUL in the path
        raise ConfigValueError(name, f"{path!r} cannot be a path") from None
    if not os.access(path, os.R_OK | os.X_OK):
        raise ConfigValueError(name, f"{path!r} cannot be read by the server")
    return os.path.normpath(path)
