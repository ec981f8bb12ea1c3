"""What a secret looks like in text, and what only resembles one."""

from __future__ import annotations

import ast
import json
import time
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sizes import sized

from zotify_logging.redaction import REDACTED, SECRET_NAMES, Redactor

PEM = "-----BEGIN RSA PRIVATE KEY-----\nS3cr3tMIIEvQIB\nkqhS3cr3t\n-----END RSA PRIVATE KEY-----"
JWT = "eyJhbGciS3cr3tOiJI.eyJzdWIiS3cr3t.S3cr3tc2ln"

# Each holds `S3cr3t` wherever something must not get out.
LEAKS = [
    "password=S3cr3t",
    "PASSWORD: S3cr3t",
    'password="S3cr3t with, S3cr3t"',
    'password="S3cr3t never closed',
    "password='S3cr3t\\'S3cr3t'",
    "password=b'S3cr3t'",
    "password=SecretStr('S3cr3t')",
    "password=ab,S3cr3t;S3cr3t",
    "db_password = S3cr3t",
    "stripeApiKey=S3cr3t",
    "x-api-key: S3cr3t",
    "api key: S3cr3t",
    '{"password": "S3cr3t", "n": 1}',
    '{\\"password\\": \\"S3cr3t \\\\\\" S3cr3t\\", \\"n\\": 1}',
    '{\\\\\\"password\\\\\\": \\\\\\"S3cr3t\\\\\\"}',
    '{"tokens": 1, "secret": ["S3cr3t", "x S3cr3t"]}',
    "{'token': ('S3cr3t', 'S3cr3t')}",
    "GET /x?access_token=S3cr3t&x=1",
    "Authorization: Bearer S3cr3t",
    "Authorization: Basic S3cr3tdXNlcjpwYXNz",
    'authorization: Digest username="S3cr3t", realm="a b", response="S3cr3t"',
    "Authorization: AWS4-HMAC-SHA256 Credential=S3cr3t/us, SignedHeaders=host, Signature=S3cr3t",
    "Host: a\r\nCookie: sid=S3cr3t; theme=S3cr3t\r\nAccept: */*",
    "Set-Cookie: sid=S3cr3t; Path=/; HttpOnly",
    "{'Cookie': 'a=S3cr3t; c=S3cr3t', 'X': 1}",
    "sent Bearer S3cr3tabcdefgh",
    "Basic dXNlcjpS3cr3t==",
    "postgres://user:S3cr3t@host/db",
    "postgres://user:S3cr@S3cr3t@host/db",
    "amqp://S3cr3t@host",
    f"jwt {JWT} sent",
    f"session-{JWT}",
    PEM,
    f"private_key: {PEM}",
    json.dumps({"key": PEM}),
    PEM.partition("-----END")[0],
    f"ghp_{'S3cr3t' * 5}",
    f"sk-proj-{'S3cr3t' * 5}",
    f"glpat-{'S3cr3t' * 4}",
    f"xoxb-{'S3cr3t' * 4}",
    "password=[REDACTED]S3cr3t",
]

ORDINARY = [
    "tokens used: 5",
    "monkey: x",
    "secretary: Ann, treasurer: Bob",
    "the token expired at 10:00:00",
    "/home/user/secrets/readme.txt: not found",
    "2026-11-22T10:00:00.000000Z",
    "6f1c0b1e-8c1d-4a3e-9b1a-2f1f2c3d4e5f",
    "https://example.com:8080/a/@user?x=1#y",
    "http://[::1]:8080/path",
    "mail ann@example.com about it: soon",
    "Basic authentication failed",
    "basic configuration loaded, bearer certificates",
    "key=5, primary_key: 7, keyboard: qwerty",
    "compass: north; author: Ann; authorized: yes",
    "disk-space-left-on-device-is-very-low",
    "password reset mail sent",
    "x" * 1000,
]


@pytest.mark.parametrize("text", LEAKS)
def test_secrets_in_text_are_replaced_whole(text: str) -> None:
    """Nothing of the secret is left, and a second time changes nothing."""
    redactor = Redactor()
    clean = redactor.text(f"before {text} after")
    assert "S3cr3t" not in clean and REDACTED in clean
    assert clean.startswith("before ")
    assert redactor.text(clean) == clean


