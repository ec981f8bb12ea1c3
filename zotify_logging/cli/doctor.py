"""``zotify-logs doctor``: what a logging configuration would do, and what is wrong with it.

The configuration is read, never applied: nothing is made, opened for writing or locked.
"""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from ..config import check_config, load_config
from ..exceptions import ConfigurationError, ParameterError
from ..options import near_match
from ..redaction import Redactor
from ..sanitizing import dump_json
from .doctor_report import as_report, print_findings, print_tree
from .finding import Finding, exit_code_of
from .handover_checks import check_handovers
from .planned_tree import PlannedTree, level_of, plan_tree
from .sink_checks import check_sink
from .terminal import working
from .tree_checks import check_record, check_tree

if TYPE_CHECKING:
    from .command import Commands

__all__ = ["add_commands", "examine"]

_DESCRIPTION = """\
Show the tree of loggers that a logging configuration makes, what handles what, and everything that
is wrong with it, each with its cure: unknown options, records that are dropped or written twice,
loggers that are silenced, files that others can read, databases that do not answer. The
configuration is not applied, and nothing is made on the disk."""

_CODES = (
    "exit codes: 0 nothing found, 1 errors, 2 the configuration cannot be read (also wrong usage),"
    " 3 warnings only"
)

_HOW = "name the module and its attribute, such as"

_ORDER = {"error": 0, "warning": 1, "note": 2}

_redactor = Redactor()


def add_commands(commands: Commands) -> None:
    """Add ``doctor``."""
    parser = commands.add_parser(
        "doctor",
        help="examine a logging configuration",
        description=_DESCRIPTION,
        epilog=_CODES,
    )
    parser.add_argument(
        "config",
        metavar="CONFIG",
        help="a .toml, .json or .yaml file, or module:attribute such as myapp.settings:LOGGING",
    )
    parser.add_argument("--logger", metavar="NAME", help="follow a record of this logger (root)")
    parser.add_argument("--level", help="level of that record, such as DEBUG (INFO)")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    asked = _asked(arguments.logger, arguments.level)
    # What imported modules print is no part of the report.
    with contextlib.redirect_stdout(sys.stderr):
        config, existing = _load(arguments.config)
        tree = plan_tree(config)
        with working("looking at files and databases"):
            findings = examine(config, tree, existing)
        if asked is not None:
            findings += check_record(tree, *asked)
    findings = [_without_secrets(finding) for finding in findings]
    findings.sort(key=lambda finding: _ORDER[finding.severity])
    code = exit_code_of(findings)
    if arguments.json:
        print(dump_json(as_report(arguments.config, tree, asked, findings, code)))
    else:
        print_tree(arguments.config, tree, asked)
        print_findings(findings)
    return code


def examine(
    config: Mapping[str, object], tree: PlannedTree, existing: Sequence[str] = ()
) -> list[Finding]:
    """Return everything that is wrong with a configuration; nothing is applied or made.

    Args:
        config: a dictConfig mapping.
        tree: the same, as ``plan_tree`` reads it.
        existing: names of loggers that are there before it would be applied.
    """
    found = [_of_problem(problem) for problem in check_config(config)]
    found += check_tree(config, tree, existing)
    found += check_handovers(tree)
    for handler in tree.handlers.values():
        found += check_sink(handler)
    return found


def _asked(logger: str | None, level: str | None) -> tuple[str, int] | None:
    if logger is None and level is None:
        return None
    number = level_of(int(level) if level and level.isdecimal() else (level or "INFO").upper())
    if number is None:
        known = logging.getLevelNamesMapping()
        hint = near_match(str(level).upper(), known)
        raise ParameterError("level", f"{level!r} is not a level{hint}")
    return logger or "root", number


def _load(source: str) -> tuple[Mapping[str, object], list[str]]:
    """Return the configuration, and the loggers that exist once it was imported."""
    module, colon, attribute = source.partition(":")
    if not colon or os.path.exists(source) or os.sep in source:
        if (path := source.partition(":")[0]).endswith(".py"):
            name = os.path.splitext(os.path.basename(path))[0]
            raise ConfigurationError(
                [f"{source}: is Python; {_HOW} {name}:{attribute or 'LOGGING'}"]
            )
        return load_config(source), []
    if not module or not attribute or module.endswith(".py"):
        name = module.removesuffix(".py") or "myapp.settings"
        raise ConfigurationError([f"{source!r}: {_HOW} {name}:{attribute or 'LOGGING'}"])
    before = set(logging.root.manager.loggerDict)
    config = _import(module, attribute)
    loggers = logging.root.manager.loggerDict
    made = [name for name in loggers if name not in before]
    return config, [name for name in made if isinstance(loggers[name], logging.Logger)]


def _import(module: str, attribute: str) -> Mapping[str, object]:
    # As `python -m` does; a console script has the folder of the script there in its place.
    sys.path.insert(0, os.getcwd())
    keep, sys.dont_write_bytecode = sys.dont_write_bytecode, True  # no trace: no __pycache__
    try:
        found: object = import_module(module)
        for part in attribute.split("."):
            if not hasattr(found, part):
                hint = near_match(part, [name for name in dir(found) if name[:1] != "_"])
                raise ConfigurationError([f"{module}:{attribute}: there is no {part!r}{hint}"])
            found = getattr(found, part)
        if isinstance(found, Mapping):
            return {str(key): value for key, value in found.items()}
    except ConfigurationError:
        raise
    except (Exception, SystemExit) as error:  # a module may raise anything while it is imported
        raise ConfigurationError(
            [f"{module}:{attribute}: cannot be imported: {type(error).__name__}: {error}"]
        ) from error
    finally:
        sys.dont_write_bytecode = keep
        sys.path.remove(os.getcwd())
    raise ConfigurationError(
        [f"{module}:{attribute}: must be a dictConfig mapping, is {type(found).__name__}"]
    )


def _of_problem(problem: str) -> Finding:
    place, _, said = problem.partition(": ")
    message, _, hint = said.partition("; did you mean ")
    if hint:
        cure = f"write {hint.removesuffix('?')}"
    else:
        message, _, cure = said.partition("; ")
    if not cure:
        cure = "remove it" if "unknown" in message else f"correct {place}"
    return Finding("error", "option", place, message, cure)


def _without_secrets(finding: Finding) -> Finding:
    return dataclasses.replace(
        finding,
        message=_redactor.text(finding.message),
        cure=_redactor.text(finding.cure),
    )
