"""``zotify-api keys``: create, list, revoke."""

from __future__ import annotations

import argparse
import sys

from zotify_api.dependencies.runtime import open_runtime
from zotify_api.services.key_service import KeyService
from zotify_api.settings import load_settings
from zotify_logging import bound
from zotify_logging.clock import format_us

__all__ = ["run_keys"]


def run_keys(arguments: argparse.Namespace) -> int:
    """Do one action on the keys of a data folder, whether or not it is being served."""
    settings = load_settings(data_dir=arguments.data_dir)
    runtime = open_runtime(settings, make_first_key=False)
    try:
        with bound(user_id="command line"):
            _act(runtime.keys, arguments)
    finally:
        runtime.close()
    return 0


def _act(keys: KeyService, arguments: argparse.Namespace) -> None:
    if arguments.action == "create":
        key = keys.create(arguments.name, arguments.scope)
        print("This key is shown once:", file=sys.stderr)
        print(key)
    elif arguments.action == "revoke":
        keys.revoke(arguments.name)
        print(f"{arguments.name} is revoked")
    else:
        for row in keys.list():
            state = "active" if row.revoked_us is None else f"revoked {format_us(row.revoked_us)}"
            scopes = ",".join(sorted(row.scopes))
            print(f"{row.name}\t{scopes}\tcreated {format_us(row.created_us)}\t{state}")
