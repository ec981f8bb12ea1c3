"""A bounded queue and one writer thread, between the application and a sink that can stall."""

from .bounded_queue import OVERFLOW_POLICIES, Overflow
from .entry_size import entry_size
from .worker import Worker

__all__ = ["OVERFLOW_POLICIES", "Overflow", "Worker", "entry_size"]
