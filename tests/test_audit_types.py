"""The registry of event types."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from zotify_logging.audit import types
from zotify_logging.audit.types import is_event_type, known_event_types, register_event_type
from zotify_logging.exceptions import AuditEventError


@pytest.fixture(autouse=True)
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Leave the registry as it was."""
    monkeypatch.setattr(types, "_known", dict(types._known))
    yield


def test_the_built_in_types_obey_the_rule() -> None:
    """Every name that we write ourselves is a valid one, with a valid outcome."""
    for name, kind in known_event_types().items():
        assert is_event_type(name) and kind.name == name
        assert kind.outcome in ("success", "failure", "unknown", "pending")
    assert {"user.login", "auth.denied", "track.update", "key.revoke", "audit.read"} <= set(
        known_event_types()
    )


def test_applications_add_their_own() -> None:
    """A registered type is known, with its fields and default outcome."""
    kind = register_event_type("playlist.export", ["format"], outcome="pending")
    assert (
        known_event_types()["playlist.export"]
        == kind
        == ("playlist.export", ("format",), "pending")
    )


@pytest.mark.parametrize(
    "name", ["Playlist", "playlist", "a.b-c", "audit.chain.started", "a." * 70]
)
def test_names_that_cannot_be_are_refused(name: str) -> None:
    """A name against the rule, or one of the trail's own, is an error that says so."""
    with pytest.raises(AuditEventError, match="event type"):
        register_event_type(name)
    with pytest.raises(AuditEventError, match="outcome"):
        register_event_type("playlist.export", outcome="maybe")
