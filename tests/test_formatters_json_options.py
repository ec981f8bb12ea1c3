"""JsonFormatter with python-json-logger's options: what they mean there, they mean here."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import inspect
import json
import logging
import sys
import uuid
from collections.abc import Callable, Mapping
from logging.config import dictConfig
from pathlib import Path

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pythonjsonlogger.core import BaseJsonFormatter
from pythonjsonlogger.json import JsonFormatter as PythonJsonFormatter
from sizes import sized

from zotify_logging import ConfigurationError, FileStreamHandler, JsonFormatter, bound
from zotify_logging.formatters.json_options import JsonOptions
from zotify_logging.redaction import Redactor

REDACTOR = Redactor()
FORMAT = "%(levelname)s %(name)s %(message)s %(asctime)s"


@dataclasses.dataclass
class Track:
    """Something an application may log."""

    title: str
    password: str = "none"


class Colour(enum.Enum):
    """A member has a value."""

    RED = "red"


def failed() -> logging.LogRecord:
    try:
        raise ValueError("boom")
    except ValueError:
        record = logging.LogRecord("app", 40, "f.py", 7, "failed", (), sys.exc_info(), "work")
    record.stack_info = "Stack (most recent call last):\\n  here"
    return record


def plain(**extra: object) -> logging.LogRecord:
    record = logging.LogRecord("app", 30, "f.py", 7, "played %s", ("Ö",), None, "work")
    record.created, record.msecs = 1_795_341_600.5, 500.0
    record.__dict__.update(extra)
    return record


def event() -> logging.LogRecord:
    return logging.LogRecord("app", 20, "f.py", 7, {"message": "m", "n": {"a": [1]}}, (), None)


RECORDS: dict[str, Callable[[], logging.LogRecord]] = {
    "plain": plain,
    "extra": lambda: plain(user="ann", n=1.5, tags=["a", None, True], missing=None),
    "objects": lambda: plain(
        at=datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC),
        day=datetime.date(2026, 11, 22),
        id=uuid.UUID(int=5),
        colour=Colour.RED,
        kind=Track,
        track=Track("t"),
        raw=b"bytes",
        price=decimal.Decimal("1.5"),
        error=KeyError("k"),
        path=Path("/tmp"),
        keys={True: 1, None: 2, 3: 4},
    ),
    "exception": failed,
    "event": event,
}
OPTIONS: dict[str, dict[str, object]] = {
    "fmt": {},
    "fmt_list": {"fmt": ["levelname", "message", "lineno", "nothing"]},
    "fmt_commas": {"fmt": "levelname,message", "style": ","},
    "style_brace": {"fmt": "{levelname} {message}", "style": "{"},
    "style_dollar": {"fmt": "${levelname} $message", "style": "$"},
    "style_unchecked": {"fmt": "%(levelname)s", "validate": False},
    "datefmt": {"datefmt": "%Y"},
    "prefix": {"prefix": "app: "},
    "rename_fields": {"rename_fields": {"levelname": "severity", "user": "who", "n": "number"}},
    "rename_fields_keep_missing": {
        "rename_fields": {"nothing": "kept"},
        "rename_fields_keep_missing": True,
    },
    "static_fields": {"static_fields": {"service": "shop", "user": "static"}},
    "reserved_attrs": {"reserved_attrs": ["user", "args", "msg", "exc_info", "exc_text"]},
    "timestamp": {"timestamp": True},
    "timestamp_named": {"timestamp": "@timestamp"},
    "defaults": {"defaults": {"user": "nobody", "zone": "eu"}},
    "exc_info_as_array": {"exc_info_as_array": True},
    "stack_info_as_array": {"stack_info_as_array": True},
    "json_default": {"json_default": lambda value: f"<{type(value).__name__}>"},
    "json_encoder": {"json_encoder": type("Quiet", (json.JSONEncoder,), {"default": repr})},
    "json_serializer": {"json_serializer": json.dumps},
    "json_indent": {"json_indent": 2},
    "json_ensure_ascii": {"json_ensure_ascii": False},
}


def make(options: Mapping[str, object], of: type[logging.Formatter]) -> logging.Formatter:
    made: Callable[..., logging.Formatter] = of
    return made(**{"fmt": FORMAT, **options})


@pytest.mark.parametrize("kind", RECORDS)
@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_means_what_it_means_there(name: str, kind: str) -> None:
    """The same members with the same values, record by record."""
    prefix = str(OPTIONS[name].get("prefix", ""))
    ours = make(OPTIONS[name], JsonFormatter).format(RECORDS[kind]())
    theirs = make(OPTIONS[name], PythonJsonFormatter).format(RECORDS[kind]())
    assert ours.startswith(prefix) and len(ours.splitlines()) == 1
    left = json.loads(ours.removeprefix(prefix))
    right = json.loads(theirs.removeprefix(prefix))
    for one in (left, right):  # not of the record: two formatters, two moments
        one.pop("relativeCreated", None)
        if kind in ("exception", "event"):
            for clock in ("asctime", "created", "msecs", "timestamp", "@timestamp"):
                one.pop(clock, None)
    assert left == right
    assert list(left) == list(right)


simple_values = (
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
)
field_names = st.sampled_from(
    ["user", "n", "level", "timestamp", "@timestamp", "zone", "kept", "x"]
)


@settings(max_examples=sized(100, 10_000), deadline=None)
@given(
    st.lists(st.sampled_from(sorted(OPTIONS)), max_size=3),
    st.dictionaries(field_names, simple_values | st.lists(simple_values, max_size=2)),
    st.booleans(),
)
def test_options_together_mean_what_they_mean_there(
    names: list[str], extra: dict[str, object], hides: bool
) -> None:
    """Any options, any fields, redacted or not: the fast way to a line is no other way."""
    options = {key: value for name in names for key, value in OPTIONS[name].items()}
    prefix = str(options.get("prefix", ""))
    ours = make(options, JsonFormatter)
    assert isinstance(ours, JsonFormatter)
    line = ours.render(plain(**extra), REDACTOR if hides else None)
    theirs = make(options, PythonJsonFormatter).format(plain(**extra))
    left, right = json.loads(line.removeprefix(prefix)), json.loads(theirs.removeprefix(prefix))
    for one in (left, right):
        one.pop("relativeCreated", None)
    assert left == right
    # All of a record's attributes come in the order in which they were set on it.
    assert "reserved_attrs" in names or list(left) == list(right)


def test_the_options_of_python_json_logger_are_all_known() -> None:
    """A version that takes more would be found here."""
    theirs = {
        *inspect.signature(BaseJsonFormatter).parameters,
        *inspect.signature(PythonJsonFormatter).parameters,
    }
    ours = {*JsonOptions.__annotations__, "fmt", "datefmt", "style", "validate"}
    assert theirs - {"args", "kwargs"} == ours


def test_without_a_format_the_options_change_our_layout() -> None:
    """Timestamp, level, logger and message stay; fields keep out of their places."""
    formatter = JsonFormatter(
        rename_fields={"level": "severity", "exception": "trace"},
        static_fields={"service": "shop"},
        exc_info_as_array=True,
    )
    line = json.loads(formatter.format(plain(level="mine", user="ann")))
    assert line == {
        "timestamp": "2026-11-22T10:00:00.500000Z",
        "severity": "WARNING",
        "logger": "app",
        "message": "played Ö",
        "service": "shop",
        "level_": "mine",
        "user": "ann",
    }
    trace = json.loads(formatter.format(failed()))["trace"]
    assert trace[0].startswith("Traceback") and trace[-1] == "ValueError: boom"


def test_options_that_meet_keep_their_meaning() -> None:
    """A default of one's own for the time, and readable fields on a plain record."""
    options: dict[str, object] = {"timestamp": True, "json_default": lambda value: "mine"}
    theirs = json.loads(make(options, PythonJsonFormatter).format(plain()))
    assert json.loads(make(options, JsonFormatter).format(plain())) == theirs
    assert theirs["timestamp"] == "mine"
    readable = JsonFormatter("%(message)s", json_ensure_ascii=False).format(plain(city="Köln"))
    assert readable == '{"message":"played Ö","city":"Köln"}'


