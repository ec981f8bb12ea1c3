"""The logging service: handlers by name, dispatch, and changes while they run."""

from __future__ import annotations

from .diff import Diff, OptionChange
from .explanation import Explanation, Step
from .level_change import LevelChange
from .logging_service import LoggingService
from .service_health import ServiceHealth
from .service_statistics import ServiceStatistics

__all__ = [
    "Diff",
    "Explanation",
    "LevelChange",
    "LoggingService",
    "OptionChange",
    "ServiceHealth",
    "ServiceStatistics",
    "Step",
]
