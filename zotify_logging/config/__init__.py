"""Reads a logging configuration (mapping, TOML, JSON or YAML file), checks all of it, applies it.

The form is stdlib's ``dictConfig`` schema; nothing is invented on top. What is added is that every
problem is found before anything is touched, each with its path and cure, and that existing loggers
stay enabled unless the configuration says otherwise.
"""

from __future__ import annotations

from .applying import apply_config
from .checking import check_config
from .factories import factory_names, find_factory
from .files import Source, load_config
from .places import placed_in
from .problems import problems_of

__all__ = [
    "Source",
    "apply_config",
    "check_config",
    "factory_names",
    "find_factory",
    "load_config",
    "placed_in",
    "problems_of",
]
