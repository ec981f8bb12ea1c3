"""Arguments of a message that have names, on their way into a handler."""

from __future__ import annotations

import copy
import logging
from collections.abc import Iterator, Mapping

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zotify_logging.handlers.arguments import without_secret_arguments
from zotify_logging.redaction import Redactor

REDACTOR = Redactor()


def record_with(message: str, args: object) -> logging.LogRecord:
    return logging.makeLogRecord({"msg": message, "args": args})


@given(st.dictionaries(st.text(min_size=1), st.integers() | st.text() | st.none()))
def test_the_callers_record_and_arguments_stay_as_they_are(arguments: dict[str, object]) -> None:
    """Whatever the names and values; other arguments are passed through as they are."""
    before = copy.deepcopy(arguments)
    record = record_with("%s", arguments)
    clean = without_secret_arguments(record, REDACTOR)
    assert record.args is arguments and arguments == before
    assert clean is not record and isinstance(clean.args, dict)
    assert clean.args.keys() == arguments.keys()
    positional = record_with("%s %s", (1, arguments))
    assert without_secret_arguments(positional, REDACTOR) is positional


def test_a_name_that_is_not_listed_is_redacted_too() -> None:
    """A mapping may answer for any name."""

    class Answers(Mapping[str, str]):
        def __getitem__(self, name: str) -> str:
            return f"s3cr3t of {name}"

        def __iter__(self) -> Iterator[str]:
            return iter(())

        def __len__(self) -> int:
            return 0

    clean = without_secret_arguments(record_with("%(user)s %(my_password)s", Answers()), REDACTOR)
    # An empty mapping is no argument to logging; one that gives itself out as empty has no say.
    assert "s3cr3t of my_password" not in clean.getMessage()


@pytest.mark.parametrize("broken", ["__copy__", "__reduce_ex__"])
def test_a_record_that_cannot_be_copied_keeps_its_text(broken: str) -> None:
    """Without the arguments."""

    def refuse(self: logging.LogRecord, *rest: object) -> object:
        raise RuntimeError("no copies")

    kind = type("Unique", (logging.LogRecord,), {broken: refuse})
    record = kind("n", 20, "p", 1, "%(password)s", ({"password": "Tr0ub4dor"},), None)
    assert without_secret_arguments(record, REDACTOR).getMessage() == "%(password)s"
