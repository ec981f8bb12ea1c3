"""What handlers say about themselves: remembered, and now and then on stderr."""

from __future__ import annotations

import io
import logging
import sys

import pytest

from zotify_logging.handlers import error_ring
from zotify_logging.handlers.error_ring import RING_SIZE, recent_problems, report


@pytest.fixture(autouse=True)
def silence_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(error_ring, "_next_line", 0.0)


def test_one_line_on_stderr_per_interval(capsys: pytest.CaptureFixture[str]) -> None:
    """All are remembered, the first is shown, on one line."""
    for number in range(5):
        report("h", f"problem\n{number}")
    assert capsys.readouterr().err == "zotify_logging: h: problem\\n0\n"
    assert [problem.text for problem in recent_problems()][-5:] == [
        f"problem\n{number}" for number in range(5)
    ]


def test_the_ring_is_bounded() -> None:
    """The oldest go first."""
    for number in range(RING_SIZE * 2):
        report("h", str(number))
    assert len(recent_problems()) == RING_SIZE
    assert recent_problems()[-1].text == str(RING_SIZE * 2 - 1)


def test_raise_exceptions_false_is_silence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """stdlib's switch is respected; the ring has it all the same."""
    monkeypatch.setattr(logging, "raiseExceptions", False)
    report("h", "silent")
    assert capsys.readouterr().err == "" and recent_problems()[-1].text == "silent"


def closed() -> io.StringIO:
    stream = io.StringIO()
    stream.close()
    return stream


@pytest.mark.parametrize("stream", [None, closed(), object()])
def test_a_broken_stderr_does_no_harm(monkeypatch: pytest.MonkeyPatch, stream: object) -> None:
    """Absent, closed, or no file at all."""
    monkeypatch.setattr(sys, "stderr", stream)
    report("h", "unseen")
    assert recent_problems()[-1].text == "unseen"
