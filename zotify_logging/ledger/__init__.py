"""What became of every record of one handler: the counters, a reading of them, and the health."""

from .handler_health import HandlerHealth
from .handler_statistics import HandlerStatistics
from .ledger import Ledger

__all__ = ["HandlerHealth", "HandlerStatistics", "Ledger"]
