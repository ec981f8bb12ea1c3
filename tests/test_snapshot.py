"""A record by value: nothing in it changes when the caller goes on."""

from __future__ import annotations

import logging
import sys

from hypothesis import given
from hypothesis import strategies as st

from zotify_logging import bound
from zotify_logging.clock import format_created
from zotify_logging.handlers.snapshot import record_of, snapshot
from zotify_logging.redaction import Redactor

REDACTOR = Redactor()


def make(msg: object = "hello", *args: object, **attributes: object) -> logging.LogRecord:
    record = logging.LogRecord("app", logging.INFO, "dir/f.py", 12, msg, args, None)
    record.__dict__.update(attributes)
    return record


def test_an_entry_says_what_the_record_says() -> None:
    """Every attribute has its place; secrets are gone."""
    with bound(request_id="r", token="S3cr3t"):
        entry = snapshot(make("a %s", "token=S3cr3t", user="ann", process=7), REDACTOR)
    assert (entry.level, entry.level_no, entry.logger) == ("INFO", 20, "app")
    assert entry.message == "a token=[REDACTED]" and entry.source == "dir/f.py:12"
    assert entry.fields == {"user": "ann"} and entry.pid == 7
    assert entry.context == {"request_id": "r", "token": "[REDACTED]"}
    assert entry.exception is entry.stack is entry.rendered is None


def test_the_callers_objects_may_change_afterwards() -> None:
    """Containers are copied at any depth, other objects become text."""
    inner: list[object] = [1]
    raw = bytearray(b"ab")
    entry = snapshot(make(data={"inner": inner}, raw=raw, error=ValueError("x")), REDACTOR)
    inner.append(2)
    raw[0] = 0
    assert entry.fields["data"] == {"inner": [1]}
    assert entry.fields["error"] == "x"
    assert "ab" in str(entry.fields["raw"])


@given(st.floats(-1e9, 4e9))
def test_number_and_text_of_the_time_agree(created: float) -> None:
    """Both are rounded to the same microsecond."""
    entry = snapshot(make(created=created), REDACTOR)
    assert entry.timestamp == format_created(created)
    assert abs(entry.created_ns - created * 1e9) < 2000


def test_a_record_without_process_or_thread() -> None:
    """logging may be told not to collect them."""
    entry = snapshot(make(process=None, threadName=None, created=float("inf")), REDACTOR)
    assert (entry.pid, entry.thread, entry.created_ns) == (0, "", 0)


def test_a_record_comes_back_from_an_entry() -> None:
    """For stdlib code that wants one."""
    try:
        raise ValueError("boom")
    except ValueError:
        entry = snapshot(make("failed %d", 1, exc_info=sys.exc_info(), user="ann"), REDACTOR)
    record = record_of(entry)
    assert record.getMessage() == "failed 1" and record.__dict__["user"] == "ann"
    assert "ValueError: boom" in (record.exc_text or "")
    assert snapshot(record, REDACTOR).exception == entry.exception
