"""How ``zotify-logs doctor`` shows what it has found: as text, and as one JSON object."""

from __future__ import annotations

import dataclasses
import logging
import sys
from collections.abc import Sequence

from ..sanitizing import escape_line
from .finding import Finding
from .planned_tree import PlannedTree
from .terminal import paint

__all__ = ["as_report", "print_findings", "print_tree"]

_LEVELS = (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)


def _takers(tree: PlannedTree, name: str) -> list[tuple[int, list[str]]]:
    """Return levels at which the set of handlers changes, with the handlers from there on."""
    steps: list[tuple[int, list[str]]] = []
    last: list[str] = []
    for level in _LEVELS:
        takers = tree.takers(name, level)
        if takers != last:
            steps.append((level, takers))
            last = takers
    return steps


def as_report(
    source: str,
    tree: PlannedTree,
    asked: tuple[str, int] | None,
    findings: Sequence[Finding],
    code: int,
) -> dict[str, object]:
    """Return all of it for ``--json``: loggers, handlers, the record asked for, findings."""
    return {
        "config": source,
        "exit_code": code,
        "loggers": [
            {
                "name": logger.name,
                "level": logging.getLevelName(logger.level) if logger.level else None,
                "effective_level": logging.getLevelName(tree.effective(logger.name)[0]),
                "propagate": logger.propagate,
                "handlers": list(logger.handlers),
                "handled_from": {
                    logging.getLevelName(level): takers
                    for level, takers in _takers(tree, logger.name)
                },
            }
            for logger in tree.loggers.values()
        ],
        "handlers": [
            {
                "name": handler.name,
                "class": handler.kind,
                "level": logging.getLevelName(handler.level),
                "dispatch": list(handler.dispatch),
            }
            for handler in tree.handlers.values()
        ],
        "record": None if asked is None else _record(tree, *asked),
        "findings": [dataclasses.asdict(finding) for finding in findings],
    }


def _record(tree: PlannedTree, name: str, level: int) -> dict[str, object]:
    least, source = tree.effective(name)
    return {
        "logger": name,
        "level": logging.getLevelName(level),
        "passes_logger": level >= least,
        "level_from": source.name,
        "met": [
            {
                "logger": logger.name,
                "handler": handler,
                "takes": level >= max(least, tree.handlers[handler].level),
            }
            for logger, handler in tree.reached(name)
        ],
        "handled_by": tree.takers(name, level),
    }


def print_tree(source: str, tree: PlannedTree, asked: tuple[str, int] | None) -> None:
    """Print who handles what from which level on, and the way of the record asked for."""
    print(f"{source}: {len(tree.loggers)} loggers, {len(tree.handlers)} handlers")
    for name in sorted(tree.loggers, key=lambda one: (one != "root", one)):
        logger = tree.loggers[name]
        level = logging.getLevelName(tree.effective(name)[0])
        own = "" if logger.has_level else " (not its own)"
        away = "" if logger.propagate or name == "root" else ", does not propagate"
        title = paint(escape_line(name), "strong", sys.stdout)
        print(f"{'' if name == 'root' else '  '}{title}  {level}{own}{away}")
        for handler in logger.handlers:
            print(f"{'' if name == 'root' else '  '}  - {_handler_text(tree, handler)}")
        for at, takers in _takers(tree, name):
            shown = ", ".join(map(escape_line, takers)) or "nobody"
            print(f"{'' if name == 'root' else '  '}  {logging.getLevelName(at)}+ -> {shown}")
    if asked is not None:
        _print_record(tree, *asked)


def _handler_text(tree: PlannedTree, name: str) -> str:
    handler = tree.handlers.get(name)
    if handler is None:
        return f"{escape_line(name)} (not defined)"
    level = f" {logging.getLevelName(handler.level)}" if handler.level else ""
    given = f" dispatches to {', '.join(handler.dispatch)}" if handler.dispatch else ""
    return escape_line(f"{name}: {handler.short_kind}{level}{given}")


def _print_record(tree: PlannedTree, name: str, level: int) -> None:
    least, source = tree.effective(name)
    passes = "passes" if level >= least else "is dropped by"
    print(
        f"\n{escape_line(name)}@{logging.getLevelName(level)}: {passes} the logger"
        f" ({logging.getLevelName(least)}, from {escape_line(source.name)})"
    )
    for logger, attached in tree.reached(name) if level >= least else ():
        handler = tree.handlers[attached]
        takes = "takes it" if level >= handler.level else "is closed to it"
        print(
            f"  {escape_line(attached)} at {escape_line(logger.name)}"
            f" ({logging.getLevelName(handler.level)}) {takes}"
        )
    print(f"  handled by: {', '.join(map(escape_line, tree.takers(name, level))) or 'nobody'}")


def print_findings(findings: Sequence[Finding]) -> None:
    """Print each finding with its cure, and how many there are."""
    print()
    for finding in findings:
        severity = paint(finding.severity, finding.severity, sys.stdout)
        print(f"{severity}: {escape_line(f'{finding.place}: {finding.message}')}")
        print(f"  cure: {escape_line(finding.cure)}")
    counts = [
        f"{number} {name}{'' if number == 1 else 's'}"
        for name in ("error", "warning", "note")
        if (number := sum(finding.severity == name for finding in findings))
    ]
    print(", ".join(counts) if counts else paint("nothing wrong was found", "good", sys.stdout))
