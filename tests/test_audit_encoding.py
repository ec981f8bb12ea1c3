"""Any value becomes one strict ASCII line, without its secrets, and says what was changed."""

from __future__ import annotations

import json
import math
import uuid
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zotify_logging.audit.chain import MAX_LINE
from zotify_logging.audit.details import MAX_DETAILS
from zotify_logging.audit.encoding import EventEncoder
from zotify_logging.audit.event import AuditEvent
from zotify_logging.audit.event_id import new_event_id
from zotify_logging.audit.trail import AuditTrail
from zotify_logging.exceptions import AuditEventError
from zotify_logging.redaction import REDACTED, Redactor, register_secret


def encode(event: AuditEvent, unknown: str = "flag") -> tuple[dict[str, object], tuple[str, ...]]:
    """Encode one event and parse it strictly."""
    encoder = EventEncoder(Redactor(), "service", "host", unknown)
    encoded = encoder.encode(event, "id")
    assert encoded.body.isascii() and encoded.body.isprintable()
    parsed = json.loads("{" + encoded.body + "}", parse_constant=pytest.fail)
    assert isinstance(parsed, dict)
    return parsed, encoded.problems


def test_members_come_in_a_fixed_order() -> None:
    """A reader, and a person, find every member at its place."""
    event = AuditEvent(
        "user.login",
        outcome="failure",
        message="m",
        reason="r",
        user_id="u",
        on_behalf_of="b",
        source_ip="10.0.0.1",
        target=("track", "42"),
        request_id="q",
        details={"token": "t"},
    )
    expected = "event_type outcome message reason user_id actor_type on_behalf_of source_ip target"
    expected += " request_id service host pid details"
    assert list(encode(event)[0]) == [*expected.split(), "redacted"]
    assert list(encode(event._replace(details=None))[0]) == expected.split()


def test_actor_type_is_guessed_from_what_is_known() -> None:
    """A user, else an address without a user, else the system itself; what is given wins."""
    assert encode(AuditEvent("user.login", user_id="u"))[0]["actor_type"] == "user"
    assert encode(AuditEvent("user.login", source_ip="::1"))[0]["actor_type"] == "anonymous"
    assert encode(AuditEvent("user.login"))[0]["actor_type"] == "system"
    assert encode(AuditEvent("user.login", actor_type="service"))[0]["actor_type"] == "service"
    event, problems = encode(AuditEvent("user.login", actor_type="robot"))
    assert event["actor_type"] == "system"
    assert problems == ("/actor_type: robot is not one of user, service, system, anonymous",)


def test_outcome_defaults_to_that_of_the_type() -> None:
    """auth.denied is a failure by itself; a word that is none is unknown and listed."""
    assert encode(AuditEvent("user.login"))[0]["outcome"] == "success"
    assert encode(AuditEvent("auth.denied"))[0]["outcome"] == "failure"
    event, problems = encode(AuditEvent("user.login", outcome="maybe"))
    assert event["outcome"] == "unknown"
    assert "maybe" in problems[0]


@pytest.mark.parametrize("name", ["Login", "login", "user..login", "", None, 5, "a." + "b" * 127])
def test_bad_names_become_invalid_type(name: object) -> None:
    """A name that breaks the rule costs neither the event nor the name."""
    event, problems = encode(AuditEvent(name, user_id="u", details={"k": 1}))
    assert event["event_type"] == "audit.invalid_type"
    assert event["user_id"] == "u"
    assert event["details"] == {"k": 1, "event_type": name}
    assert "invalid_type" in problems


def test_unknown_types_are_flagged_accepted_or_refused() -> None:
    """The registry's say is an option of the trail."""
    event = AuditEvent("playlist.export")
    assert encode(event)[1] == ("unknown_type",)
    assert encode(event, "accept")[1] == ()
    with pytest.raises(AuditEventError, match="register_event_type"):
        encode(event, "reject")
    with pytest.raises(AuditEventError, match="did you mean user.login"):
        encode(AuditEvent("user.logn"), "reject")


class Raises:
    """A value that cannot be shown."""

    def __repr__(self) -> str:
        raise ValueError("no")


def test_odd_values_are_marked_and_keep_the_event() -> None:
    """NaN, cycles, bytes, sets, odd keys, surrogates, raising reprs: all there, all listed."""
    cycle: dict[str, object] = {}
    cycle["self"] = cycle
    details = {
        "nan": math.nan,
        "huge": 10**5000,
        "cycle": cycle,
        "bytes": b"\xff\x00",
        "set": {1},
        (1, 2): "tuple key",
        "surrogate": "\ud800",
        "raises": Raises(),
        "when": datetime(2026, 1, 1, tzinfo=UTC),
        "id": uuid.UUID(int=5),
    }
    event, problems = encode(AuditEvent("user.login", user_id="u1", details=details))
    assert (event["event_type"], event["user_id"]) == ("user.login", "u1")
    told = " ".join(problems)
    for name in ("nan", "huge", "cycle", "bytes", "set", "surrogate", "raises"):
        assert f"/details/{name}" in told, problems
    kept = event["details"]
    assert isinstance(kept, dict)
    assert kept["when"] == "2026-01-01T00:00:00+00:00"


