"""Records of logging, structlog and python-json-logger read alike."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Mapping

import pytest

from zotify_logging.records import exception_text, extra_fields, message_text, read_record


def make(msg: object = "hello", *args: object, **attributes: object) -> logging.LogRecord:
    record = logging.LogRecord("app", logging.INFO, "f.py", 1, msg, args, None)
    record.__dict__.update(attributes)
    return record


class BrokenMapping(Mapping[str, object]):
    def __getitem__(self, key: str) -> object:
        raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def __len__(self) -> int:
        return 1


def test_extra_is_kept_and_private_names_are_not() -> None:
    """Also when a filter has taken another attribute away, and for names that are no text."""
    assert extra_fields(make()) == {}
    assert extra_fields(make(user="ann", _logger=1)) == {"user": "ann"}
    record = make(user="ann")
    del record.__dict__["stack_info"]
    assert extra_fields(record) == {"user": "ann"}
    record = make()
    record.__dict__[5] = "five"  # type: ignore[index]  # `extra={5: ...}` does this
    assert extra_fields(record) == {"5": "five"}


@pytest.mark.parametrize(
    ("msg", "args"), [("%d", ("x",)), ("%s %s", (1,)), ("no place", (1,)), ("%(a)s", ({"b": 1},))]
)
def test_arguments_that_do_not_fit_cost_no_record(msg: str, args: tuple[object, ...]) -> None:
    """The message and the arguments are both shown."""
    text = message_text(make(msg, *args))
    assert msg in text and "do not fit" in text


def test_a_message_is_always_an_exact_text() -> None:
    """A subclass of str, or an object whose text raises, ends as plain text."""

    class Loud(str):
        def __str__(self) -> str:
            return self

        def isprintable(self) -> bool:
            raise RuntimeError

    class Broken:
        def __str__(self) -> str:
            raise RuntimeError

        __repr__ = __str__

    assert type(message_text(make(Loud("x")))) is str
    assert "Broken" in message_text(make(Broken()))
    assert "do not fit" in message_text(make("%s", Broken()))


def test_exc_info_is_read_in_all_forms() -> None:
    """An exception, a triple, True and other truths; nothing at all where there is none."""
    try:
        raise ValueError("boom")
    except ValueError as error:
        caught = error
        for form in (error, sys.exc_info(), True, 1):
            text = exception_text(form)
            assert text is not None and text.endswith("ValueError: boom") and "Traceback" in text
    nothing: list[object] = [None, False, (None, None, None), (), True, "x"]
    assert [exception_text(form) for form in nothing] == [None] * len(nothing)
    assert "ValueError: boom" in (exception_text((ValueError, caught, None)) or "")


def test_an_exception_whose_text_raises_has_a_traceback() -> None:
    """A hostile __str__ costs its own text only."""

    class Hostile(Exception):
        def __str__(self) -> str:
            raise RuntimeError

    assert "Hostile" in (exception_text(Hostile()) or "")


def test_an_event_dictionary_becomes_message_and_fields() -> None:
    """structlog's `event`, python-json-logger's `message`, or the whole mapping."""
    content = read_record(make({"event": "done", "n": 1, "exc_info": False}))
    assert (content.message, content.fields, content.exception) == ("done", {"n": 1}, None)
    assert read_record(make({"message": "m", 1: 2})).fields == {"1": 2}
    assert read_record(make({"a": 1})).message == '{"a":1}'


def test_an_event_keeps_no_live_traceback() -> None:
    """exc_info is text afterwards, even beside an exception of the record's own."""
    try:
        raise ValueError("boom")
    except ValueError as error:
        event = {"event": "e", "exc_info": error, "stack": "s"}
        content = read_record(make(event, exc_text="earlier"))
        assert content.exception == "earlier" and content.stack == "s"
        assert content.fields == {}
        assert "boom" in (read_record(make(event)).exception or "")
        assert event["exc_info"] is error
    ready = read_record(make({"event": "e", "exception": "Traceback"}))
    assert ready.exception == "Traceback" and ready.fields == {}


def test_a_mapping_that_cannot_be_read_is_shown_as_an_object() -> None:
    """The record lives."""
    assert "BrokenMapping" in read_record(make(BrokenMapping(), user=1)).message
    assert read_record(make(BrokenMapping(), user=1)).fields == {"user": 1}
