"""Finds everything that is wrong with a configuration, before anything is made or opened."""

from __future__ import annotations

import inspect
import logging
import logging.handlers
import re
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
_QUEUE_OPTIONS = {"listener", "handlers", "respect_handler_level"}  # dictConfig's own, of queues


def check_config(config: Mapping[str, object]) -> list[str]:
    """Return everything that is wrong, each with its path; nothing is made or opened."""
    # dictConfig passes over other sections, and `cfg://` reads from them.
    known = _SECTIONS | _referred(config)
    problems = [
        f"{name}: unknown section{near_match(name, _SECTIONS)}"
        for name in map(str, config)
        if name not in known
    ]
    if config.get("version") is None:
        how = 'write version = 1 (YAML: version: 1, JSON: "version": 1)'
        problems.append(f"version: is required; {how}")
    elif config["version"] != 1:
        problems.append(f"version: must be 1, is {config.get('version')!r}")
    handlers = _section(config, "handlers", problems)
    filters = _section(config, "filters", problems)
    formatters = _section(config, "formatters", problems)
    for section in (formatters, filters):
        place = "formatters" if section is formatters else "filters"
        for name, options in section.items():
            problems += _check_maker(f"{place}.{name}", options)
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


def _referred(config: Mapping[str, object]) -> set[str]:
    """Return the sections that ``cfg://`` values anywhere read from."""
    found: set[str] = set()
    seen: set[int] = set()  # YAML can have loops
    left: list[object] = [config]
    while left:
        value = left.pop()
        if isinstance(value, str):
            found.update(re.findall(r"^cfg://(\w+)", value))
        elif isinstance(value, (Mapping, list, tuple)) and id(value) not in seen:
            seen.add(id(value))
            left += value.values() if isinstance(value, Mapping) else value
    return found


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
    own = {str(key): value for key, value in options.items() if key not in _NOT_OPTIONS}
    if not isinstance(factory, type):
        return
    if not factory.__module__.startswith("zotify_logging."):
        yield from _check_signature(path, factory, own)
    else:
        # What stands for a value elsewhere is known to be given, and judged when it is resolved.
        elsewhere = {key for key, value in own.items() if _is_reference(value)}
        for problem in check_options(factory, own):
            if problem.partition(":")[0] not in elsewhere or ": unknown option" in problem:
                yield f"{path}.{problem}"


def _check_signature(path: str, factory: type, options: Mapping[str, object]) -> Iterator[str]:
    """Check the names of a foreign handler's options; of their values it alone knows."""
    try:
        parameters = inspect.signature(factory).parameters
    except (TypeError, ValueError):  # written in C, or says something else of itself
        return
    kinds = {parameter.kind for parameter in parameters.values()}
    known = {name for name, one in parameters.items() if one.kind != one.POSITIONAL_ONLY}
    if issubclass(factory, logging.handlers.QueueHandler):
        known |= _QUEUE_OPTIONS
    for name in options if inspect.Parameter.VAR_KEYWORD not in kinds else ():
        if name not in known:
            yield f"{path}.{name}: unknown option{near_match(name, known)}"


def _check_maker(path: str, options: object) -> Iterator[str]:
    """Check a formatter or filter: that it is there, and that the format is one."""
    if not isinstance(options, Mapping):
        yield f"{path}: must be a mapping, not {type(options).__name__}"
        return
    key = "()" if "()" in options else "class"
    target = options.get(key)
    if isinstance(target, str) and "." in target and not target.startswith("cfg://"):
        try:
            _resolve(target.removeprefix("ext://"))
        except Exception as error:  # a module may raise anything while it is imported
            yield f"{path}.{key}: cannot load {target!r}: {error}"
    text, style = options.get("format"), options.get("style", "%")
    given = isinstance(text, str) and isinstance(style, str) and options.get("validate", True)
    if target is None and given and not _is_reference(text) and not _is_reference(style):
        try:
            logging.Formatter(text, style=style)
        except ValueError as error:
            yield f"{path}.format: {text!r:.80}: {error}"


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
