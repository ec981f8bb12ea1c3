"""The command line ``zotify-logs``: one module per group of commands."""

from __future__ import annotations

from .main import run

__all__ = ["run"]
