"""Fixtures for pytest: ``pytest_plugins = ["zotify_logging.testing.fixtures"]`` in a conftest.

Not an entry point: that would be imported by every pytest run of every project which has this
library installed, whether it wants the fixtures or not.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from .capturing_handler import CapturingHandler
from .fake_clock import FakeClock
from .loss_watch import LossWatch

__all__ = ["captured_logs", "fake_clock", "log_losses"]


@pytest.fixture
def log_losses() -> LossWatch:
    """Watch all handlers from here on: ``log_losses.assert_no_loss()`` says whether any lost."""
    return LossWatch()


@pytest.fixture
def captured_logs() -> Iterator[CapturingHandler]:
    """Keep everything that reaches the root logger, redacted as in any handler of ours."""
    handler = CapturingHandler()
    logging.root.addHandler(handler)
    yield handler
    logging.root.removeHandler(handler)
    handler.close()


@pytest.fixture
def fake_clock() -> Iterator[FakeClock]:
    """Stop the clock at 2026-01-01T00:00:00Z for the length of the test."""
    with FakeClock() as clock:
        yield clock
