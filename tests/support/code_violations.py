"""Violations in code: form, bugs, types, security, layers."""

from __future__ import annotations

from violation import Edit, Violation, claim

__all__ = ["CODE_VIOLATIONS"]

_FORMATTING = "file not formatted, imports not sorted"
_BUGS = "unused variable or import, mutable default"
_TYPES = "type error, function without types"
_LAYERS = "broken layer, module without a row"
_MOVE = "Move the code to the row where it belongs"

CODE_VIOLATIONS = (
    Violation(
        "unformatted-file",
        _FORMATTING,
        (Edit("zotify_logging/quantities.py", "\n\n_PLANTED = 'text'\n"),),
        {
            "format": (
                "--- zotify_logging/quantities.py",
                "@@",
                "-_PLANTED = 'text'\n+_PLANTED = \"text\"",
            )
        },
    ),
    Violation(
        "unsorted-import",
        _FORMATTING,
        (
            Edit(
                "zotify_api/db/track_store.py",
                "import os\nimport hashlib\n",
                "import hashlib\nimport os\n",
            ),
        ),
        {
            "format": (
                "zotify_api/db/track_store.py Imports are incorrectly sorted",
                "@@",
                "+import hashlib\n import os\n-import hashlib\n",
            )
        },
    ),
    Violation(
        "unused-variable",
        _BUGS,
        (Edit("zotify_logging/jobs/uids.py", "\n\ndef _planted() -> None:\n    unused = 1\n"),),
        {
            "flake8": (
                "zotify_logging/jobs/uids.py:{line}:5: F841",
                "local variable 'unused' is assigned to but never used",
            )
        },
        at="unused = 1",
    ),
    Violation(
        "unused-import",
        _BUGS,
        (Edit("zotify_logging/audit/event_id.py", "import os\nimport sys\n", "import os\n"),),
        {
            "flake8": (
                "zotify_logging/audit/event_id.py:{line}:1: F401",
                "'sys' imported but unused",
            )
        },
        at="import sys",
    ),
    Violation(
        "mutable-default",
        _BUGS,
        (
            Edit(
                "zotify_logging/worker/entry_size.py",
                "\n\ndef _planted(values: list[int] = []) -> list[int]:\n    return values\n",
            ),
        ),
        {
            "flake8": (
                "zotify_logging/worker/entry_size.py:{line}:34: B006",
                "Do not use mutable data structures for argument defaults",
            )
        },
        at="def _planted",
    ),
    Violation(
        "type-error",
        _TYPES,
        (
            Edit(
                "tests/support/waiting.py",
                "\n\ndef _planted(value: int) -> str:\n    return value\n",
            ),
        ),
        {
            "mypy": (
                "tests/support/waiting.py:{line}: error: Incompatible return value type",
                '(got "int", expected "str")',
            )
        },
        at="    return value",
    ),
    Violation(
        "untyped-function",
        _TYPES,
        (Edit("tests/support/sizes.py", "\n\ndef _planted(value):\n    return value\n"),),
        {"mypy": ("tests/support/sizes.py:{line}: error: Function is missing a type annotation",)},
        at="def _planted",
    ),
    Violation(
        "sql-from-text",
        "SQL built from text",
        (
            Edit(
                "zotify_api/db/track_store.py",
                "\n\ndef _count(database: Database, title: str) -> int:\n"
                "    with database.begin() as connection:\n"
                "        query = \"SELECT count(*) FROM tracks WHERE title = '%s'\" % title\n"
                "        return connection.exec_driver_sql(query).rowcount\n",
            ),
        ),
        {
            "bandit": (
                "B608",
                "zotify_api/db/track_store.py:{line}:",
                "Possible SQL injection vector through string-based query construction",
                "More Info: https://",
            )
        },
        at="SELECT count(*)",
    ),
    Violation(
        "import-upwards",
        _LAYERS,
        (
            Edit(
                "zotify_logging/clock.py",
                "\n\ndef _planted() -> object:\n"
                "    from . import handlers\n\n    return handlers\n",
            ),
        ),
        {"imports": ("zotify_logging.clock -> zotify_logging.handlers (l.{line})", _MOVE)},
        at="from . import handlers",
    ),
    Violation(
        "import-sideways",
        _LAYERS,
        (
            Edit(
                "zotify_logging/audit/sideways.py",
                '"""Numbers of job lines."""\n\nfrom ..jobs import lines\n\n__all__ = ["lines"]\n',
            ),
        ),
        {
            "imports": (
                "zotify_logging.audit.sideways -> zotify_logging.jobs.lines (l.{line})",
                _MOVE,
            )
        },
        at="from ..jobs",
    ),
    Violation(
        "import-of-the-host",
        _LAYERS,
        (
            Edit(
                "zotify_logging/audit/hosted.py",
                '"""Events of calls."""\n\nfrom fastapi import Request\n\n__all__ = ["Request"]\n',
            ),
        ),
        {"imports": ("zotify_logging.audit.hosted -> fastapi (l.{line})", "knows nothing of its")},
        at="from fastapi",
    ),
    Violation(
        "import-of-sqlalchemy",
        _LAYERS,
        (
            Edit(
                "zotify_logging/audit/stored.py",
                '"""Rows of events."""\n\nfrom sqlalchemy import select\n\n__all__ = ["select"]\n',
            ),
        ),
        {
            "imports": (
                "zotify_logging.audit.stored -> sqlalchemy (l.{line})",
                "Only zotify_logging",
            )
        },
        at="from sqlalchemy",
    ),
    Violation(
        "module-without-a-row",
        _LAYERS,
        (
            Edit("zotify_logging/utils.py", '"""Whatever found no room of its own."""\n'),
            claim("zotify_logging.utils"),
        ),
        {"imports": ("zotify_logging.utils", "give the new module a row of its own in setup.cfg")},
    ),
    Violation(
        "two-files-of-one-name",
        "two files of one name outside the packages",
        (Edit("tests/waiting.py", '"""Conditions with a deadline, once more."""\n'),),
        {
            "mypy": (
                'tests/waiting.py: error: Duplicate module named "waiting"',
                '(also at "tests/support/waiting.py")',
                "Common resolutions include",
            )
        },
        whole=True,
    ),
)
"""What format, flake8, mypy, bandit and imports hold."""
