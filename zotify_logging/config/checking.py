"""Finds everything that is wrong with a configuration, before anything is made or opened."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from importlib import import_module

from .. import registry
from ..options import check_options, near_match
from .factories import find_factory

__all__ = ["check_config"]

_SECTIONS = {
    "version",
    "formatters",
    "filters",
    "handlers",
    "loggers",
    "root",
    "incremental",
    "disable_existing_loggers",
}
_LOGGER_OPTIONS = {"level", "handlers", "filters", "propagate"}
_NOT_OPTIONS = {"class", "()", ".", "formatter", "filters", "level"}  # dictConfig's own


def check_config(config: Mapping[str, object]) -> list[str]:
    """Return everything that is wrong, each with its path; nothing is made or opened."""
    problems = [
        f"{name}: unknown section{near_match(name, _SECTIONS)}"
        for name in map(str, config)
        if name not in _SECTIONS
    ]
    if config.get("version") != 1:
        problems.append(f"version: must be 1, is {config.get('version')!r}")
    handlers = _section(config, "handlers", problems)
    filters = _section(config, "filters", problems)
    formatters = _section(config, "formatters", problems)
    for name, options in handlers.items():
        problems += _check_handler(f"handlers.{name}", options, config, formatters)
        if isinstance(options, Mapping):
            problems += _check_level(f"handlers.{name}", options)
            problems += _check_names(f"handlers.{name}", options, "filters", filters)
            problems += _check_targets(f"handlers.{name}", options, handlers)
    for path, options in _logger_sections(config, problems):
        if not isinstance(options, Mapping):
            problems.append(f"{path}: must be a mapping, not {type(options).__name__}")
            continue
        problems += [
            f"{path}.{name}: unknown option{near_match(name, _LOGGER_OPTIONS)}"
            for name in map(str, options)
            if name not in _LOGGER_OPTIONS
        ]
        problems += _check_level(path, options)
        problems += _check_names(path, options, "handlers", handlers)
        problems += _check_names(path, options, "filters", filters)
    return problems


def _check_level(path: str, options: Mapping[str, object]) -> Iterator[str]:
    level = options.get("level")
    levels = logging.getLevelNamesMapping()
    known = isinstance(level, int) or (isinstance(level, str) and level in levels)
    if level is not None and not known and not _is_reference(level):
        hint = near_match(level.upper(), levels) if isinstance(level, str) else ""
        yield f"{path}.level: {level!r:.80} is not a level{hint}"


def _check_names(
    path: str, options: Mapping[str, object], key: str, known: Mapping[str, object]
) -> Iterator[str]:
    wanted = options.get(key)
    if wanted is None or _is_reference(wanted):
        return
    if not isinstance(wanted, (list, tuple)):
        yield f"{path}.{key}: {wanted!r:.80} is not a list of names; write it as [{wanted!r:.80}]"
        return
    for name in wanted:
        if isinstance(name, str) and name not in known:
            yield f"{path}.{key}: no {key[:-1]} named {name!r}{near_match(name, known)}"


def _check_targets(
    path: str, options: Mapping[str, object], handlers: Mapping[str, object]
) -> Iterator[str]:
    """Check the handlers that one of our handlers hands records to."""
    if not str(options.get("class", options.get("()"))).startswith("zotify_logging."):
        return
    known = {*map(str, handlers), *registry.names()}
    dispatch = options.get("dispatch")
    for key, wanted in (("failover", [options.get("failover")]), ("dispatch", dispatch)):
        for name in wanted if isinstance(wanted, (list, tuple)) else ():
            if isinstance(name, str) and name not in known and not _is_reference(name):
                yield f"{path}.{key}: no handler named {name!r}{near_match(name, known)}"


def _is_reference(value: object) -> bool:
    return isinstance(value, str) and value.startswith(("ext://", "cfg://"))


def _check_handler(
    path: str,
    options: object,
    config: Mapping[str, object],
    formatters: Mapping[str, object],
) -> Iterator[str]:
    if not isinstance(options, Mapping):
        yield f"{path}: must be a mapping, not {type(options).__name__}"
        return
    wanted = options.get("formatter")
    if isinstance(wanted, str) and wanted not in formatters and not _is_reference(wanted):
        hint = near_match(wanted, formatters)
        yield f"{path}.formatter: no formatter named {wanted!r}{hint}"
    target = options.get("()", options.get("class"))
    if not isinstance(target, str) or target.startswith("cfg://"):
        if target is None and not config.get("incremental"):
            yield f"{path}: needs a class, such as zotify_logging.FileStreamHandler"
        return
    try:
        factory = _resolve(target.removeprefix("ext://"))
    except Exception as error:  # a module may raise anything while it is imported
        key = "()" if "()" in options else "class"
        yield f"{path}.{key}: cannot load {target!r}: {error}"
        return
    if isinstance(factory, type) and factory.__module__.startswith("zotify_logging."):
        own = {str(key): value for key, value in options.items() if key not in _NOT_OPTIONS}
        # What stands for a value elsewhere is known to be given, and judged when it is resolved.
        elsewhere = {key for key, value in own.items() if _is_reference(value)}
        for problem in check_options(factory, own):
            if problem.partition(":")[0] not in elsewhere or ": unknown option" in problem:
                yield f"{path}.{problem}"


def _resolve(target: str) -> object:
    """Return what a dotted path means: modules as far as they go, then attributes."""
    parts = target.split(".")
    if len(parts) < 2:
        return find_factory(target)
    found: object = import_module(parts[0])
    for index, part in enumerate(parts[1:], 2):
        try:
            found = getattr(found, part)
        except AttributeError:
            try:
                found = import_module(".".join(parts[:index]))
            except ModuleNotFoundError as error:
                if error.name != ".".join(parts[:index]):
                    raise  # the module is there, and lacks one of its own
                hint = near_match(part, [name for name in dir(found) if name[:1] != "_"])
                raise ValueError(f"{'.'.join(parts[: index - 1])} has no {part}{hint}") from None
    return found


def _section(config: Mapping[str, object], name: str, problems: list[str]) -> Mapping[str, object]:
    section = config.get(name, {})
    if isinstance(section, Mapping):
        return section
    problems.append(f"{name}: must be a mapping, not {type(section).__name__}")
    return {}


def _logger_sections(
    config: Mapping[str, object], problems: list[str]
) -> Iterator[tuple[str, object]]:
    if "root" in config:
        yield "root", config["root"]
    for name, options in _section(config, "loggers", problems).items():
        yield f"loggers.{name}", options
