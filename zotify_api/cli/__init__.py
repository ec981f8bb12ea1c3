"""The command line: serve (the default), demo, keys."""

from zotify_api.cli.command_line import run

__all__ = ["run"]
