"""Entry point of ``zotify-logs`` and ``python -m zotify_logging``."""

from __future__ import annotations

import sys
from collections.abc import Sequence

__all__ = ["main"]


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code (``argv`` without the program's name)."""
    from .cli import run  # here, so that importing this module stays free of side effects

    return run(argv)


if __name__ == "__main__":
    sys.exit(main())
