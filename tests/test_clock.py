"""Times as RFC 3339, the same as datetime's."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zotify_logging import ParameterError
from zotify_logging.clock import created_us, format_created, format_ns, format_us, parse_instant

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def as_datetime_has_it(created: float) -> str:
    moment = datetime.fromtimestamp(created, UTC)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@given(st.floats(-62_135_596_800, 253_402_300_799))
def test_every_time_is_datetimes(created: float) -> None:
    """Rounded as datetime rounds, before and after the epoch."""
    assert format_created(created) == as_datetime_has_it(created)
    assert format_us(created_us(created)) == format_created(created)
    assert len(format_created(created)) == 27


@given(st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31)))
def test_a_datetime_comes_back(moment: datetime) -> None:
    """Microseconds survive the way there and back."""
    us = (moment.replace(tzinfo=UTC) - EPOCH) // timedelta(microseconds=1)
    assert parse_instant("since", format_us(us)) == us
    assert format_ns(us * 1000 + 999) == format_us(us)


@pytest.mark.parametrize("created", [float("nan"), float("inf"), -float("inf"), 1e300, -1e300])
def test_what_is_no_time_still_has_a_text(created: float) -> None:
    """A hostile time costs no record."""
    assert len(format_created(created)) == 27


@pytest.mark.parametrize("created", [0.0, -0.5, -1.5, 0.9999996, 1_700_000_000.9999999])
def test_edges_of_a_second(created: float) -> None:
    """Rounding up carries into the next second, below zero too."""
    assert format_created(created) == as_datetime_has_it(created)


def test_threads_that_cross_a_second_together() -> None:
    """No thread ever sees another second's text."""
    wrong: list[str] = []

    def run(start: float) -> None:
        for step in range(3000):
            created = start + (step % 7) * 0.3
            if format_created(created) != as_datetime_has_it(created):
                wrong.append(format_created(created))

    threads = [threading.Thread(target=run, args=(1_700_000_000.0 + n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "us"),
    [
        ("1970-01-01T00:00:01Z", 1_000_000),
        ("1970-01-01T01:00:00+01:00", 0),
        ("12.5", 12_500_000),
        ("15m", 3_600_000_000 - 900_000_000),
    ],
)
def test_instants_are_read(text: str, us: int) -> None:
    """RFC 3339, unix seconds and times ago."""
    assert parse_instant("since", text, now_ns=3_600 * 10**9) == us


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("2026-01-01T00:00:00", "append Z"),
        ("2026-01-01T00:00:00 01:00", "%2B"),
        ("yesterday", "is not a time"),
        ("\ud800", "is not a time"),
    ],
)
def test_a_wrong_instant_names_its_cure(text: str, cure: str) -> None:
    """The parameter and the cure are in the message."""
    with pytest.raises(ParameterError, match="since") as caught:
        parse_instant("since", text)
    assert cure in str(caught.value)


@given(st.text(max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    """Nothing but ParameterError comes out."""
    try:
        assert isinstance(parse_instant("since", text), int)
    except ParameterError:
        pass
