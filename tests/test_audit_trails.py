"""audit_event and audit_action: independent of logging, and never silent about a loss."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from zotify_logging.audit.trail import AuditTrail, OnError
from zotify_logging.audit.trails import (
    audit_action,
    audit_event,
    current_trail,
    drop_trail,
    set_trail,
)
from zotify_logging.context import bound
from zotify_logging.exceptions import AuditEventError, AuditWriteError, NoAuditTrailError


@pytest.fixture
def trail(tmp_path: Path) -> Iterator[AuditTrail]:
    """Open one trail under the name "audit"."""
    trail = AuditTrail(tmp_path / "audit.jsonl")
    trail.open()
    set_trail("audit", trail)
    yield trail
    drop_trail("audit", trail)
    trail.close()


def events(trail: AuditTrail) -> list[dict[str, object]]:
    """Return the events of a trail but for its first."""
    return [json.loads(line) for line in Path(trail.path).read_bytes().splitlines()[1:]]


def test_returns_a_receipt_for_the_line(trail: AuditTrail) -> None:
    """The receipt's seq, id and hash are those of the line."""
    receipt = audit_event("user.login", user_id="u1", target=("track", "42"), details={"a": 1})
    event = events(trail)[0]
    assert receipt == (event["seq"], event["event_id"], event["hash"])
    assert receipt.in_chain
    assert event["target"] == {"type": "track", "id": "42"}
    assert event["outcome"] == "success"


def test_logging_switches_take_nothing_away(trail: AuditTrail) -> None:
    """Disabled logging, closed loggers and raiseExceptions=False lose no event."""
    logging.disable(logging.CRITICAL)
    logging.raiseExceptions = False
    logging.getLogger().setLevel(logging.CRITICAL)
    audit_event("user.login")
    assert len(events(trail)) == 1


def test_context_fills_what_is_not_given(trail: AuditTrail) -> None:
    """User, address and request come from the context; what is given wins."""
    with bound(user_id="u1", source_ip="10.0.0.1", request_id="r1", other="x"):
        audit_event("user.login")
        audit_event("user.login", user_id="u2")
    first, second = events(trail)
    assert (first["user_id"], first["source_ip"], first["request_id"]) == ("u1", "10.0.0.1", "r1")
    assert (second["user_id"], second["request_id"]) == ("u2", "r1")
    assert first["details"] == {}


def test_details_are_taken_by_value(trail: AuditTrail) -> None:
    """What the caller does with its mapping afterwards changes nothing."""
    details = {"list": [1]}
    audit_event("user.login", details=details)
    details["list"].append(2)
    assert events(trail)[0]["details"] == {"list": [1]}


def test_without_a_trail_the_cure_is_named(tmp_path: Path) -> None:
    """No trail, several without a name, a wrong name: each error says what to do."""
    with pytest.raises(NoAuditTrailError, match="JsonAuditHandler by dictConfig"):
        audit_event("user.login")
    with pytest.raises(NoAuditTrailError), audit_action("user.login"):
        pytest.fail("the block must not run")
    one, two = AuditTrail(tmp_path / "one.jsonl"), AuditTrail(tmp_path / "two.jsonl")
    set_trail("first", one)
    set_trail("second", two)
    try:
        with pytest.raises(NoAuditTrailError, match='first, second.*trail="name"'):
            audit_event("user.login")
        with pytest.raises(NoAuditTrailError, match="did you mean first"):
            audit_event("user.login", trail="frist")
        with one, two:
            assert audit_event("user.login", trail="second").in_chain
        assert len(events(two)) == 1
        drop_trail("first", two)  # not the one of that name: stays
        assert current_trail("first") is one
    finally:
        drop_trail("first", one)
        drop_trail("second", two)


def test_an_action_is_pending_then_success(trail: AuditTrail) -> None:
    """Two events, the second with what the block added and the id of the first."""
    with audit_action("config.update", user_id="u1", target=("config", "x")) as action:
        action.details["changes"] = {"a": 1}
        assert events(trail)[-1]["outcome"] == "pending"
    pending, ended = events(trail)
    assert action.receipt is not None
    assert ended["event_id"] == action.receipt.event_id
    details = ended["details"]
    assert isinstance(details, dict)
    assert (ended["outcome"], details["changes"]) == ("success", {"a": 1})
    assert details["pending"] == pending["event_id"]
    assert (ended["user_id"], ended["target"]) == ("u1", {"type": "config", "id": "x"})


def test_an_action_fails_with_its_block(trail: AuditTrail) -> None:
    """The exception goes on, and its text is the reason, without its secrets."""
    with pytest.raises(KeyError), audit_action("config.update"):
        raise KeyError("password=hunter2hunter2")
    ended = events(trail)[1]
    assert ended["outcome"] == "failure"
    assert str(ended["reason"]).startswith("KeyError: ")
    assert "hunter2" not in str(ended["reason"])
    with audit_action("config.update") as action:
        action.fail("refused by the disk")
    assert events(trail)[3]["reason"] == "refused by the disk"


@pytest.mark.parametrize("on_error", ["fallback", "raise", "count"])
def test_a_loss_is_learnt_by_the_rule_of_the_trail(tmp_path: Path, on_error: OnError) -> None:
    """fallback keeps, raise raises, count counts: and the next audit.gap tells all three."""
    trail = AuditTrail(tmp_path / "audit.jsonl", on_error=on_error)
    trail.open()
    set_trail("audit", trail)
    try:
        trail.close()
        if on_error == "raise":
            with pytest.raises(AuditWriteError, match="closed"):
                audit_event("user.login")
        else:
            assert audit_event("user.login").seq is None
        assert Path(trail.fallback_path).exists() == (on_error == "fallback")
        trail.open()
        assert [event["event_type"] for event in events(trail)] == ["audit.gap"]
        assert trail.losses == 0
    finally:
        drop_trail("audit", trail)
        trail.close()


def test_stderr_is_the_fallback_of_the_fallback(
    trail: AuditTrail, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a fallback file the line goes to stderr; without that, the caller learns it."""
    Path(trail.fallback_path).mkdir()
    trail.close()
    receipt = audit_event("user.login", user_id="u1", details={"password": "hunter2"})
    line = json.loads(capsys.readouterr().err)
    assert (line["event_id"], line["details"]) == (receipt.event_id, {"password": "[REDACTED]"})
    monkeypatch.setattr("sys.stderr", None)
    with pytest.raises(AuditWriteError):
        audit_event("user.login")


def test_a_failed_outcome_is_chained_to_the_blocks_exception(tmp_path: Path) -> None:
    """With on_error="raise" the error of the outcome names the block's own as its cause."""
    trail = AuditTrail(tmp_path / "audit.jsonl", on_error="raise")
    trail.open()
    set_trail("audit", trail)
    try:

        def body() -> None:
            with audit_action("config.update"):
                trail.close()
                raise KeyError("body")

        with pytest.raises(AuditWriteError) as caught:
            body()
        assert isinstance(caught.value.__cause__, KeyError)
    finally:
        drop_trail("audit", trail)


def test_unknown_types_can_be_refused(tmp_path: Path) -> None:
    """unknown="reject" raises at the call, before anything is written."""
    trail = AuditTrail(tmp_path / "audit.jsonl", unknown="reject")
    with trail:
        set_trail("audit", trail)
        try:
            with pytest.raises(AuditEventError, match="user.logn"):
                audit_event("user.logn")
            assert events(trail) == []
        finally:
            drop_trail("audit", trail)
