"""Records under way are found on the stacks, and the seam keeps two sets of handlers apart."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

import pytest

from zotify_logging.service.records_in_flight import records_in_flight
from zotify_logging.service.seam import Seam


class Kept(logging.Handler):
    """Keeps messages; may do something first."""

    def __init__(self, first: Callable[[], object] | None = None) -> None:
        super().__init__()
        self.first = first
        self.messages: list[str] = []

    def handle(self, record: logging.LogRecord) -> bool:
        """Keep the message."""
        if self.first is not None:
            self.first()
        self.messages.append(record.getMessage())
        return True


def family() -> tuple[logging.Logger, logging.Logger]:
    parent, child = logging.getLogger("seam"), logging.getLogger("seam.child")
    parent.setLevel(logging.INFO)
    parent.propagate = False
    return parent, child


def test_records_are_found_with_the_logger_they_have_come_to() -> None:
    """In this thread and in others, below whatever else is on the stack."""
    parent, child = family()
    found: list[tuple[str, object]] = []
    handler = Kept(
        lambda: found.extend((one.record.msg, one.logger) for one in records_in_flight().values())
    )
    parent.addHandler(handler)
    thread = threading.Thread(target=child.info, args=("under way",))
    thread.start()
    thread.join()
    assert found == [("under way", parent)]
    assert records_in_flight(threading.get_ident()) == {}


def test_a_replaced_method_is_seen_through(monkeypatch: pytest.MonkeyPatch) -> None:
    """Error trackers put a function of their own before stdlib's."""
    parent, _ = family()
    original, seen = logging.Logger.callHandlers, list[object]()

    def tracked(self: logging.Logger, event: logging.LogRecord) -> None:
        original(self, event)

    monkeypatch.setattr(logging.Logger, "callHandlers", tracked)
    parent.addHandler(Kept(lambda: seen.extend(records_in_flight())))
    parent.info("x")
    assert len(seen) == 1


def placed(change: Callable[[], object]) -> tuple[list[list[str]], Seam]:
    """Log one record whose first handler places a seam and does ``change``; then a second one.

    Returns:
        What old and new handlers have, child's before parent's, and the seam.
    """
    parent, child = family()
    seam = Seam()

    def begin() -> None:
        old[0].first = None
        for logger, index in ((child, 0), (parent, 1)):
            seam.place(logger, [old[index]], [new[index]], (logger.propagate,) * 2)
        change()

    old, new = [Kept(begin), Kept()], [Kept(), Kept()]
    child.addHandler(old[0])
    parent.addHandler(old[1])
    changes["turn"] = seam.turn
    changes["take_back"] = seam.take_back
    child.info("first")
    child.info("second")
    return [one.messages for one in (*old, *new)], seam


changes: dict[str, Callable[[], object]] = {}


def test_a_record_under_way_stays_with_the_old_set() -> None:
    """It met the old handler of one logger, so it meets that of the next; later ones do not."""
    messages, seam = placed(lambda: changes["turn"]())
    assert messages == [["first"], ["first"], ["second"], ["second"]]
    assert seam.settle(0) is True
    child = logging.getLogger("seam.child")
    child.info("third")
    assert [len(handlers) for handlers in messages] == [1, 1, 2, 2]
    assert [type(one) for one in child.handlers] == [Kept]


def test_before_the_turn_all_goes_to_the_old_set() -> None:
    """And taken back, nothing is left of the seam."""
    messages, _ = placed(lambda: None)
    assert messages == [["first", "second"], ["first", "second"], [], []]
    messages, _ = placed(lambda: changes["take_back"]())
    logging.getLogger("seam.child").info("third")
    assert messages == [["first", "second", "third"]] * 2 + [[], []]


def test_handlers_of_others_stay_in_their_place_and_may_go_meanwhile() -> None:
    """What others add or remove between the turn and the end holds."""
    parent, _ = family()
    before, old, after, late, new = Kept(), Kept(), Kept(), Kept(), Kept()
    for one in (before, old, after):
        parent.addHandler(one)
    seam = Seam()
    seam.place(parent, [old], [new], (False, False))
    seam.turn()
    parent.info("x")
    assert [one.messages for one in (before, old, new, after)] == [["x"], [], ["x"], ["x"]]
    parent.removeHandler(after)
    parent.addHandler(late)
    assert seam.settle(0) and parent.handlers == [before, new, late]


@pytest.mark.parametrize("opens", [True, False])
def test_a_change_of_propagation_is_part_of_the_turn(opens: bool) -> None:
    """Each record goes up as its own set has it, whichever way the change goes."""
    parent, child = family()
    child.propagate = not opens
    old, new = [Kept(), Kept()], [Kept(), Kept()]
    child.addHandler(old[0])
    parent.addHandler(old[1])
    seam = Seam()

    def begin() -> None:
        old[0].first = None
        seam.place(child, [old[0]], [new[0]], (not opens, opens))
        seam.place(parent, [old[1]], [new[1]], (False, False))
        seam.turn()

    old[0].first = begin
    for name in ("first", "second"):
        child.info(name)
    up = {True: ([], ["second"]), False: (["first"], [])}[opens]
    assert [one.messages for one in (*old, *new)] == [["first"], up[0], ["second"], up[1]]
    assert seam.settle(0) and child.propagate is opens
