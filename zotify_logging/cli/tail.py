"""``zotify-logs tail``: the last lines of a log, and those to come, across rotation."""

from __future__ import annotations

import argparse
import os
import re
import sys
from typing import TYPE_CHECKING

from ..sanitizing import escape_line, unfold_line
from ..streaming import StreamRecord, encode_ndjson, encode_text, follow

if TYPE_CHECKING:
    from .command import Commands

__all__ = ["add_commands", "unfold_exception"]

# Only what is surely an exception is unfolded: "\n" may as well be part of a Windows path.
_EXCEPTION = re.compile(
    r"\\n(?=[ +|]*(?:Exception Group )?(?:Traceback|Stack) \(most recent call last\))"
)

_DESCRIPTION = """\
Print the last records of a log file, ours or not, and with -f those to come. Rotation is followed;
what is missing is said on standard error. On a terminal, exceptions are shown on several lines and
control characters escaped; into a pipe or file, lines go as they are."""


def add_commands(commands: Commands) -> None:
    """Add ``tail``."""
    parser = commands.add_parser(
        "tail", help="print and follow a log file", description=_DESCRIPTION
    )
    parser.add_argument("file", metavar="FILE", help="the live log file")
    parser.add_argument("-f", "--follow", action="store_true", help="wait for further lines")
    parser.add_argument(
        "-n", "--lines", default=None, metavar="N", help="last N matching records, or 'all' (100)"
    )
    parser.add_argument("--level", help="minimum level, such as WARNING")
    parser.add_argument("--logger", help="logger name; those below it are included")
    parser.add_argument("--grep", metavar="TEXT", help="literal text that a line must hold")
    parser.add_argument("--after", metavar="CURSOR", help="go on behind a cursor (see --json)")
    parser.add_argument(
        "--json", action="store_true", help="one JSON object a line, with cursor and gap records"
    )
    parser.add_argument(
        "--unfold",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="show exceptions on several lines (default: on a terminal)",
    )
    parser.set_defaults(run=_run)


def _run(arguments: argparse.Namespace) -> int:
    path: str = arguments.file
    if not (arguments.follow or os.path.exists(path) or os.path.exists(f"{path}.1")):
        print(f"zotify-logs: {path}: no such file; with -f it is waited for", file=sys.stderr)
        return 1
    terminal = sys.stdout.isatty()
    unfold = terminal if arguments.unfold is None else bool(arguments.unfold)
    with follow(
        path,
        after=arguments.after,
        tail=arguments.lines,
        level=arguments.level,
        logger=arguments.logger,
        q=arguments.grep,
        follow=arguments.follow,
    ) as subscription:
        for record in subscription:
            if arguments.json:
                sys.stdout.buffer.write(encode_ndjson(record))
            elif record.type == "log":
                sys.stdout.buffer.write(_text(record, terminal, unfold))
            elif record.type != "end":
                sys.stdout.buffer.flush()
                sys.stderr.write(encode_text(record).decode())
                sys.stderr.flush()
            if subscription.drained:
                sys.stdout.buffer.flush()
    return 0


def _text(record: StreamRecord, terminal: bool, unfold: bool) -> bytes:
    data = encode_text(record)
    if not (terminal or unfold):
        return data
    text = data.decode("utf-8").removesuffix("\n")
    if terminal:
        text = escape_line(text)
    if unfold:
        text = unfold_exception(text)
    return f"{text}\n".encode()


def unfold_exception(text: str) -> str:
    """Return a line with its exception, if it has one, on indented lines of its own.

    Indented, so that no text inside an exception can pass for a record.
    """
    found = _EXCEPTION.search(text)
    if found is None or text.startswith("{"):
        return text
    return text[: found.start()] + unfold_line(text[found.start() :]).replace("\n", "\n  ")
