"""The text and the JSON layout, as the specification has them."""

from __future__ import annotations

import copy
import json
import logging
import sys
from logging.config import dictConfig

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zotify_logging import ConfigurationError, JsonFormatter, TextFormatter, bound
from zotify_logging.formatters import LineFormatter
from zotify_logging.handlers.snapshot import snapshot
from zotify_logging.redaction import Redactor

REDACTOR = Redactor()


def make(msg: object = "hello", *args: object, **attributes: object) -> logging.LogRecord:
    record = logging.LogRecord("app.db", logging.WARNING, "f.py", 1, msg, args, None)
    record.created = 1_795_341_600.0
    record.__dict__.update(attributes)
    return record


def parse(line: str) -> dict[str, object]:
    def pairs(members: list[tuple[str, object]]) -> dict[str, object]:
        assert len({name for name, _ in members}) == len(members), line
        return dict(members)

    orjson.loads(line)
    parsed = json.loads(line, object_pairs_hook=pairs)
    assert isinstance(parsed, dict)
    return parsed


def failing() -> logging.LogRecord:
    try:
        raise ValueError("boom\ntoken=S3cr3t")
    except ValueError:
        return make("failed", exc_info=sys.exc_info(), stack_info="Stack\n  line")


def test_the_text_layout() -> None:
    """Timestamp, level, logger, message; fields are not shown."""
    line = TextFormatter().format(make("a %d", 1, user="ann"))
    assert line == "2026-11-22T10:00:00.000000Z WARNING app.db a 1"


def test_the_json_layout() -> None:
    """Leading members first, then context and fields, flat; the call's fields win."""
    with bound(user="bound", request_id="r"):
        line = JsonFormatter().format(make("a", user="ann"))
    assert line == (
        '{"timestamp":"2026-11-22T10:00:00.000000Z","level":"WARNING","logger":"app.db",'
        '"message":"a","user":"ann","request_id":"r"}'
    )


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_an_exception_and_a_stack_stay_on_the_line(formatter: LineFormatter) -> None:
    """Redacted, escaped, and the record as it was."""
    record = failing()
    before = copy.copy(record.__dict__)
    line = formatter.render(record, REDACTOR)
    assert len(line.splitlines()) == 1 and "S3cr3t" not in line
    assert "Traceback" in line and "Stack" in line and "ValueError: boom" in line
    assert record.__dict__ == before
    assert record.exc_text is None


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_direct_and_queued_lines_are_the_same(formatter: LineFormatter) -> None:
    """A line is the same whether the record or its entry is written."""
    for record in (
        failing(),
        make("x %s", "y"),
        make("%d", "bad", n=1),
        make({"event": "e"}),
        make(t=((1,),)),
    ):
        entry = snapshot(record, REDACTOR)
        assert formatter.render_entry(entry) == formatter.render(record, REDACTOR)


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_nothing_in_a_record_breaks_the_line(formatter: LineFormatter) -> None:
    """Logger names, level names, messages and fields are all escaped."""
    record = make("a\nb\u2028c\ud800", name="x\ny", levelname="L\r1", field="v\n\ud800")
    line = formatter.render(record, None)
    assert len(line.splitlines()) == 1
    line.encode()
    if isinstance(formatter, JsonFormatter):
        assert parse(line)["logger"] == "x\ny"


@pytest.mark.parametrize("formatter", [TextFormatter(), JsonFormatter()])
def test_odd_records_are_kept(formatter: LineFormatter) -> None:
    """Wrong arguments, odd levels, times that are none, messages that are no text."""
    for record in (make("%d", "x"), make(None), make(5), make(levelname=7), make(b"b")):
        assert len(formatter.render(record, REDACTOR).splitlines()) == 1
    assert formatter.render(make(created=float("nan")), None).count("1970-01-01T00:00:00") == 1


def test_fields_never_take_the_place_of_a_leading_member() -> None:
    """They get a trailing underscore; no name is there twice, not even 1 beside "1"."""
    fields = {"level": "f", "timestamp": 1, "timestamp_": 2, "exception": 3, "a": {1: 1, "1": 2}}
    parsed = parse(JsonFormatter().format(make({"event": "m", "message": "field", **fields})))
    assert parsed["message"] == "m" and parsed["message_"] == "field"
    assert (parsed["level"], parsed["level_"]) == ("WARNING", "f")
    assert (parsed["timestamp__"], parsed["timestamp_"], parsed["exception_"]) == (1, 2, 3)
    assert parsed["a"] == {"1": 1, "1 (1)": 2}


def test_a_bad_field_costs_no_traceback() -> None:
    """NaN, huge integers, cycles and odd keys beside an exception."""
    cycle: list[object] = []
    cycle.append(cycle)
    record = failing()
    record.__dict__.update(nan=float("nan"), big="x" * 50_000, n=10**5000, c=cycle, t={(1,): 2})
    parsed = parse(JsonFormatter().render(record, REDACTOR))
    assert "ValueError: boom" in str(parsed["exception"]) and "Stack" in str(parsed["stack"])


@given(st.text(st.characters(codec=None, exclude_categories=())), st.floats())
def test_any_message_and_field_parse(message: str, number: float) -> None:
    """Whatever is logged, the line is JSON for every reader."""
    line = JsonFormatter().render(make("%s", message, n=number, m=message), REDACTOR)
    assert parse(line)["level"] == "WARNING" and len(line.splitlines()) == 1


def test_objects_do_not_show_what_a_text_may_not() -> None:
    """An exception as a field is redacted like a text."""
    line = JsonFormatter().render(make("a", error=ValueError("token=S3cr3t")), REDACTOR)
    assert "S3cr3t" not in line and "[REDACTED]" in line


@pytest.mark.parametrize("name", ["TextFormatter", "JsonFormatter"])
@pytest.mark.parametrize("key", ["class", "()"])
def test_dictconfig_makes_them_either_way(
    name: str, key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a class, which gets three arguments, and as a factory, which gets none."""
    dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {"f": {key: f"zotify_logging.{name}"}},
            "handlers": {"h": {"class": "logging.StreamHandler", "formatter": "f"}},
            "loggers": {"formatted": {"handlers": ["h"], "level": "INFO"}},
        }
    )
    logging.getLogger("formatted").info("two\nlines")
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_format_of_ones_own_is_refused() -> None:
    """The text layout is fixed, and a format that did nothing would deceive."""
    with pytest.raises(ConfigurationError, match="layout is fixed"):
        TextFormatter("%(message)s")
    with pytest.raises(ConfigurationError, match="style"):
        TextFormatter(style="{")


@pytest.mark.parametrize(
    "name", ["format", "formatTime", "formatException", "add_fields", "process_log_record"]
)
def test_a_method_that_would_never_be_called_is_refused(name: str) -> None:
    """A class made for python-json-logger says so at once, and loses no members in silence."""
    with pytest.raises(TypeError, match=f"Mine: {name} would never be called"):
        type("Mine", (JsonFormatter,), {name: lambda *args: None})
    assert issubclass(type("Mine", (JsonFormatter,), {"render": lambda *args: "x"}), JsonFormatter)