def test_too_much_is_cut_and_said() -> None:
    """Details keep to 16 KiB and every other member to its bound; the line to 64 KiB."""
    wide = "\U0001f600" * 20_000
    event = AuditEvent(
        "user.login",
        message=wide,
        reason=wide,
        user_id=wide,
        on_behalf_of=wide,
        source_ip=wide,
        target=(wide, wide),
        request_id=wide,
        details={f"{wide[:50]}{number}": wide for number in range(100)},
    )
    encoded = EventEncoder(Redactor(), "s", "h", "flag").encode(event, "id")
    assert len(encoded.body) < MAX_LINE - 6000
    parsed, problems = encode(event)
    assert parsed["user_id"]
    assert len(json.dumps(parsed["details"], separators=(",", ":"))) <= MAX_DETAILS
    for name in ("message", "reason", "user_id", "on_behalf_of", "source_ip", "request_id"):
        assert f"/{name}: cut" in problems


JSON_LIKE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(alphabet=st.characters())
    | st.binary(),
    lambda children: st.lists(children, max_size=4)
    | st.dictionaries(
        st.text(alphabet=st.characters()) | st.integers() | st.none(), children, max_size=4
    ),
    max_leaves=20,
)


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(details=JSON_LIKE, user=st.text(alphabet=st.characters()), message=st.text())
def test_any_object_becomes_one_strict_line(details: object, user: str, message: str) -> None:
    """json and orjson read the same from it, and it has no line break in any reading."""
    encoder = EventEncoder(Redactor(), "s", "h", "flag")
    event = AuditEvent("user.login", user_id=user, message=message, details=details)
    text = "{" + encoder.encode(event, "id").body + "}"
    assert text.isascii() and len(text.splitlines()) == 1
    parsed = json.loads(text, parse_constant=pytest.fail)
    assert parsed["event_type"] == "user.login"
    assert isinstance(parsed["user_id"], str)
    orjson = pytest.importorskip("orjson")
    assert orjson.loads(text) == parsed


SECRETS = (
    "hunter2-hunter2",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "ghp_" + "a1B2" * 9,
    "AKIA" + "ABCD1234EFGH5678",
    "s3cr3t-value-registered",
    "ünïcode-secret-regïstered",
    "93847561029384",
)


def test_secrets_are_nowhere_in_the_file(tmp_path: Path) -> None:
    """By name, by shape and by registration, in every member, key, number and nesting."""
    for value in SECRETS[4:]:
        register_secret(value)
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path) as trail:
        for secret in SECRETS:
            for text in (
                f"password={secret}",
                f"line\npassword: {secret}",
                f'{{"token": "{secret}"}}',
                f"https://u:password={secret}@host/",
            ):
                trail.append(
                    AuditEvent(
                        "user.login",
                        message=text,
                        reason=text,
                        user_id=text,
                        on_behalf_of=text,
                        target=(text, text),
                        request_id=text,
                        details={
                            "note": text,
                            "Db-Password": secret,
                            "deep": [{"api_key": secret}, {"list": [text]}],
                            text: "as a key",
                        },
                    )
                )
        for secret in SECRETS[4:]:
            trail.append(AuditEvent("user.login", details={secret: [secret, {secret: secret}]}))
            trail.append(AuditEvent(f"bad {secret}", outcome=secret, actor_type=secret))
        trail.append(AuditEvent("user.login", details={"number": int(SECRETS[6])}))
    text = path.read_text()
    for secret in SECRETS:
        assert secret not in text
        assert json.dumps(secret)[1:-1] not in text
    assert text.count(REDACTED) > 50
    for line in text.splitlines():
        json.loads(line)


def test_replacements_are_listed() -> None:
    """``redacted`` holds a JSON Pointer for each place, also for what was redacted before."""
    event, _ = encode(
        AuditEvent(
            "user.login",
            message="Authorization: Bearer abcdefghijkl",
            details={"a": {"password": "x"}, "b": [f"was {REDACTED}"], "c/d": {"token": 1}},
        )
    )
    assert event["redacted"] == [
        "/message",
        "/details/a/password",
        "/details/c~1d/token",
        "/details/b/0",
    ]


INJECTIONS = (
    "a\nb",
    "a\r\nb",
    "a\x00b",
    "a\x85b\u2028c\u2029d",
    "a\x1b[31mb",
    '"}\n{"v":1,"seq":1}',
    "\x0b\x0c\x1c\x1d\x1e",
    "\u202eevil",
)


def test_injections_make_no_lines(tmp_path: Path) -> None:
    """One event is one line, for every way of splitting lines."""
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path, service="a\nb") as trail:
        for text in INJECTIONS:
            trail.append(
                AuditEvent("user.login", user_id=text, target=(text, text), details={text: text})
            )
            trail.append(AuditEvent(text, message=text))
    data = path.read_bytes()
    count = 1 + 2 * len(INJECTIONS)
    assert len(data.splitlines()) == len(data.decode("ascii").splitlines()) == count
    assert json.loads(data.splitlines()[1])["user_id"] == "a\nb"


def test_event_ids_are_uuid7_and_sort_by_time() -> None:
    """Version, variant and time are those of RFC 9562."""
    now = 1_790_000_000_123_456_789
    ids = [new_event_id(now + step * 10_000) for step in range(100)]
    assert ids == sorted(ids)
    one = uuid.UUID(ids[0])
    assert (one.version, one.variant) == (7, uuid.RFC_4122)
    assert one.int >> 80 == now // 1_000_000