def test_context_is_on_the_line_with_a_format_too() -> None:
    """The call's fields win over it."""
    with bound(request_id="r1", user="bound"):
        line = json.loads(JsonFormatter("%(message)s").format(plain(user="call")))
    assert line == {"message": "played Ö", "request_id": "r1", "user": "call"}


def test_bound_names_replace_nothing_of_the_record() -> None:
    """They are kept beside it, whatever the format names."""
    with bound(message="bound", name="ann", asctime="never"):
        line = json.loads(JsonFormatter("%(message)s %(name)s").format(plain()))
    assert line == {
        "message": "played Ö",
        "name": "app",
        "message_": "bound",
        "name_": "ann",
        "asctime_": "never",
    }


def test_wrong_options_are_told_all_at_once() -> None:
    """With the name that was probably meant."""
    wrong: Callable[..., object] = JsonFormatter
    with pytest.raises(ConfigurationError) as caught:
        wrong(rename_field={}, static_fields="x", json_default=5, json_encoder=repr)
    assert caught.value.problems == (
        "JsonFormatter.rename_field: unknown option; did you mean rename_fields?",
        "JsonFormatter.static_fields: 'x' given; must be Mapping",
        "JsonFormatter.json_default: 5 given; must be callable",
        f"JsonFormatter.json_encoder: {repr!r} given; must be a class",
    )
    with pytest.raises(ConfigurationError, match="format"):
        JsonFormatter("%(message", style="%")
    with pytest.raises(ConfigurationError, match="Style"):
        JsonFormatter("x", style="?")