@pytest.mark.parametrize("name", SECRET_NAMES)
def test_every_built_in_name_hides_its_value_in_text(name: str) -> None:
    """As ``name=value`` and ``name: value``, quoted or not, in every style of writing the name."""
    redactor = Redactor()
    parts = name.split("_")
    styles = {sign.join(parts) for sign in ("_", "-", ".", " ", "")}
    styles |= {parts[0] + "".join(map(str.title, parts[1:])), "-".join(map(str.title, parts))}
    for style in styles | set(map(str.upper, styles)):
        for text in ("{}=S3cr3t", "{}: S3cr3t", '"{}": "S3cr3t"', "{{'{}': 'S3cr3t'}}"):
            assert "S3cr3t" not in redactor.text(text.format(style)), style
        assert redactor.fields({"a": [{style: "S3cr3t"}]}) == {"a": [{style: REDACTED}]}


@pytest.mark.parametrize("text", ORDINARY)
def test_ordinary_text_stays(text: str) -> None:
    """What only resembles a secret is the same object afterwards."""
    assert Redactor().text(text) == text


@pytest.mark.parametrize("line", ['{"token":5,"b":1}', '{"a":"token=x","b":"{\\"pwd\\": 1}"}'])
def test_a_line_of_json_stays_json(line: str) -> None:
    """The value gets quotes where it had none, and escaped ones stay whole."""
    parsed = json.loads(Redactor().text(line))
    assert parsed["b"] in (1, '{"pwd": "[REDACTED]"}')


pieces = st.sampled_from(
    ["password", "token", "cookie", "authorization", "=", ":", " ", ", ", ";", '"', "'", "\\", "["]
    + ["]", "(", ")", "{", "&", "\n", "abc", "a=b", REDACTED, "Bearer ", "digest ", "Basic "]
    + ["eyJabcdef.eyJabcdef", "https://", "@", "-----BEGIN PRIVATE KEY-----", "-", "1x", "dXNlcjpw"]
)


@given(st.lists(pieces, max_size=14).map("".join))
def test_redacting_twice_is_redacting_once(text: str) -> None:
    """Handlers, formatters and failover all redact; the last result is the first."""
    redactor = Redactor()
    once = redactor.text(text)
    assert redactor.text(once) == once


@pytest.mark.parametrize(
    "piece",
    ['password="', 'password=\\"', "token=[", 'token=["', "eyJ-", "eyJa.", "https://a", "a@"]
    + ["-----BEGIN PRIVATE KEY", "-----BEGIN ", "SG.", "cookie: a=b; ", "token=a,", "bearer ", "'"]
    + ['authorization: digest a="b",', "token=bearer ", "token=\\", "xox", "pass", "Bearer a1."],
)
def test_hostile_text_takes_no_time(piece: str) -> None:
    """100 KB of any half-pattern are done in linear time (a generous deadline)."""
    redactor = Redactor()
    started = time.monotonic()
    for text in (piece * (100_000 // len(piece)), piece + " " * 100_000, piece + "a" * 100_000):
        redactor.text(text)
    assert time.monotonic() - started < 20


any_text = st.text(st.characters(codec=None, exclude_categories=()), min_size=1, max_size=20)


@settings(max_examples=sized(100, 20_000), deadline=None)
@given(
    any_text, st.sampled_from(["password", "X-Api-Key", "refreshToken", "cookie", "authorization"])
)
def test_a_quoted_value_is_replaced_whole(value: str, name: str) -> None:
    """Whatever is in it: as JSON, as JSON in JSON, and as Python shows it."""
    redactor = Redactor()
    hidden = {"a": 1, name: REDACTED, "b": "x"}
    shown = {"a": 1, name: value, "b": "x"}
    assert json.loads(redactor.text(json.dumps(shown))) == hidden
    assert json.loads(redactor.text(json.dumps(shown, ensure_ascii=False))) == hidden
    nested = json.loads(redactor.text(json.dumps({"body": json.dumps(shown)})))
    assert json.loads(nested["body"]) == hidden
    assert ast.literal_eval(redactor.text(repr(shown))) == hidden


@settings(max_examples=sized(100, 20_000), deadline=None)
@given(any_text)
def test_an_encoded_password_in_a_url_is_replaced_whole(value: str) -> None:
    """With or without a user's name before it."""
    encoded = quote(value.encode("utf-8", "surrogatepass"), safe="")
    for user in ("ann:", ":", ""):
        clean = Redactor().text(f"to postgres://{user}{encoded}@host:5432/db?x=1 now")
        assert clean == f"to postgres://{REDACTED}@host:5432/db?x=1 now"
