"""Dropped records of jobs, counted until they are told."""

from __future__ import annotations

from zotify_logging.jobs.dropped_records import DroppedRecords


def test_what_could_not_be_told_is_counted_again() -> None:
    """Counts taken start anew, and add up when they come back."""
    dropped = DroppedRecords()
    assert not dropped and dropped.take() == {}
    dropped.note("a")
    dropped.note("a")
    taken = dropped.take()
    assert taken == {"a": 2} and not dropped
    dropped.note("a")
    dropped.note("b")
    dropped.give_back(taken)
    assert dropped.take() == {"a": 3, "b": 1}


def test_the_number_of_jobs_told_apart_is_bounded() -> None:
    """Beyond 1,000 jobs only those known are counted on."""
    dropped = DroppedRecords()
    for number in range(1_200):
        dropped.note(str(number))
    dropped.note("0")
    taken = dropped.take()
    assert len(taken) == 1_000 and taken["0"] == 2
