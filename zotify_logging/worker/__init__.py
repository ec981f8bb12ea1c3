"""A bounded queue and one writer thread, between the application and a sink that can stall."""

from .entry_size import entry_size
from .overflow_route import OVERFLOW_POLICIES, Overflow
from .worker import Worker

__all__ = ["OVERFLOW_POLICIES", "Overflow", "Worker", "entry_size"]
