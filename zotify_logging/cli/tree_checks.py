"""What a planned logger tree would drop, double or silence, each with its cure."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping

from .finding import Finding
from .planned_tree import PlannedLogger, PlannedTree

__all__ = ["check_record", "check_tree"]


def check_tree(
    config: Mapping[str, object], tree: PlannedTree, existing: Iterable[str]
) -> Iterator[Finding]:
    """Yield what is wrong with the tree.

    Args:
        config: the mapping.
        tree: the same as a tree.
        existing: names of loggers that are there before the configuration is applied.
    """
    if config.get("incremental"):
        return  # it only sets levels of what is there: the tree itself is made elsewhere
    yield from _doubled(tree)
    yield from _same_sink(tree)
    yield from _dispatched_and_attached(tree)
    yield from _disabled(config, tree, sorted(existing))
    yield from _levels(tree)
    yield from _unattached(tree)


def check_record(tree: PlannedTree, name: str, level: int) -> Iterator[Finding]:
    """Yield why a record of this logger and level reaches no handler, if that is so."""
    if tree.takers(name, level):
        return
    shown = f"a record {name}@{logging.getLevelName(level)}"
    least, source = tree.effective(name)
    if level < least:
        yield Finding(
            "error",
            "dropped",
            source.place,
            f"{shown} is dropped by the logger: {logging.getLevelName(least)} holds,"
            f" the level of {source.name}",
            f"set {source.place}.level to {logging.getLevelName(level)}, or give"
            f" loggers.{name} a level of its own",
        )
        return
    reached = tree.reached(name)
    if not reached:
        last = list(tree.path(name))[-1]
        yield Finding(
            "error",
            "dropped",
            last.place,
            f"{shown} meets no handler on its way up to {last.name}",
            f"add a handler to {last.place}.handlers",
        )
        return
    names = ", ".join(f"handlers.{handler}" for _, handler in reached)
    if all(level >= _opens(tree, handler) for _, handler in reached):
        yield Finding(
            "error",
            "dropped",
            names,
            f"{shown} passes the logger, and is dispatched to no handler that can take it",
            f"name handlers of this library in the dispatch of {names}",
        )
        return
    yield Finding(
        "error",
        "dropped",
        names,
        f"{shown} passes the logger and is below the level of every handler it meets",
        f"set the level of {names} to {logging.getLevelName(level)}",
    )


def _doubled(tree: PlannedTree) -> Iterator[Finding]:
    told: set[tuple[str, str, str]] = set()
    for name in tree.loggers:
        at: dict[str, str] = {}
        for logger, handler in tree.reached(name):
            below = at.setdefault(handler, logger.name)
            if below == logger.name:
                continue
            key = (handler, below, logger.name)
            if key in told:
                continue
            told.add(key)
            place = tree.loggers[below].place
            yield Finding(
                "error",
                "doubled",
                f"{place}.handlers",
                f"handler {handler!r} is attached to {below} and to {logger.name} above it:"
                f" every record of {below} is written twice",
                f"take {handler!r} out of {place}.handlers, or set {place}.propagate to false",
            )
    for logger in tree.loggers.values():
        twice = sorted({one for one in logger.handlers if logger.handlers.count(one) > 1})
        for handler in twice:
            # logging itself attaches a handler once.
            yield Finding(
                "note",
                "doubled",
                f"{logger.place}.handlers",
                f"{handler!r} is named twice, and attached once",
                "name it once",
            )


def _same_sink(tree: PlannedTree) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for name in tree.loggers:
        by_sink: dict[tuple[str, str, str], str] = {}
        for _, handler in tree.reached(name):
            planned = tree.handlers[handler]
            sink = planned.options.get("filename", planned.options.get("url"))
            if not isinstance(sink, str):
                continue
            key = (planned.kind, sink, str(planned.options.get("table_prefix", "")))
            other = by_sink.setdefault(key, handler)
            if other != handler and (other, handler) not in told:
                told.add((other, handler))
                yield Finding(
                    "error",
                    "doubled",
                    f"handlers.{handler}",
                    f"{other!r} and {handler!r} write to the same place, and a record of {name}"
                    " meets both: it is there twice",
                    f"keep one of them on the way of {name}, or give each its own place",
                )


def _dispatched_and_attached(tree: PlannedTree) -> Iterator[Finding]:
    told: set[tuple[str, str]] = set()
    for name in tree.loggers:
        attached: dict[str, PlannedLogger] = {}
        for logger, handler in tree.reached(name):
            attached.setdefault(handler, logger)
        given: dict[str, str] = {}
        for service in attached:
            for target in _targets(tree, service):
                if target in attached and (service, target) not in told:
                    told.add((service, target))
                    place = attached[target].place
                    yield Finding(
                        "warning",
                        "skipped",
                        f"handlers.{service}.dispatch",
                        f"{service!r} dispatches to {target!r}, which is attached to"
                        f" {attached[target].name} as well: the service skips it, so that nothing"
                        " is written twice",
                        f"take {target!r} out of handlers.{service}.dispatch or of"
                        f" {place}.handlers",
                    )
                other = given.setdefault(target, service)
                if other != service and (other, target) not in told:
                    told.add((other, target))
                    yield Finding(
                        "warning",
                        "skipped",
                        f"handlers.{service}.dispatch",
                        f"{other!r} and {service!r} both dispatch records of {name} to"
                        f" {target!r}; the second one skips it",
                        f"take {target!r} out of one of them",
                    )


def _disabled(
    config: Mapping[str, object], tree: PlannedTree, existing: list[str]
) -> Iterator[Finding]:
    place = "disable_existing_loggers"
    setting = config.get(place)
    if setting is False or setting == 0 or config.get("incremental"):
        return
    # dictConfig spares those it names, and those below them.
    named = tuple(name for name in tree.loggers if name != "root")
    lost = [
        name
        for name in existing
        if not any(name == one or name.startswith(f"{one}.") for one in named)
    ]
    who = "every logger that a module has made by then and the configuration does not name"
    if lost:
        who = f"{', '.join(lost[:5])}{f' and {len(lost) - 5} more' if len(lost) > 5 else ''}"
    yield Finding(
        "error" if setting is not None else "warning" if lost else "note",
        "disabled",
        place,
        (
            f"is left out, and true is what dictConfig then takes: it disables {who}"
            if setting is None
            else f"is true: dictConfig disables {who}"
        ),
        f"set {place} to false (LoggingService.from_config takes false when it is left out)",
    )


def _levels(tree: PlannedTree) -> Iterator[Finding]:
    root = tree.loggers["root"]
    if not root.has_level:
        yield Finding(
            "warning",
            "level",
            "root.level",
            "is left out, so WARNING holds: loggers without a level of their own drop DEBUG and"
            " INFO",
            "set root.level, for example to INFO",
        )
    for handler in tree.handlers.values():
        if not handler.level:
            continue
        leads = [
            name
            for name in tree.loggers
            if any(one == handler.name for _, one in tree.reached(name))
        ]
        if leads and handler.level < (least := min(tree.effective(name)[0] for name in leads)):
            places = sorted({tree.effective(name)[1].place for name in leads})
            yield Finding(
                "warning",
                "level",
                f"handlers.{handler.name}.level",
                f"{handler.name!r} is open from {logging.getLevelName(handler.level)} on, but the"
                f" loggers that lead to it let through {logging.getLevelName(least)} and above:"
                " the level of the logger is too high",
                f"set {' or '.join(f'{place}.level' for place in places)} to"
                f" {logging.getLevelName(handler.level)}",
            )
    for name, logger in tree.loggers.items():
        reached = [tree.handlers[one] for _, one in tree.reached(name)]
        least = tree.effective(name)[0]
        if not reached:
            if logger.handlers or name != "root" or len(tree.loggers) == 1:
                yield Finding(
                    "warning",
                    "dropped",
                    f"{logger.place}.handlers",
                    f"records of {name} reach no handler",
                    f"name a handler in {logger.place}.handlers"
                    + ("" if logger.propagate or name == "root" else ", or let it propagate"),
                )
            continue
        opens = min(_opens(tree, handler.name) for handler in reached)
        if opens > least:
            names = sorted({f"handlers.{handler.name}" for handler in reached})
            yield Finding(
                "warning",
                "level",
                ", ".join(names),
                f"{name} lets through {logging.getLevelName(least)} and above, and every handler"
                f" of its records opens at {logging.getLevelName(opens)} or later: the level of"
                " the handlers is too high",
                f"set the level of {' or '.join(names)} to {logging.getLevelName(least)}",
            )


def _opens(tree: PlannedTree, name: str) -> int:
    """Return the least level at which a record gets anywhere through this handler."""
    handler = tree.handlers[name]
    targets = [tree.handlers[one].level for one in _targets(tree, name)]
    return max(handler.level, min(targets, default=0))


def _targets(tree: PlannedTree, name: str) -> list[str]:
    """Return the handlers that a service finds."""
    named = tree.handlers[name].dispatch
    return [one for one in named if one in tree.handlers and tree.handlers[one].can_be_given]


def _unattached(tree: PlannedTree) -> Iterator[Finding]:
    used = {name for logger in tree.loggers.values() for name in logger.handlers}
    for handler in tree.handlers.values():
        used.update(handler.dispatch)
        for key in ("failover", "target"):  # `target` is MemoryHandler's
            used.add(str(handler.options.get(key, "")).removeprefix("cfg://handlers."))
        wrapped = handler.options.get("handlers")  # QueueHandler's
        used.update(map(str, wrapped) if isinstance(wrapped, (list, tuple)) else ())
    for name in tree.handlers:
        if name not in used:
            yield Finding(
                "warning",
                "unattached",
                f"handlers.{name}",
                f"{name!r} is attached to no logger and receives nothing, unless code registers it",
                f"add {name!r} to root.handlers or to those of a logger",
            )
