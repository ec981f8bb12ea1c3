"""Checks any logging handler against the rules of a good one, and breaks its surroundings on
purpose: for tests, of applications and of handlers of your own.

:func:`check_handler` is the kit. The fakes are real where they can be: a full pipe, a locked
database, a short ``write(2)``. Fixtures for pytest are in :mod:`zotify_logging.testing.fixtures`,
which is the only module here that imports it.
"""

from .capturing_handler import CapturingHandler
from .conformance import CASES, check_handler
from .dying_database import DyingDatabase
from .fake_clock import FakeClock
from .full_disk import FullDisk
from .loss_watch import LossWatch
from .stuck_sink import StuckSink
from .torn_write import TornWrite
from .violation import Violation

__all__ = [
    "CASES",
    "CapturingHandler",
    "DyingDatabase",
    "FakeClock",
    "FullDisk",
    "LossWatch",
    "StuckSink",
    "TornWrite",
    "Violation",
    "check_handler",
]