class Failing(json.JSONEncoder):
    """Takes nothing."""

    def encode(self, o: object) -> str:
        raise RuntimeError


HOSTILE: list[dict[str, object]] = [
    {},
    {"fmt": FORMAT},
    {"static_fields": {"nan": float("nan"), "n": 10**5000}},
    {"json_encoder": Failing},
    {"json_serializer": lambda data, **options: "{"},
    {"json_serializer": lambda data, **options: orjson.dumps(data)},
    {"json_default": lambda value: value},
    {"json_ensure_ascii": False},
    {"json_indent": 4, "json_serializer": json.dumps},
]

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.floats()
    | st.integers(-(10**30), 10**30)
    | st.binary(max_size=4)
    | st.text(st.characters(codec=None, exclude_categories=()), max_size=8)
    | st.sampled_from([Track("t"), Colour.RED, object(), KeyError(5), Track])
    | st.builds(lambda: 10**5000),
    lambda inner: st.lists(inner, max_size=3)
    | st.tuples(inner)
    | st.dictionaries(st.text(max_size=3) | st.tuples(st.integers()) | st.integers(), inner),
    max_leaves=6,
)


@given(VALUES, st.sampled_from(HOSTILE), st.text(st.characters(codec=None, exclude_categories=())))
def test_no_value_loses_a_record(value: object, options: dict[str, object], text: str) -> None:
    """Whatever is logged with whatever options, the line is one, and JSON to every reader."""
    made: Callable[..., JsonFormatter] = JsonFormatter
    cycle: list[object] = [value]
    cycle.append(cycle)
    formatter = made(**options)
    for record in (plain(value=value, cycle=cycle), plain(msg={"event": text, text: value})):
        record.args = ()
        for redactor in (None, REDACTOR):
            line = formatter.render(record, redactor)
            assert len(line.splitlines()) == 1
            assert orjson.loads(line.encode())


