"""The shape of a command, so that the groups need not know who puts them together."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import TYPE_CHECKING

__all__ = ["Commands", "Run"]

Run = Callable[[argparse.Namespace], int]
"""A leaf command: takes the parsed arguments, returns the exit code."""

if TYPE_CHECKING:
    Commands = argparse._SubParsersAction[argparse.ArgumentParser]
    """Where a group adds its parsers (argparse has no public name for it)."""
