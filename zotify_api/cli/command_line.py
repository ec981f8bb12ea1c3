"""Reads the command line and turns every expected failure into one clear line and an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from zotify_api.cli.keys_command import run_keys
from zotify_api.cli.serve import run_serve
from zotify_api.cli.server import ListenError
from zotify_api.db.database import DatabaseError
from zotify_api.db.key_store import KeyNameTakenError
from zotify_api.dependencies.runtime import installed_version
from zotify_api.security.scopes import SCOPES
from zotify_api.services.key_service import KeyServiceError
from zotify_api.settings import Settings, SettingsError
from zotify_logging.exceptions import ZotifyLoggingError

__all__ = ["run"]

_EXPECTED = (
    SettingsError,
    ListenError,
    DatabaseError,
    KeyNameTakenError,
    KeyServiceError,
    ZotifyLoggingError,
    OSError,
)


def run(argv: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0 when all went well, 1 for a failure that was named on stderr, 2 for wrong settings or
        arguments, 130 after Ctrl-C.
    """
    arguments = _parser().parse_args(argv)
    try:
        if arguments.command == "demo":
            from zotify_api.cli.demo import run_demo  # it brings an HTTP client, which costs 0.1 s

            return run_demo(arguments.host, arguments.port, arguments.exit_after)
        if arguments.command == "keys":
            return run_keys(arguments)
        return run_serve(arguments.host, arguments.port, arguments.data_dir, arguments.workers)
    except _EXPECTED as error:
        for line in str(error).splitlines():
            print(f"zotify-api: {line}", file=sys.stderr)
        return 2 if isinstance(error, SettingsError) else 1
    except KeyboardInterrupt:
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="zotify-api",
        description="Serves the system log live, the audit trail and the job logs over HTTP."
        " Without a command it serves, with no configuration needed.",
        epilog=_settings_help(),
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"zotify-api {installed_version()}")
    _add_listening(parser, None)
    _add_data_dir(parser, None)
    _add_workers(parser, None)
    commands = parser.add_subparsers(dest="command", metavar="{serve,demo,keys}")

    serve = commands.add_parser("serve", help="serve until SIGTERM or Ctrl-C (the default)")
    _add_listening(serve, argparse.SUPPRESS)
    _add_data_dir(serve, argparse.SUPPRESS)
    _add_workers(serve, argparse.SUPPRESS)

    demo = commands.add_parser(
        "demo",
        help="serve from a temporary folder, with real traffic",
        description="Generates audio files in a temporary folder, serves, scans them, changes the"
        " configuration, is refused a login, and shows how to see each of it with curl.",
    )
    _add_listening(demo, argparse.SUPPRESS)
    demo.add_argument(
        "--exit-after",
        type=float,
        metavar="SECONDS",
        help="end by itself; default: run until stopped",
    )

    keys = commands.add_parser("keys", help="create, list and revoke keys")
    actions = keys.add_subparsers(dest="action", required=True)
    create = actions.add_parser("create", help="make a key; it is printed once")
    create.add_argument("--name", required=True, help="shown in logs and the audit trail")
    create.add_argument(
        "--scope",
        required=True,
        action="append",
        metavar="SCOPE",
        help="may be repeated: " + "; ".join(f"{name}: {means}" for name, means in SCOPES.items()),
    )
    actions.add_parser("list", help="list all keys, without the keys themselves")
    revoke = actions.add_parser("revoke", help="make a key invalid, within two seconds")
    revoke.add_argument("--name", required=True)
    for action in actions.choices.values():
        _add_data_dir(action, argparse.SUPPRESS)
    return parser


def _add_listening(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument("--host", default=default, help="address to listen on (ZOTIFY_HOST)")
    parser.add_argument(
        "--port", type=int, default=default, help="port to listen on; 0: a free one (ZOTIFY_PORT)"
    )


def _add_data_dir(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--data-dir", type=Path, default=default, help="database, logs, keys (ZOTIFY_DATA_DIR)"
    )


def _add_workers(parser: argparse.ArgumentParser, default: str | None) -> None:
    parser.add_argument(
        "--workers", type=int, default=default, help="processes that serve (ZOTIFY_WORKERS)"
    )


def _settings_help() -> str:
    lines = ["settings, from the environment or, in lower case without ZOTIFY_, zotify.toml:"]
    for name, field in Settings.model_fields.items():
        default = field.get_default(call_default_factory=True, validated_data={})
        lines.append(f"  ZOTIFY_{name.upper()} (default: {default})")
        lines.append(f"      {field.description}")
    return "\n".join(lines)
