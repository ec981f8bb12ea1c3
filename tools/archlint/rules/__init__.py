"""The groups of rules, each a module with its codes, its page format and one function ``check``."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType, ModuleType

from ..findings import Code, Excuse, Finding
from ..tree import CODES as TREE_CODES
from ..tree import Tree
from . import changes, conventions, docstrings, endpoints, features, reviews, traceability

__all__ = ["ALL_CODES", "CODES_OF", "GROUPS", "Check", "group_text"]

Check = Callable[[Tree], Iterator[Finding | Excuse]]

_MODULES: Mapping[str, ModuleType] = MappingProxyType(
    {
        "endpoints": endpoints,
        "features": features,
        "docstrings": docstrings,
        "traceability": traceability,
        "changes": changes,
        "conventions": conventions,
        "reviews": reviews,
    }
)

GROUPS: Mapping[str, Check] = MappingProxyType(
    {name: module.check for name, module in _MODULES.items()}
)
"""The function that checks each group."""

CODES_OF: Mapping[str, tuple[Code, ...]] = MappingProxyType(
    {name: module.CODES for name, module in _MODULES.items()}
)
"""The codes of each group."""

ALL_CODES: Mapping[str, Code] = MappingProxyType(
    {code.name: code for codes in (TREE_CODES, *CODES_OF.values()) for code in codes}
)
"""Every code by its name."""


def group_text(name: str) -> str:
    """Return what a group demands, and the format of the pages that it reads."""
    return inspect.cleandoc(_MODULES[name].__doc__ or "")
