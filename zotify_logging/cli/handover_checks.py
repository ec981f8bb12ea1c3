"""Whether the handlers that others dispatch or fail over to can be handed anything, with cures."""

from __future__ import annotations

from collections.abc import Iterator

from .finding import Finding
from .planned_tree import PlannedHandler, PlannedTree

__all__ = ["check_handovers"]


def check_handovers(tree: PlannedTree) -> Iterator[Finding]:
    """Yield each ``dispatch`` and ``failover`` that leads nowhere.

    A name that is not defined at all is found with the options. Two handlers that fail over to each
    other are well: an entry that both have refused goes round no further.
    """
    for handler in tree.handlers.values():
        for name in dict.fromkeys(handler.dispatch):
            yield from _check(tree, handler, "dispatch", name)
        failover = handler.options.get("failover")
        if isinstance(failover, str):
            yield from _check(tree, handler, "failover", failover)


def _check(tree: PlannedTree, handler: PlannedHandler, option: str, name: str) -> Iterator[Finding]:
    place = f"handlers.{handler.name}.{option}"
    does = "dispatches" if option == "dispatch" else "fails over"
    if name == handler.name:
        yield Finding(
            "error",
            "handover",
            place,
            f"{name!r} {does} to itself: nothing is kept by that",
            f"take {name!r} out of {place}, or name another handler there",
        )
        return
    target = tree.handlers.get(name)
    if target is None or target.can_be_given:
        return
    if target.is_service:
        why = "is a service: it dispatches, and cannot be handed anything"
        given = ", ".join(repr(one) for one in target.dispatch if one != name) or "handlers"
        cure = f"name {given} in {place} in its place"
    else:
        why = f"is a {target.short_kind} of logging itself, which keeps no account of its records"
        cure = f"attach {name!r} to a logger, or name a handler of this library in {place}"
    yield Finding(
        "error", "handover", place, f"{handler.name!r} {does} to {name!r}, which {why}", cure
    )
