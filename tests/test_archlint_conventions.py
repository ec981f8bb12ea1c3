"""Names of modules, prints, debug switches, and options without a word about them."""

from __future__ import annotations

from pathlib import Path

import pytest
from archlint_tree import add, codes, findings, lay_out, plant

PAGE = "docs/OPTIONS.md"


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Lay out the clean project."""
    return lay_out(tmp_path)


def test_the_clean_tree_is_silent(tree: Path) -> None:
    """The command line may print, and everything is documented."""
    assert codes(tree, "conventions") == []


def test_two_modules_of_one_name(tree: Path) -> None:
    """A module with the name of another one, or of a package, is found; ``__main__`` is not."""
    for path in (
        "models/config.py",
        "routes/config.py",
        "access/__init__.py",
        "routes/__main__.py",
    ):
        add(tree, f"shelf_api/{path}", '"""More."""\n')
    add(tree, "shelf_api/__main__.py", '"""More."""\n')
    other, found = findings(tree, "conventions")
    assert other[:3] == ("shelf_api/access/__init__.py", 1, "CV001")
    assert found[:3] == ("shelf_api/routes/config.py", 1, "CV001")
    assert "config_routes.py" in found.text


def plant_each(tree: Path, bodies: list[str]) -> None:
    """Give each body a module of its own: ``case_0.py``, ``case_1.py`` …"""
    for number, body in enumerate(bodies):
        add(tree, f"shelf/case_{number}.py", f'"""Planted here."""\n{body}\n')


def test_print(tree: Path) -> None:
    """A call of print, and handing it on, are found outside the command line."""
    plant_each(tree, ["print('a')", "def f():\n    return print", "import sys\nsys.x = print"])
    assert codes(tree, "conventions") == [
        ("shelf/case_0.py", 2, "CV002"),
        ("shelf/case_1.py", 3, "CV002"),
        ("shelf/case_2.py", 3, "CV002"),
    ]


def test_what_is_no_print(tree: Path) -> None:
    """Methods, text, comments and functions of one's own are silent."""
    plant_each(
        tree,
        [
            "console.print('a')",
            "text = 'print(1)'",
            "def print(x): ...\nprint(1)",
            "def f(print):\n    print(1)",
            "pprint(1)",
            "# print(1)",
        ],
    )
    assert codes(tree, "conventions") == []


def test_debug(tree: Path) -> None:
    """Every way to switch debug on is found, in every package."""
    plant_each(
        tree,
        [
            "app = FastAPI(debug=True)",
            "app.debug = True",
            "debug = True",
            "debug: bool = True",
            "def serve(port, debug=True): ...",
            "def serve(*, port, debug=True): ...",
            "FastAPI(**{'debug': True})",
            "debug: bool = Field(True)",
            "debug: bool = field(default=True)",
        ],
    )
    assert codes(tree, "conventions") == [
        (f"shelf/case_{number}.py", 2, "CV003") for number in range(9)
    ]


def test_what_is_no_debug(tree: Path) -> None:
    """Other names, other values and text are silent."""
    plant_each(
        tree,
        [
            "f(debug=False)",
            "f(debugging=True)",
            "f(debug=x)",
            "'debug=True'",
            "def f(debug=0, y=True): ...",
            "debug: bool = Field(False, frozen=True)",
            "{'debug': False, 'reload': True}",
        ],
    )
    assert codes(tree, "conventions") == []


@pytest.mark.parametrize(
    ("row", "place"),
    [
        ("| `sheets` | how many |\n", ("shelf/handlers/ledger.py", 11, "CV004")),
        ("| `delay` | seconds |\n", ("shelf/handlers/base.py", 10, "CV004")),
        ("| `SHELF_PORT` | where it listens |\n", ("shelf_api/settings.py", 9, "CV005")),
    ],
    ids=["argument", "typed-dict", "setting"],
)
def test_undocumented(tree: Path, row: str, place: tuple[str, int, str]) -> None:
    """An option or setting without its row is found where it is defined."""
    plant(tree, PAGE, row, "")
    assert codes(tree, "conventions") == [place]


def test_formatters_have_options_too(tree: Path) -> None:
    """Their users set them in a configuration as those of a handler."""
    add(
        tree,
        "shelf/handlers/card.py",
        '"""Cards."""\n\nimport logging\n\n\nclass CardFormatter(logging.Formatter):\n'
        '    """One card a loan."""\n\n    def __init__(self, width: int = 9) -> None: ...\n',
    )
    assert codes(tree, "conventions") == [("shelf/handlers/card.py", 9, "CV004")]


def test_options_count_on_pages_that_name_their_class(tree: Path) -> None:
    """A row about something else of the same name is no documentation."""
    plant(tree, PAGE, "## `Ledger`", "## Ledgers of the world")
    assert [code for _, _, code in codes(tree, "conventions")] == ["CV004", "CV004"]


def test_words_in_running_text_are_no_documentation(tree: Path) -> None:
    """An option is documented by a row of a table, not by being mentioned."""
    plant(tree, PAGE, "| `sheets` | how many |", "| about `sheets` | how many |")
    assert codes(tree, "conventions") == []
    plant(tree, PAGE, "| about `sheets` | how many |\n", "")
    plant(tree, PAGE, "# Options", "# Options\n\nSet `sheets` to 3.")
    assert [code for _, _, code in codes(tree, "conventions")] == ["CV004"]


def test_settings_by_their_own_name_on_any_page(tree: Path) -> None:
    """A setting may be written as in the class, on any page of the patterns."""
    plant(tree, PAGE, "| `SHELF_PORT` | where it listens |\n", "")
    add(tree, "README.md", "| Setting | |\n| --- | --- |\n| `host`, `port` | where |\n")
    assert codes(tree, "conventions") == []


def test_classes_that_are_no_handlers_have_no_options(tree: Path) -> None:
    """Private classes and helpers beside handlers take whatever they like."""
    add(tree, "shelf/handlers/ring.py", HELPERS)
    assert codes(tree, "conventions") == []


HELPERS = '''"""Beside the handlers."""
from .base import LoanHandler


class Ring:
    """The last errors."""

    def __init__(self, size): ...


class _Hidden(LoanHandler):
    def __init__(self, secret): ...


class Plain(LoanHandler):
    """Without a constructor of its own."""
'''
