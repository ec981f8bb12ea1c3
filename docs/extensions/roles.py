"""Turns the Sphinx roles of our docstrings into what Markdown shows as code."""

from __future__ import annotations

import re
from typing import Any

import griffe

_ROLE = re.compile(r":[a-z]+:`(?P<short>[~.!]*)(?P<name>[^`<]+?)`")


def _as_code(match: re.Match[str]) -> str:
    name = match["name"]
    return f"`{name.rpartition('.')[2] if '~' in match['short'] else name}`"


class Roles(griffe.Extension):
    """Rewrites ``:class:`~package.Name``` to ```Name``` before docstrings are parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Rewrite one object's docstring."""
        if obj.docstring is not None:
            obj.docstring.value = _ROLE.sub(_as_code, obj.docstring.value)
