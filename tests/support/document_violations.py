"""Violations between code and documents, and of the house's conventions."""

from __future__ import annotations

from violation import FEATURES, Edit, Violation, claim

__all__ = ["DOCUMENT_VIOLATIONS"]

MATRIX = "docs/TRACEABILITY_MATRIX.md"


def _matrix_row(name: str, tests: str) -> Edit:
    """Add a row with these tests, which says that it is done."""
    row = f"| SL-TASK-01 | Gates | `tox.ini` | {tests} | done | {name} |"
    heading = "\n\n## Logging service\n"
    return Edit(MATRIX, f"\n{row}{heading}", heading)


_CONVENTIONS = (
    "`debug=True`, `print` outside a command line, two modules of one name in `zotify_api`"
)
_ROUTES = "route without a row, row without a route, wrong scope or errors"
_FEATURES = "module without a feature, feature without a module"
_DOCSTRINGS = "missing or empty docstring"
_MATRIX = "matrix row whose code or test does not exist, done without a test"
_SNIPPETS = "README or docs snippet that breaks"
_SNIPPET_CURE = "mend it, or the code that it calls"

DOCUMENT_VIOLATIONS = (
    Violation(
        "debug-true",
        _CONVENTIONS,
        (Edit("zotify_api/app/factory.py", "FastAPI(\n        debug=True,\n", "FastAPI(\n"),),
        {
            "archlint": (
                "zotify_api/app/factory.py:{line}: CV003 switches debug=True",
                "— remove it; tracebacks belong in the log",
            )
        },
        at="debug=True",
        group="conventions",
    ),
    Violation(
        "print",
        _CONVENTIONS,
        (
            Edit(
                "zotify_logging/redaction/names.py", '\n\ndef _planted() -> None:\n    print("x")\n'
            ),
        ),
        {
            "archlint": (
                "zotify_logging/redaction/names.py:{line}: CV002 prints outside the command line",
                "— log it, return it, or move the code into the package's cli",
            )
        },
        at="print(",
        group="conventions",
    ),
    Violation(
        "two-modules-of-one-name",
        _CONVENTIONS,
        (
            Edit("zotify_api/routes/config.py", '"""What can change at run time, over HTTP."""\n'),
            claim("zotify_api.routes.config"),
        ),
        # To mypy they are two: both packages have an __init__, so that names are full ones.
        {
            "archlint": (
                "zotify_api/routes/config.py:1: CV001 has the name of zotify_api/models/config.py",
                "— say what it holds: config_routes.py",
            )
        },
        group="conventions",
    ),
    Violation(
        "undocumented-route",
        _ROUTES,
        (
            Edit(
                "zotify_api/routes/job_routes.py",
                '\n\n@router.get("/planted/state", responses=problem_responses(401))\n'
                "def read_planted() -> str:\n"
                '    """Return a word, so that there is a route."""\n'
                '    return "planted"\n',
            ),
        ),
        {
            "archlint": (
                "zotify_api/routes/job_routes.py:{line}: EP001 GET /api/jobs/planted/state",
                "is not documented — add to docs/ENDPOINTS.md: | GET | `/api/jobs/planted/state` |",
            )
        },
        at='@router.get("/planted/state"',
        group="endpoints",
    ),
    Violation(
        "documented-route-that-does-not-exist",
        _ROUTES,
        (
            Edit(
                "docs/ENDPOINTS.md",
                "| GET | `/api/gone` | any key | 401 | Nothing. |\n| GET | `/api/config` |",
                "| GET | `/api/config` |",
            ),
        ),
        {
            "archlint": (
                "docs/ENDPOINTS.md:{line}: EP002 the application has no route GET /api/gone",
                "— remove the row, or mend its method and path",
            )
        },
        at="`/api/gone`",
        group="endpoints",
    ),
    Violation(
        "module-without-feature",
        _FEATURES,
        (Edit("zotify_api/models/planted.py", '"""Replies of a route to come."""\n'),),
        {
            "archlint": (
                "zotify_api/models/planted.py:1: FS001 no feature claims the module",
                "— name it after Modules: of its feature in docs/FEATURE_SPECS.md",
            )
        },
        group="features",
    ),
    Violation(
        "feature-without-module",
        _FEATURES,
        (Edit(FEATURES, "\n## Planted feature\n\nWhat nobody has written.\n"),),
        {
            "archlint": (
                f"{FEATURES}:{{line}}: FS003 the feature 'Planted feature' claims no module",
                "— add a line: Modules: `package.module`",
            )
        },
        at="## Planted feature",
        group="features",
    ),
    Violation(
        "feature-whose-module-is-gone",
        _FEATURES,
        (claim("zotify_logging.gone"),),
        {
            "archlint": (
                f"{FEATURES}:{{line}}: FS002 the feature 'Handler contract' claims",
                "zotify_logging.gone, which does not exist — mend the name, or remove the claim",
            )
        },
        at="`zotify_logging.gone`",
        group="features",
    ),
    Violation(
        "missing-docstring",
        _DOCSTRINGS,
        (
            Edit(
                "zotify_logging/storage/fingerprint.py", "\n\ndef planted() -> None:\n    return\n"
            ),
        ),
        {
            "archlint": (
                "zotify_logging/storage/fingerprint.py:{line}: DS001 the function planted has no",
                "docstring — write what it is for",
            )
        },
        at="def planted",
        group="docstrings",
    ),
    Violation(
        "empty-docstring",
        _DOCSTRINGS,
        (Edit("zotify_api/services/key_service.py", '\n\ndef planted() -> None:\n    """ """\n'),),
        {
            "archlint": (
                "zotify_api/services/key_service.py:{line}: DS002 the docstring of the function",
                "planted says no more than its name: '' — say in its first line",
            )
        },
        at="def planted",
        group="docstrings",
    ),
    Violation(
        "docstring-that-says-nothing",
        _DOCSTRINGS,
        (
            Edit(
                "zotify_logging/storage/generation.py",
                '\n\ndef close_worker() -> None:\n    """Closes the worker."""\n',
            ),
        ),
        {
            "archlint": (
                "zotify_logging/storage/generation.py:{line}: DS002 the docstring of the function",
                "says no more than its name: 'Closes the worker.' — say in its first line",
            )
        },
        at="def close_worker",
        group="docstrings",
    ),
    Violation(
        "case-without-a-test",
        "case that must be survived without a test",
        (
            Edit(
                "docs/MUST_SURVIVE.md",
                "—",
                "`tests/test_log_file.py::test_a_lone_writer_ends_a_torn_tail_at_open`",
            ),
        ),
        {"archlint": ("docs/MUST_SURVIVE.md:{line}: TM011 this row names no test — name one",)},
        at="a lone writer",
        group="traceability",
    ),
    Violation(
        "matrix-row-whose-test-does-not-exist",
        _MATRIX,
        (_matrix_row("Planted twin.", "`tests/test_gates.py`, `tests/test_gates.py::test_gone`"),),
        {
            "archlint": (
                f"{MATRIX}:{{line}}: TM006 pytest collects no test tests/test_gates.py::test_gone",
                "— mend the id; pytest --collect-only -q shows those that exist",
            )
        },
        at="Planted twin.",
        group="traceability",
    ),
    Violation(
        "done-row-without-test",
        _MATRIX,
        (_matrix_row("Planted alone.", "—"),),
        {
            "archlint": (
                f"{MATRIX}:{{line}}: TM007 SL-TASK-01 is done without a test",
                "— name a test that shows it, or change the status",
            )
        },
        at="Planted alone.",
        group="traceability",
    ),
    Violation(
        "core-change-without-matrix-change",
        "core change without a change of the matrix",
        (Edit("zotify_logging/exceptions.py", "\n\n# Changed.\n"),),
        {
            "archlint": (
                "zotify_logging/exceptions.py:1: CH001 core code changed since HEAD",
                f"— change {MATRIX}, or end the commit message with Doc-Lint-Ignore: <reason>",
            )
        },
        group="changes",
    ),
    Violation(
        "undocumented-option",
        "option or setting not documented",
        (
            Edit(
                "zotify_logging/handlers/file_stream.py",
                '        durability: str = "write",\n        planted: int = 5,\n',
                '        durability: str = "write",\n',
            ),
        ),
        {
            "archlint": (
                "zotify_logging/handlers/file_stream.py:{line}: CV004 the option planted of",
                "FileStreamHandler is not documented — add a row | `planted` | default | meaning |",
            ),
            "docs": ("docs/handlers/file_stream.md", "planted", "name every option"),
            "py": ("docs/handlers/file_stream.md", "planted", "name every option"),
        },
        at="planted: int",
        group="conventions",
        test="tests/test_docs.py::test_every_option_is_on_the_page_of_its_handler",
    ),
    Violation(
        "broken-readme-snippet",
        _SNIPPETS,
        (Edit("README.md", "follow as followed\n\nwith follow(", "follow\n\nwith follow("),),
        {gate: ("README.md:{line}: ", "NameError", _SNIPPET_CURE) for gate in ("docs", "py")},
        at="from zotify_logging.streaming import",
        test="tests/test_readme.py::test_every_other_snippet_runs",
    ),
    Violation(
        "broken-snippet",
        _SNIPPETS,
        (Edit("docs/recipes/plain_script.md", "import loging\n", "import logging\n"),),
        {
            gate: (
                "docs/recipes/plain_script.md:{line}: ",
                "No module named 'loging'",
                _SNIPPET_CURE,
            )
            for gate in ("docs", "py")
        },
        at="import loging",
        test="tests/test_docs.py::test_snippets_run_and_print_what_the_page_shows"
        "[docs/recipes/plain_script.md]",
    ),
    Violation(
        "snippet-with-a-type-error",
        "snippet with a type error",
        (
            Edit(
                "docs/recipes/plain_script.md",
                "def copy(name: int) -> None:",
                "def copy(name: str) -> None:",
            ),
        ),
        {"docs": ("docs_recipes_plain_script_0.py:", "Non-overlapping equality check")},
        test="tests/test_docs.py::test_snippets_are_typed",
        slow=True,
    ),
    Violation(
        "dead-link",
        "dead link",
        (Edit("docs/settings.md", "\nMore is [there](nowhere.md).\n"),),
        {
            gate: ("docs/settings.md:{line}: nowhere.md leads nowhere", "mend the link")
            for gate in ("docs", "py")
        },
        at="nowhere.md",
        test="tests/test_docs.py::test_links_lead_somewhere[docs/settings.md]",
    ),
)
"""What archlint holds, and the tests of the documentation."""
