"""Which refusals are written, and for how many requests each stands."""

from __future__ import annotations

from zotify_api.security.client_address import refusal_group
from zotify_api.security.refusal_log import Refusal, RefusalLog


class _Trail:
    def __init__(self) -> None:
        self.now = 0.0
        self.events: list[tuple[str, str, int]] = []

    def write(self, refusal: Refusal, count: int) -> None:
        self.events.append((refusal.address, refusal.kind, count))

    def monotonic(self) -> float:
        return self.now


def _refuse(log: RefusalLog, address: str, kind: str = "wrong_key") -> None:
    refusal = Refusal(address, kind, "GET", "/api/config", "r1")
    if log.add(refusal, refusal_group(address)):
        log.write_first(refusal)


def test_the_first_is_written_at_once_and_the_rest_once_a_minute_by_count() -> None:
    """A flood is two events: the first, and one that stands for all others."""
    trail = _Trail()
    log = RefusalLog(trail.write, monotonic=trail.monotonic)
    for _ in range(1000):
        _refuse(log, "192.0.2.1")
    log.write_due()
    assert trail.events == [("192.0.2.1", "wrong_key", 1)]
    trail.now = 60
    log.write_due()
    assert trail.events[1:] == [("192.0.2.1", "wrong_key", 999)]
    trail.now = 120
    log.write_due()
    _refuse(log, "192.0.2.1")
    assert trail.events[2:] == [("192.0.2.1", "wrong_key", 1)]


def test_addresses_and_kinds_are_told_apart() -> None:
    """Another address or another kind is a first of its own."""
    trail = _Trail()
    log = RefusalLog(trail.write, monotonic=trail.monotonic)
    _refuse(log, "192.0.2.1")
    _refuse(log, "192.0.2.1", "missing_key")
    _refuse(log, "192.0.2.2")
    assert len(trail.events) == 3


def test_shutdown_writes_what_is_pending() -> None:
    """No count is lost with the process's orderly end."""
    trail = _Trail()
    log = RefusalLog(trail.write, monotonic=trail.monotonic)
    _refuse(log, "192.0.2.1")
    _refuse(log, "192.0.2.1")
    log.write_due(everything=True)
    assert [count for _, _, count in trail.events] == [1, 1]


def test_what_must_be_forgotten_is_written_first() -> None:
    """The table is bounded, and its bound loses no count."""
    trail = _Trail()
    log = RefusalLog(trail.write, max_entries=2, monotonic=trail.monotonic)
    for address in ("192.0.2.1", "192.0.2.1", "192.0.2.2", "192.0.2.3"):
        _refuse(log, address)
    assert ("192.0.2.1", "wrong_key", 1) in trail.events[2:]
    assert sum(count for _, _, count in trail.events) == 4


def test_one_ipv6_network_is_one_address() -> None:
    """A machine cannot dodge by changing the low bits of its address."""
    assert refusal_group("2001:db8::1") == refusal_group("2001:db8::ffff") == "2001:db8::/64"
    assert refusal_group("::ffff:192.0.2.1") == "192.0.2.1"
    assert refusal_group("unknown") == "unknown"
