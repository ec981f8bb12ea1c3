"""Constructor options: every problem at once, with near matches."""

from __future__ import annotations

import logging
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zotify_logging import MissingDependencyError, OptionError, ParameterError
from zotify_logging.options import OptionReader, check_options, near_match


class Sample:
    """A factory that opens nothing before its options are finished."""

    made = 0

    def __init__(self, filename: str, size: object = 1, **options: object) -> None:
        reader = OptionReader("Sample")
        reader.text("filename", filename)
        reader.size("size", size)
        reader.unknown(options)
        reader.finish()
        type(self).made += 1


def test_all_problems_are_raised_together() -> None:
    """The second wrong option does not wait for the first."""
    reader = OptionReader("H")
    reader.size("size", "big")
    reader.duration("wait", "-1 s")
    reader.integer("count", "three")
    reader.boolean("flag", "yes")
    reader.choice("kind", "derict", ("direct", "queued"))
    reader.mode("file_mode", "0888")
    reader.level("level", "WARN1NG")
    reader.text("name", "")
    reader.unknown({"cuont": 1})
    with pytest.raises(OptionError) as caught:
        reader.finish()
    assert len(caught.value.problems) == 9
    text = str(caught.value)
    assert "H.kind: 'derict' is not one of direct, queued; did you mean direct?" in text
    assert "H.cuont: unknown option; did you mean count?" in text
    assert "H.level: 'WARN1NG' is not a level; did you mean WARNING?" in text
    assert issubclass(OptionError, TypeError) and issubclass(OptionError, ValueError)


@pytest.mark.parametrize("text", ["²", "٣", "1.5", "", "0x10", "9" * 5000, "--1"])
def test_an_odd_integer_is_a_problem_and_no_crash(text: str) -> None:
    """What Python calls a digit is not always a number."""
    reader = OptionReader("H")
    reader.integer("count", text)
    with pytest.raises(OptionError):
        reader.finish()


def test_values_are_read() -> None:
    """Right values come back in their own types."""
    reader = OptionReader("H")
    assert reader.integer("count", " 42 ") == 42
    assert reader.level("level", "INFO") == logging.INFO
    assert reader.level("level", 15) == 15
    assert reader.mode("file_mode", "0640") == 0o640
    assert reader.text("name", None, optional=True) is None
    reader.finish()


def test_minimums_are_enforced() -> None:
    """A value below the minimum is a problem that names the minimum."""
    reader = OptionReader("H")
    reader.integer("count", 0, minimum=1)
    reader.size("size", 1, minimum=256)
    reader.duration("wait", 0.1, minimum=1)
    with pytest.raises(OptionError) as caught:
        reader.finish()
    assert all("below the minimum" in problem for problem in caught.value.problems)
    assert len(caught.value.problems) == 3


def test_checking_makes_nothing_and_finds_all() -> None:
    """A missing argument, a wrong value and an unknown name are found in one go."""
    assert check_options(Sample, {"filename": "x"}) == []
    assert check_options(Sample, {"size": "big", "fielname": "x"}) == [
        "filename: is required",
        "size: 'big' is not a size such as 1048576, '64 KiB' or '10 MB'",
        "fielname: unknown option; did you mean filename?",
    ]
    assert Sample.made == 0


@given(st.text(), st.lists(st.text()))
def test_near_match_takes_any_text(name: str, known: list[str]) -> None:
    """A hint or nothing, never an error."""
    assert near_match(name, known) == "" or "did you mean" in near_match(name, known)


@pytest.mark.parametrize(
    "error",
    [
        OptionError(["a: wrong", "b: wrong"]),
        MissingDependencyError("this", "that", "jobs"),
        ParameterError("level", "is wrong"),
    ],
)
def test_errors_survive_pickling(error: Exception) -> None:
    """An error that crosses a process boundary says the same there."""
    again = pickle.loads(pickle.dumps(error))
    assert str(again) == str(error) and again.__dict__ == error.__dict__
