"""What a record says about its job."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zotify_logging.exceptions import JobIdError
from zotify_logging.jobs.changes import is_tick
from zotify_logging.jobs.marks import JobMarks, job_id_of, read_marks
from zotify_logging.records import LogEntry

PLAIN = LogEntry(
    timestamp="2026-11-22T10:00:00.000000Z",
    created_ns=1,
    level="INFO",
    level_no=20,
    logger="app",
    message="m",
    exception=None,
    stack=None,
    fields={},
    context={},
    pid=1,
    thread="t",
    source="a.py:1",
)


def marks(**fields: object) -> JobMarks:
    found = read_marks(replace(PLAIN, fields={"job_id": "j", **fields}), None)
    assert found is not None
    return found


def test_extra_wins_over_context_and_that_over_the_default() -> None:
    """The id nearest to the call wins."""
    assert job_id_of("a", {"job_id": "b"}, "c") == "a"
    assert job_id_of(None, {"job_id": "b"}, "c") == "b"
    assert job_id_of(None, {}, "c") == "c"
    assert job_id_of(None, {}, None) is None


@pytest.mark.parametrize("wrong", ["", "a/b", "x" * 256, 7, b"j", ["j"]])
def test_a_wrong_id_is_refused_and_no_other_is_tried(wrong: object) -> None:
    """A line never lands under a job that was not meant."""
    with pytest.raises(JobIdError):
        job_id_of(wrong, {"job_id": "fine"}, "fine")


@given(st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.booleans(), st.binary()))
def test_any_value_of_any_mark_is_read_without_an_error(value: object) -> None:
    """Whatever is in status, progress, attempt or job_type: it is used or left alone."""
    found = marks(status=value, progress=value, attempt=value, job_type=value)
    assert found.attempt >= 1
    assert found.progress is None or abs(found.progress) < float("inf")


def test_unknown_statuses_are_no_statuses() -> None:
    """An HTTP status in extra is a field like any other."""
    assert marks(status=200).status is None
    assert marks(status="OK").status is None
    assert marks(status="finished").status == "finished"


def test_only_a_bare_progress_is_a_tick() -> None:
    """Progress alone is no line; a change of status, a warning or an exception is."""
    assert is_tick(PLAIN, marks(progress=42.0), None)
    assert is_tick(PLAIN, marks(progress=42.0, status="running"), "running")
    assert not is_tick(PLAIN, marks(progress=42.0, status="running"), "queued")
    assert not is_tick(PLAIN, marks(progress=100, status="finished"), "running")
    assert not is_tick(replace(PLAIN, level_no=30), marks(progress=42.0), None)
    assert not is_tick(replace(PLAIN, exception="Traceback"), marks(progress=1), None)
    assert not is_tick(PLAIN, marks(progress=float("nan")), None)
    assert not is_tick(PLAIN, marks(status="running"), "running")
