"""The configuration's rows: one per value that was ever set, as JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping

from sqlalchemy import delete, insert, select

from zotify_api.db.database import Database
from zotify_api.db.tables import config_values

__all__ = ["ConfigStore"]


class ConfigStore:
    """Reads and replaces configuration values; a change of several values is one transaction."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def read(self) -> dict[str, object]:
        """Return what was set; defaults are not stored."""
        with self._database.begin() as connection:
            rows = connection.execute(select(config_values.c.name, config_values.c.value)).all()
        return {row.name: json.loads(row.value) for row in rows}

    def write(self, values: Mapping[str, object]) -> dict[str, object]:
        """Set values, all or none, and return what was set before the change."""
        with self._database.begin() as connection:
            rows = connection.execute(select(config_values.c.name, config_values.c.value)).all()
            for name, value in values.items():
                connection.execute(delete(config_values).where(config_values.c.name == name))
                connection.execute(insert(config_values).values(name=name, value=json.dumps(value)))
        return {row.name: json.loads(row.value) for row in rows}
