"""The bounded queue: how much comes in, and who must leave it first."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import sized
from waiting import wait_until
from worker_rig import balance, entry, rig

from zotify_logging.records import LogEntry
from zotify_logging.worker import entry_size
from zotify_logging.worker.bounded_queue import BoundedQueue, Item, Mark
from zotify_logging.worker.waiter import Waiter


def test_the_reserve_belongs_to_warnings() -> None:
    """From 80 % full on, records below WARNING are refused and those above are not."""
    with rig(max_queue_size=10, overflow="drop_new", max_batch_size=1) as r:
        r.shut()
        taken = [r.worker.put(entry(n, 20)) for n in range(9)]
        assert taken == [True] * 7 + [False] * 2
        assert [r.worker.put(entry(n, 30)) for n in range(4)] == [True, True, False, False]
        assert r.ledger.snapshot().dropped == {"reserve": 2, "overflow": 2}


def test_the_reserve_counts_bytes_too() -> None:
    """The queue's memory is bounded, whatever the number of entries."""
    big = entry(1, 20, "x" * 10_000)
    with rig(max_queue_bytes=entry_size(big) * 10, overflow="drop_new", max_batch_size=1) as r:
        r.shut()
        taken = [r.worker.put(big) for _ in range(20)]
        assert sum(taken) == 7
        assert sum(r.worker.put(entry(n, 40, "y" * 10_000)) for n in range(20)) == 2


def test_drop_oldest_evicts_below_warning_first() -> None:
    """drop_oldest gives up the oldest lesser records, and one for one."""
    with rig(max_queue_size=10, overflow="drop_oldest", max_batch_size=1) as r:
        r.shut()
        for number in range(3):
            r.worker.put(entry(number, 20, f"info {number}"))
        for number in range(6):
            r.worker.put(entry(number, 40, f"error {number}"))
        assert r.worker.put(entry(3, 20, "info 3"))
        assert r.worker.put(entry(6, 40, "error 6"))
        r.sink.gate.set()
        assert r.worker.flush(10)
        assert "info 0" not in r.sink.messages
        assert all(f"error {n}" in r.sink.messages for n in range(7))
        assert r.sink.messages[-2:] == ["info 3", "error 6"]


def test_a_stuck_sink_holds_a_bounded_queue() -> None:
    """A flood into a stuck sink is dropped and counted, one by one, in bounded memory."""
    flood = sized(20_000, 1_000_000)
    with rig(max_queue_size=1_000, block_timeout=0.01) as r:
        r.shut()
        for number in range(flood):
            r.worker.put(entry(number))
        reading = r.ledger.snapshot()
        assert r.worker.depth <= 1_000
        assert reading.accepted == flood + 1
        assert balance(reading) == 0
        assert r.worker.close(0.1) is False


def numbers(items: list[Item]) -> list[int]:
    return [item[0].created_ns for item in items]


QUEUE_STEPS = st.lists(
    st.one_of(
        st.tuples(
            st.just("put"), st.sampled_from([10, 20, 30, 40]), st.sampled_from([1, 5, 40, 200])
        ),
        st.tuples(st.sampled_from(["take", "release", "mark"]), st.just(0), st.integers(1, 6)),
    ),
    max_size=60,
)


