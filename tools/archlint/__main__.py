"""Makes ``python -m tools.archlint`` run the linter and exit with its code."""

from __future__ import annotations

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
