"""Puts the commands together, and turns their errors into one line and an exit code.

Exit codes of every command: 0 done, 1 failed, 2 wrong usage or a missing extra, 130 stopped by
Ctrl-C. ``audit verify``, ``doctor`` and ``stats`` have codes of their own. A reader that closes the
pipe (``| head``) ends a command quietly with 0.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from ..exceptions import (
    ConfigurationError,
    CursorError,
    MissingDependencyError,
    ParameterError,
    ZotifyLoggingError,
)
from . import audit, doctor, jobs, stats, tail
from .command import Run

__all__ = ["build_parser", "run"]

_EXIT_CODES = (
    "exit codes: 0 done, 1 failed, 2 wrong usage or a missing extra, 130 stopped by Ctrl-C"
)


def build_parser() -> argparse.ArgumentParser:
    """Return the whole command line; each leaf command leaves its function in ``run``."""
    parser = argparse.ArgumentParser(
        prog="zotify-logs",
        description="Read what the handlers of zotify-logging have written, and examine a"
        " logging configuration.",
        epilog=_EXIT_CODES,
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=False)
    for group in (tail, audit, jobs, doctor, stats):
        group.add_commands(commands)
    return parser


def run(argv: Sequence[str] | None = None) -> int:
    """Parse ``argv`` (without the program's name), run the command, return its exit code.

    Problems are one line on standard error; nothing is raised but ``SystemExit`` of argparse.
    """
    parser = build_parser()
    arguments = parser.parse_args(argv)
    if arguments.version:
        print(f"zotify-logs {_version()}")
        return 0
    command: Run | None = getattr(arguments, "run", None)
    if command is None:
        parser.print_usage(sys.stderr)
        print("zotify-logs: name a command; zotify-logs -h lists them", file=sys.stderr)
        return 2
    try:
        code = command(arguments)
        if sys.stdout is not None:  # started without: nothing was printed, and the code tells
            sys.stdout.flush()
        return code
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # Standard output is flushed once more at exit: let that go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except (ConfigurationError, MissingDependencyError, ParameterError, CursorError) as error:
        print(f"zotify-logs: {error}", file=sys.stderr)
        return 2
    except (ZotifyLoggingError, OSError) as error:
        print(f"zotify-logs: {error}", file=sys.stderr)
        return 1


def _version() -> str:
    try:
        return version("zotify-logging")
    except PackageNotFoundError:  # run from a checkout that was never installed
        return "(not installed)"