@settings(max_examples=sized(150, 3000), deadline=None)
@given(steps=QUEUE_STEPS, max_size=st.integers(1, 12), max_bytes=st.integers(20, 300))
def test_two_lines_behave_as_one(
    steps: list[tuple[str, int, int]], max_size: int, max_bytes: int
) -> None:
    """Order, bounds and evictions are those of one plain list that is searched from its start."""
    entries = BoundedQueue(max_size, max_bytes)
    plain: list[tuple[int, int, int]] = []  # number, level, size
    hands: list[tuple[int, int, int]] = []
    taken: list[Item] = []
    marks: list[tuple[int, Mark]] = []
    for number, (step, level_no, amount) in enumerate(steps):
        if step == "put":
            victims: deque[LogEntry] = deque()
            before = list(plain)
            came_in = entries.has_room(level_no, amount) or entries.evict(level_no, amount, victims)
            gone = [one.created_ns for one in victims]
            evictable = [item for item in plain if item[1] < 30]
            if level_no >= 30:
                evictable += [item for item in plain if item[1] >= 30]
            assert gone == [item[0] for item in evictable[: len(gone)]]
            plain = [item for item in plain if item[0] not in gone]
            if came_in:
                entries.append(entry(number, level_no), amount)
                plain.append((number, level_no, amount))
            else:
                assert plain == before, "given up in vain"
        elif step == "take" and not hands:
            entries.tell_marks()
            taken = entries.take(amount)
            hands, plain = plain[: len(taken)], plain[len(taken) :]
            assert numbers(taken) == [item[0] for item in hands]
        elif step == "release" and hands:
            entries.release(taken)
            taken, hands = [], []
        elif step == "mark" and (hands or plain):
            marks.append((number, entries.mark()))
        for placed, mark in marks:
            behind = [item for item in hands + plain if item[0] < placed]
            assert mark.empty() or not behind
        assert entries.size == len(plain) + len(hands) <= max(1, max_size)
        assert entries.bytes == sum(item[2] for item in plain + hands)
        assert bool(entries) == bool(plain)
        assert entries.bytes <= max(max_bytes, 200)
    if hands:
        entries.release(taken)
    while entries:
        entries.tell_marks()
        entries.release(entries.take(100))
    entries.tell_marks()
    assert all(mark.get(timeout=0) for _, mark in marks)
    assert (entries.size, entries.bytes, bool(entries)) == (0, 0, False)


def test_an_eviction_among_many_warnings_is_found_at_once() -> None:
    """A lesser record behind any number of warnings is reached without passing them."""

    class Watched(deque[Item]):
        """Fails whoever walks through it."""

        def __iter__(self) -> Iterator[Item]:
            raise AssertionError("the queue was searched")

    entries = BoundedQueue(1_000, 10**9)
    entries._graver, entries._lesser = Watched(), Watched()
    for number in range(900):
        entries.append(entry(number, 40), 10)
    for number in range(900, 1_000):
        entries.append(entry(number, 20), 10)
    victims: deque[LogEntry] = deque()
    for number in range(1_000, 1_200):
        assert entries.evict(20, 10, victims)
        entries.append(entry(number, 20), 10)
    assert [one.created_ns for one in victims] == list(range(900, 1_100))


def test_nothing_is_evicted_for_what_cannot_come_in_anyway() -> None:
    """A record too big even for what could be freed is refused, and costs nobody its place."""
    entries = BoundedQueue(10, 1_000)
    for number in range(3):
        entries.append(entry(number, 40), 200)
    entries.append(entry(3, 20), 100)
    victims: deque[LogEntry] = deque()
    assert not entries.evict(20, 500, victims)
    assert not victims
    assert entries.evict(40, 500, victims)
    assert [one.created_ns for one in victims] == [3, 0]


def test_a_small_warning_does_not_pass_a_big_one_that_waits() -> None:
    """Else those who need much room would wait for as long as others need little."""
    entries = BoundedQueue(10, 1_000)
    entries.append(entry(1, 20), 700)
    big = Waiter(entry(2, 40), 900)
    entries.wait(big)
    entries.let_in()
    assert not entries.has_room(40, 10)
    entries.release(entries.take(1))
    assert entries.size == 1 and not entries.waiters
    assert entries.has_room(40, 10)


@pytest.mark.parametrize(
    ("level_no", "used", "reason"),
    [(20, 850, "reserve"), (20, 995, "overflow"), (40, 995, "overflow")],
)
def test_a_refusal_names_what_was_short(level_no: int, used: int, reason: str) -> None:
    """``reserve`` where a warning of that size would still have come in, else ``overflow``."""
    entries = BoundedQueue(10, 1_000)
    entries.append(entry(1, 40), used)
    assert not entries.has_room(level_no, 10)
    assert entries.refusal(level_no, 10) == reason


@pytest.mark.parametrize("by_bytes", [False, True])
def test_an_idle_sink_is_not_overflowed(by_bytes: bool) -> None:
    """A queue that half fills before a batch is complete is written, whatever flush_interval."""
    one = entry_size(entry(1))
    room = {"max_queue_bytes": one * 10} if by_bytes else {"max_queue_size": 10}
    with rig(overflow="drop_new", flush_interval=600, **room) as r:
        for number in range(5):
            assert r.worker.put(entry(number))
        wait_until(lambda: len(r.sink.messages) == 5)
