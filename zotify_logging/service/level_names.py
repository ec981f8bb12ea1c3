"""Levels as people name them."""

from __future__ import annotations

import logging

__all__ = ["level_name"]


def level_name(level: int) -> str:
    """Return a level's name, or its number as text where it has none."""
    name = logging.getLevelName(level)
    return str(level) if name == f"Level {level}" else name
