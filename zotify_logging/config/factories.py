"""Handlers of other distributions, by the name under which they announce themselves.

A distribution announces a handler in its metadata::

    [project.entry-points."zotify_logging.handlers"]
    loki = "loki_handler:LokiHandler"

and whoever has it installed writes ``"class": "loki"``. The value is a class or a function; it is
called with the options as keywords and returns a handler.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from ..exceptions import ConfigurationError, UnknownNameError
from ..options import near_match

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = ["GROUP", "factory_names", "find_factory"]

GROUP = "zotify_logging.handlers"
"""The entry-point group."""


def factory_names() -> list[str]:
    """Return the names that installed distributions announce, sorted."""
    return sorted(_announced())


def find_factory(name: str) -> Callable[..., object]:
    """Load and return what a distribution announces under ``name``.

    Raises:
        UnknownNameError: no distribution announces it; the message has near matches.
        ConfigurationError: two distributions announce it, or it cannot be loaded or called; the
            message names them.
    """
    announced = _announced()
    found = announced.get(name)
    if found is None:
        known = sorted(announced)
        hint = near_match(name, known) or f"; installed: {', '.join(known) or 'none'}"
        raise UnknownNameError(
            f"no installed distribution announces a handler {name!r} in {GROUP!r}{hint}"
        )
    if len(set(found.values())) > 1:
        offers = ", ".join(f"{owner} ({entry.value})" for owner, entry in sorted(found.items()))
        raise ConfigurationError(
            [f"{name!r} is announced by several distributions: {offers}; write package.Class"]
        )
    (owner, entry), *_ = found.items()
    try:
        factory: object = entry.load()
    except Exception as error:  # a module may raise anything while it is imported
        raise ConfigurationError(
            [f"{name!r} of {owner} cannot be loaded ({entry.value}): {error}"]
        ) from error
    if not callable(factory):
        raise ConfigurationError([f"{name!r} of {owner} ({entry.value}) cannot be called"])
    return cast(Callable[..., object], factory)


def _announced() -> dict[str, dict[str, EntryPoint]]:
    """Return entry points by name and distribution."""
    from importlib.metadata import entry_points  # costs some 20 ms, so only who needs it pays

    announced: dict[str, dict[str, EntryPoint]] = {}
    for entry in entry_points(group=GROUP):
        owner = entry.dist.name if entry.dist is not None else "an unnamed distribution"
        announced.setdefault(entry.name, {}).setdefault(owner, entry)
    return announced
