"""Limit of wrong keys per address."""

from __future__ import annotations

from zotify_api.security.wrong_key_limit import WrongKeyLimit


class _Time:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_the_one_after_the_limit_has_to_wait_until_the_first_is_a_minute_old() -> None:
    """Thirty are free; then the wait is what is left of the first one's minute."""
    time = _Time()
    limit = WrongKeyLimit(30, monotonic=time)
    for _ in range(30):
        assert limit.record("a") is None
        time.now += 1
    assert limit.record("a") == 30
    assert limit.record("b") is None
    time.now += 30
    assert limit.record("a") is None


def test_refused_ones_do_not_prolong_the_wait() -> None:
    """Whoever keeps trying is let through as soon as whoever waits."""
    time = _Time()
    limit = WrongKeyLimit(1, monotonic=time)
    assert limit.record("a") is None
    for _ in range(59):
        time.now += 1
        assert limit.record("a") is not None
    time.now += 1
    assert limit.record("a") is None


def test_memory_is_bounded() -> None:
    """No more addresses are remembered than allowed; the quietest is forgotten first."""
    limit = WrongKeyLimit(1, max_addresses=2, monotonic=_Time())
    assert limit.record("a") is None
    assert limit.record("b") is None
    assert limit.record("a") is not None
    assert limit.record("c") is None
    assert limit.record("a") is not None
    assert limit.record("b") is None