def test_secrets_are_hidden_whatever_the_options() -> None:
    """By name before and after renaming, inside objects, in what an encoder of one's own says."""
    record = plain(
        password="S3cr3t-1", track=Track("t", "S3cr3t-2"), error=KeyError("token=S3cr3t-3")
    )
    record.msg, record.args = "Bearer S3cr3t4S3cr3t4S3cr3t4S3cr3t4", ()
    every: list[dict[str, object]] = [
        {"rename_fields": {"password": "pw"}},
        {"static_fields": {"api_key": "S3cr3t-5"}},
        {"fmt": "%(message)s %(password)s"},
        {"json_serializer": lambda data, **options: json.dumps(data, default=repr)},
        {"json_default": vars},
    ]
    made: Callable[..., JsonFormatter] = JsonFormatter
    for options in every:
        line = made(**options).render(record, REDACTOR)
        assert "S3cr3t" not in line and "[REDACTED]" in line, options
        json.loads(line)


def test_handlers_may_share_a_formatter() -> None:
    """Each hides what it is to hide, in names of members and of loggers as well."""
    formatter = JsonFormatter("%(message)s %(module)s")
    assert '"module":"f"' in formatter.render(plain(), REDACTOR)
    assert '"module":"[REDACTED]"' in formatter.render(plain(), Redactor(["module"]))
    assert '"module":"f"' in formatter.render(plain(), REDACTOR)
    record = failed()
    record.name = "token=S3cr3t"
    assert "S3cr3t" not in JsonFormatter("%(name)s %(message)s").render(record, REDACTOR)


def test_a_formatter_whose_option_fails_keeps_the_record() -> None:
    """In the layout without options; the error is not the caller's."""

    class Broken(dict[str, object]):
        def items(self) -> object:  # type: ignore[override]  # what is tested
            raise RuntimeError

    formatter = JsonFormatter(static_fields={"a": 1})
    layout = formatter._layout
    assert layout is not None
    layout._theirs.__dict__["static_fields"] = Broken()
    assert json.loads(formatter.format(plain()))["message"] == "played Ö"


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_a_handler_writes_the_same_line_in_either_delivery(tmp_path: Path, delivery: str) -> None:
    """What the record alone knows (its function, an object) is on the line of a queued one too."""
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "f": {
                    "()": "zotify_logging.JsonFormatter",
                    "fmt": "%(funcName)s %(message)s",
                    "rename_fields": {"message": "text"},
                }
            },
            "handlers": {
                "h": {
                    "class": "zotify_logging.FileStreamHandler",
                    "filename": str(tmp_path / "log"),
                    "formatter": "f",
                    "delivery": delivery,
                    "max_line": 400,
                }
            },
            "loggers": {"optional": {"handlers": ["h"], "level": "INFO", "propagate": False}},
        }
    )
    logger = logging.getLogger("optional")
    with bound(request_id="r1"):
        logger.info("short", extra={"track": Track("t"), "api_key": "S3cr3t"})
        logger.info("long " * 200)
    handler = logger.handlers[0]
    assert isinstance(handler, FileStreamHandler) and handler.flush(20)
    first, second = map(json.loads, (tmp_path / "log").read_text().splitlines())
    assert first == {
        "funcName": "test_a_handler_writes_the_same_line_in_either_delivery",
        "text": "short",
        "request_id": "r1",
        "track": {"title": "t", "password": "[REDACTED]"},
        "api_key": "[REDACTED]",
    }
    assert second["text"].startswith("long long") and second["truncated"] > 1000
    assert second["request_id"] == "r1"


@given(st.dictionaries(st.text(max_size=5), st.text(), max_size=5), st.integers(60, 600))
def test_a_cut_line_is_json_and_fits(fields: dict[str, str], size: int) -> None:
    """However long its members are."""
    formatter = JsonFormatter(prefix="p", static_fields={"s": 1})
    line = formatter.format(
        plain(msg="ö" * 500, args=(), **{f"x{k}": v for k, v in fields.items()})
    )
    short = formatter.shorten(line, size)
    assert len(short.encode()) <= size and json.loads(short[1:])["truncated"] == len(line.encode())
