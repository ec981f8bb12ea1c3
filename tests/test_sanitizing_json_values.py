"""Any value as strict JSON, whatever it does."""

from __future__ import annotations

import copy
import enum
import json
import math
from collections import UserString, deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import PurePosixPath
from uuid import UUID

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zotify_logging.sanitizing import MAX_JSON_DEPTH, dump_json, json_safe

any_text = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


@dataclass
class Point:
    x: int


class HostileText(str):
    def __str__(self) -> str:
        raise ValueError

    def isprintable(self) -> bool:
        raise ValueError

    __len__ = __repr__ = __str__  # type: ignore[assignment]  # hostile on purpose


class HostileInt(int):
    def __int__(self) -> int:
        raise ValueError

    def __repr__(self) -> str:
        raise ValueError

    def __le__(self, other: object) -> bool:
        raise ValueError

    __ge__ = __lt__ = __gt__ = __le__


class Unprintable:
    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


class HostileMapping(Mapping[str, object]):
    def __getitem__(self, key: str) -> object:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        yield "first"
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


class HostileDict(dict[str, object]):
    def items(self) -> object:  # type: ignore[override]  # that is the point
        raise RuntimeError

    keys = __iter__ = items  # type: ignore[assignment]  # hostile on purpose


class HostileClass:
    @property  # type: ignore[misc]  # that is the point
    def __class__(self) -> type:
        raise RuntimeError


def strict(text: str) -> object:
    """Parse as JSON readers do that take neither NaN nor a name twice."""

    def pairs(members: list[tuple[str, object]]) -> dict[str, object]:
        assert len({name for name, _ in members}) == len(members), "a name twice"
        return dict(members)

    def refuse(constant: str) -> object:
        raise AssertionError(constant)

    orjson.loads(text)
    return json.loads(text, object_pairs_hook=pairs, parse_constant=refuse)


ODD: list[object] = [
    10**5000,
    -(10**300),
    2**64,
    Colour.RED,
    Number.ONE,
    Point(1),
    HostileText("hostile"),
    HostileInt(5),
    Unprintable(),
    HostileMapping(),
    HostileClass(),
    object(),
    range(10**12),
    memoryview(b"abc"),
    bytearray(b"\xff"),
    UserString("user"),
    Decimal("NaN"),
    UUID(int=0),
    PurePosixPath("/a"),
    datetime(2026, 1, 1, tzinfo=UTC),
    timedelta(seconds=1),
]
leaves = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    any_text,
    st.binary(max_size=20),
    st.integers(0, len(ODD) - 1).map(lambda index: ODD[index]),  # hypothesis shows its strategies
)
keys = st.one_of(any_text, st.integers(), st.none(), st.booleans(), st.floats(), st.tuples())
values = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4),
        st.tuples(inner, inner),
        st.frozensets(st.integers(), max_size=3),
        st.builds(deque, st.lists(inner, max_size=2)),
    ),
    max_leaves=12,
)


@given(values)
@example({1: "a", "1": "b"})
@example({"a": "\ud800", "b": "😀"})
@example([float("nan"), math.inf])
def test_any_value_becomes_strict_json(value: object) -> None:
    """Every reader takes it; a mapping becomes an object, and never is a name there twice."""
    parsed = strict(dump_json(value))
    assert isinstance(parsed, dict) == isinstance(value, Mapping)


@given(values, st.integers(0, 400))
def test_json_safe_is_bounded(value: object, max_bytes: int) -> None:
    """The text stays near its maximum: at most the containers' own brackets are beyond it."""
    safe, _ = json_safe(value, max_bytes=max_bytes)
    text = json.dumps(safe, allow_nan=False, separators=(",", ":"))
    assert len(text) <= max_bytes + 40 * (MAX_JSON_DEPTH + 1)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"a": math.nan}, "/a: non_finite"),
        ({"a": 10**30}, "/a: huge_integer"),
        ({"a": b"x"}, "/a: bytes"),
        ({"a": {1, 2}}, "/a: set"),
        ({"a/b~": math.inf}, "/a~1b~0: non_finite"),
        ({(1, 2): 1}, "/(1, 2): key_type"),
        ({"a": ["\ud800"]}, "/a/0: lone_surrogate"),
        ({"a": Unprintable()}, "/a: Unprintable"),
        ({"a": HostileMapping()}, "/a: KeyError"),
        ({1: 1, "1": 2}, "/1: key_clash"),
    ],
)
def test_problems_are_named(value: object, problem: str) -> None:
    """Each change has its JSON Pointer and its kind."""
    assert problem in json_safe(value)[1]


def test_lone_surrogates_are_shown_escaped() -> None:
    """The rest of the text around them is kept."""
    assert json_safe({"k": "a\ud800b"}) == ({"k": "a\\ud800b"}, ["/k: lone_surrogate"])


def test_one_hostile_value_costs_itself_alone() -> None:
    """Its neighbours stay, and the object stays an object."""
    for hostile in (HostileMapping(), HostileDict(a=1), HostileClass(), Unprintable()):
        parsed = strict(dump_json({"before": 1, "hostile": hostile, "after": 2}))
        assert isinstance(parsed, dict)
        assert (parsed["before"], parsed["after"]) == (1, 2)
    assert strict(dump_json(HostileDict(a=1))) == {}


def test_cycles_and_depth_end() -> None:
    """A container in itself is said, as is one too deep."""
    cycle: list[object] = [1]
    cycle.append(cycle)
    assert json_safe(cycle) == ([1, "<cycle>"], ["/1: cycle"])
    deep: object = 1
    for _ in range(10_000):
        deep = [deep]
    assert "too deep" in dump_json(deep)


def test_huge_values_are_cut_not_copied() -> None:
    """A hundred megabytes are bounded by max_bytes."""
    big = {"text": "x" * 10**7, "bytes": b"y" * 10**7, "many": list(range(10**5))}
    safe, problems = json_safe(big, max_bytes=1000)
    assert len(json.dumps(safe)) < 1500 and problems


@given(st.dictionaries(st.text(max_size=5), st.lists(st.floats(), max_size=3), max_size=3))
def test_the_input_is_never_changed(value: dict[str, list[float]]) -> None:
    """What was given looks the same afterwards."""
    before = repr(copy.deepcopy(value))
    json_safe(value)
    dump_json(value)
    assert repr(value) == before
