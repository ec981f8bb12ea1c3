"""Docstrings that are missing, that say nothing, and everything that must stay silent."""

from __future__ import annotations

from pathlib import Path

import pytest
from archlint_tree import add, codes, lay_out, plant

SILENT = '''\
# A comment may come first.
"""Corpus of what is right as it stands."""

import enum
import functools
from collections import namedtuple
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypedDict, overload

from fastapi import APIRouter
from typing_extensions import override

from shelf import books
from shelf.books import Book as Volume

router = APIRouter()
Point = namedtuple("Point", "x y")


@overload
def find(place: int) -> str: ...
@overload
def find(place: str) -> int: ...
def find(place: object) -> object:
    """Look on all boards."""

    def deeper(level: int) -> object:
        return level

    class Local:
        def visit(self) -> None:
            pass

    return deeper, Local


@router.get("/corpus")
@functools.lru_cache
async def list_corpus() -> str:
    """Serve the decorated route."""
    return ""


@dataclass(frozen=True)
class Card:
    """What is filed."""

    title: str
    tags: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        pass

    def __len__(self) -> int:
        return 0

    def _private(self) -> None:
        pass

    @property
    def age(self) -> int:
        """Years since printing."""
        return 1

    @age.setter
    def age(self, value: int) -> None:
        pass

    @age.deleter
    def age(self) -> None:
        pass


class Reader(Protocol):
    """Whoever reads."""

    limit: int

    @property
    def name(self) -> str: ...

    def read(self, card: Card) -> str: ...


class Row(TypedDict, total=False):
    """One line of the catalogue."""

    title: str


class Pair(NamedTuple):
    """Two that belong together."""

    left: int


class Colour(enum.Enum):
    """Of the back."""

    RED = 1


class Atlas(Volume):
    """A large one."""

    def move(self, place: int) -> None:
        pass


class Globe(books.Book):
    """A round one."""

    def move(self, place: int) -> None:
        pass

    @override
    def turn(self) -> None:
        pass


class _Hidden:
    def anything(self) -> None:
        pass


def _helper() -> None:
    pass


if True:

    def conditional() -> None:
        """Exists on some days."""
'''


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Lay out the clean project."""
    return lay_out(tmp_path)


def test_what_is_right_is_silent(tree: Path) -> None:
    """Overloads, setters, stubs, nested and private names, overrides and the rest need nothing."""
    add(tree, "shelf/corpus.py", SILENT)
    add(tree, "shelf/_private.py", "def anything():\n    pass\n")
    assert codes(tree, "docstrings") == []


MISSING = [
    ("x = 1\n", 1),
    ('"""Boards of wood."""\ndef plane(): ...\n', 2),
    ('"""Boards of wood."""\nclass Plank: ...\n', 2),
    ('"""Boards of wood."""\n@staticmethod\nasync def saw(): ...\n', 3),
    ('"""Boards of wood."""\nclass Plank:\n    """Cut wood."""\n    def saw(self): ...\n', 4),
    ('"""Boards of wood."""\nclass Plank:\n    """Cut wood."""\n    class Knot: ...\n', 4),
    ('"""Boards of wood."""\ntry:\n    import x\nexcept ImportError:\n    def y(): ...\n', 5),
    ('"""Of wood."""\nfrom x import y\nclass A(y):\n    """Cut."""\n    def go(self): ...\n', 5),
]


def test_missing_docstrings(tree: Path) -> None:
    """Each kind of public definition without a docstring is found where it begins."""
    for number, (code, _) in enumerate(MISSING):
        add(tree, f"shelf/boards_{number}.py", code)
    assert codes(tree, "docstrings") == [
        (f"shelf/boards_{number}.py", line, "DS001") for number, (_, line) in enumerate(MISSING)
    ]


NOTHING = [
    ("close_worker", "Closes the worker."),
    ("close_worker", "Closing workers"),
    ("get_value", "Returns the value."),
    ("stop", "Stopping."),
    ("HTTPServer", "The HTTP server class."),
    ("load", ""),
    ("load", "   \n    "),
    ("load", "TODO"),
    ("load", "Load.\n\n    Reads the file and checks it."),
]

SOMETHING = [
    ("close_worker", "Close the worker once its queue is empty."),
    ("value", "Bytes written so far."),
    ("load", "\n    Read the file and check it.\n    "),
    ("wait", "Wait 5 s."),
]


def test_docstrings_that_say_nothing(tree: Path) -> None:
    """A first line of the name's own words, endings and filler aside, is found."""
    for number, (name, text) in enumerate([*NOTHING, *SOMETHING]):
        code = f'"""Boards of wood."""\ndef {name}():\n    """{text}"""\n'
        add(tree, f"shelf/boards_{number:02}.py", code)
    assert codes(tree, "docstrings") == [
        (f"shelf/boards_{number:02}.py", 2, "DS002") for number in range(len(NOTHING))
    ]


def test_a_method_may_not_repeat_its_class(tree: Path) -> None:
    """The name of the class around a method says nothing about the method."""
    plant(tree, "shelf/books.py", "Put it down elsewhere.", "Move the book.")
    assert codes(tree, "docstrings") == [("shelf/books.py", 9, "DS002")]


def test_an_undocumented_base_gives_nothing(tree: Path) -> None:
    """An override is silent only while the method that it overrides is documented."""
    add(tree, "shelf/atlas.py", ATLAS)
    assert codes(tree, "docstrings") == []
    plant(tree, "shelf/books.py", '"""Put it down elsewhere."""', "pass")
    assert codes(tree, "docstrings") == [
        ("shelf/atlas.py", 8, "DS001"),
        ("shelf/books.py", 9, "DS001"),
    ]


ATLAS = '''"""Large ones."""
from .books import Book as Volume


class Atlas(Volume):
    """Held with both hands."""

    def move(self, place): ...
'''


def test_syntax_error_is_a_finding(tree: Path) -> None:
    """A file that is no Python is named, and the others are still looked at."""
    add(tree, "shelf/boards.py", "def f(:\n")
    add(tree, "shelf/planks.py", "x = 1\n")
    assert codes(tree, "docstrings") == [
        ("shelf/boards.py", 1, "AL002"),
        ("shelf/planks.py", 1, "DS001"),
    ]
