"""Sizes and durations as people write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zotify_logging.quantities import MAX_DURATION, MAX_SIZE, parse_duration, parse_size


@pytest.mark.parametrize(
    ("text", "size"),
    [("10 MB", 10 * 2**20), ("64 KiB", 65536), (" 1g ", 2**30), ("0.5 MB", 2**19), ("7", 7)],
)
def test_sizes_are_read_with_units(text: str, size: int) -> None:
    """Units are powers of 1024, in any case and spacing."""
    assert parse_size(text) == size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("250 ms", 0.25),
        ("30 s", 30.0),
        ("5 min", 300.0),
        ("1 h", 3600.0),
        ("1d", 86400.0),
        ("2 w", 1209600.0),
    ],
)
def test_durations_are_read_with_units(text: str, seconds: float) -> None:
    """Every unit means what it says."""
    assert parse_duration(text) == seconds


@given(st.integers(0, MAX_SIZE))
def test_a_number_of_bytes_is_exact(size: int) -> None:
    """No size passes through a float on its way."""
    assert parse_size(size) == size == parse_size(str(size))


@pytest.mark.parametrize(
    "value",
    [-1, True, None, "", "MB", "1 parsec", "1e3", "-5", "٣", 10**400, "9" * 5000, float("nan")]
    + [float("inf"), 10**5000, b"1", [1], MAX_SIZE + 1],
    ids=lambda value: type(value).__name__,  # 5,000 digits have no text
)
def test_everything_else_is_a_value_error(value: object) -> None:
    """Whatever is no size or duration raises ValueError, and nothing else."""
    with pytest.raises(ValueError):
        parse_size(value)
    if value != MAX_SIZE + 1:
        with pytest.raises(ValueError):
            parse_duration(value)


def test_bounds_are_said() -> None:
    """A size has whole bytes, and a duration no more than a hundred years."""
    with pytest.raises(ValueError, match="whole number"):
        parse_size("0.3 KB")
    assert parse_duration(MAX_DURATION) == MAX_DURATION
    with pytest.raises(ValueError, match="above the maximum"):
        parse_duration("36501 d")


@given(st.one_of(st.text(), st.floats(), st.integers(), st.none()))
def test_nothing_but_value_error_ever_comes_out(value: object) -> None:
    """Any value is read or refused."""
    for parse in (parse_size, parse_duration):
        try:
            assert parse(value) >= 0
        except ValueError:
            pass
