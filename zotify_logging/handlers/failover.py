"""The way from a handler that could not keep a record to the one that may."""

from __future__ import annotations

from dataclasses import replace

from .. import registry
from ..records import LogEntry
from ..registry import Registered

__all__ = ["Failover"]


class Failover:
    """A handler's failover: known by name, so that it may be made later, or anew.

    It is kept alive: perhaps no logger has it.

    Args:
        name: of the handler that takes over.
        origin: the handler that hands over; an entry that has been there is not taken again.
    """

    def __init__(self, name: str, origin: object) -> None:
        self._name = name
        self._origin = id(origin)  # the number alone, to keep that handler not alive
        self._target: Registered | None = None
        registry.want(name, self)

    def found(self, name: str, handler: Registered) -> None:
        """Hand over to this one from now on."""
        self._target = handler

    def lost(self, name: str, handler: Registered) -> None:
        """Let go of one that has lost its name."""
        if self._target is handler:
            self._target = None

    def take(self, entry: LogEntry) -> bool:
        """Hand an entry over; the caller must not hold its own lock, or two could wait for ever.

        Returns:
            ``False`` if the entry has been with that handler already, or it is disabled.

        Raises:
            UnknownNameError: there is no handler of that name now.
        """
        target = self._target or registry.find(self._name)
        failed_in = (*entry.failed_in, self._origin)
        if id(target) in failed_in or not target.enabled:
            return False  # it went round, or would be ignored there
        target.receive(replace(entry, failed_in=failed_in))
        return True
