"""One function, two sizes: small in the suite, full under ``tox -e endurance``."""

from __future__ import annotations

import os

__all__ = ["sized"]


def sized(small: int, full: int) -> int:
    """Return ``full`` when the endurance environment asks for it."""
    return full if os.environ.get("ZOTIFY_ENDURANCE") else small
