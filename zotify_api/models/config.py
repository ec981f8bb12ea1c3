"""The API's configuration that can be changed while it runs."""

from __future__ import annotations

from pydantic import Field, StrictBool, StrictStr

from zotify_api.models.strict import Incoming, Outgoing

__all__ = ["Config", "ConfigPatch"]


class Config(Outgoing):
    """The configuration in force."""

    library_path: str | None = Field(
        None, description="Folder that a sync scans; absolute, must exist. null: not set."
    )
    scan_on_startup: bool = Field(False, description="Whether a sync starts with the API.")


class ConfigPatch(Incoming):
    """What to change; fields that are left out stay as they are."""

    library_path: StrictStr | None = Field(
        None,
        min_length=1,
        max_length=4096,
        description="Folder to scan; must exist and be readable. null unsets it.",
    )
    scan_on_startup: StrictBool = Field(False, description="Start a sync with the API.")
