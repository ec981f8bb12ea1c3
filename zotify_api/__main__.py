"""Entry point of ``zotify-api`` and ``python -m zotify_api``.

Looks for the ``api`` extra before it imports anything of it, so that a plain install gets one line
with the cure in place of a traceback.
"""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence
from importlib.util import find_spec

__all__ = ["main"]

_NEEDED = {
    "fastapi": "FastAPI",
    "uvicorn": "uvicorn",
    "pydantic_settings": "pydantic-settings",
    "sqlalchemy": "SQLAlchemy",
    "mutagen": "mutagen",
    "httpx": "httpx",
}


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; 2 when the extra is missing."""
    missing = [name for module, name in _NEEDED.items() if find_spec(module) is None]
    if missing:
        print(
            f'zotify-api needs {", ".join(missing)}: pip install "zotify-logging[api]"',
            file=sys.stderr,
        )
        return 2
    from zotify_api.cli import run

    # What was imported stays to the end: looking through it for garbage is half of a short run.
    gc.freeze()
    return run(argv)


if __name__ == "__main__":
    sys.exit(main())
