"""A change of configuration as a transaction: everything is made first, then all of it holds."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import cast

from .. import registry
from ..exceptions import ConfigurationError
from ..handlers.error_ring import report
from ..registry import Registered
from ..sanitizing import safe_str
from .configuration_plan import ConfigurationPlan
from .configured import Configured, Definition
from .deadline import DEFAULT_TIMEOUT, close_all
from .dispatcher import Dispatcher
from .handler_swap import HandlerSwap, handler_named
from .made_files import MadeFiles
from .queue_listeners import stop_listening

__all__ = ["PATIENCE", "Reconfiguration"]

PATIENCE = DEFAULT_TIMEOUT
"""Seconds for records on their way to old handlers, and again for closing those."""


class Reconfiguration:
    """One change: ``build``, ``swap``, ``close_old``, ``hand_over`` and ``rename``, in that order.

    Args:
        previous: what the configuration in force has made.
        plan: what the new one comes to.
        replace_all: whether configured loggers lose all other handlers, as ``dictConfig`` has it.
    """

    def __init__(self, previous: Configured, plan: ConfigurationPlan, *, replace_all: bool) -> None:
        self._previous = previous
        self._plan = plan
        self._replace_all = replace_all
        self._old = dict(previous.handlers)
        if replace_all:
            self._old = {**_attached_to(plan.loggers), **self._old}
        self._kept = {id(previous.handlers[name]) for name in plan.kept}
        self._heirs = plan.predecessors(self._old, previous)
        self._to_empty: list[str] = []
        self._files = MadeFiles(plan.paths().values())
        self._made: dict[str, logging.Handler] = {}
        self._swap: HandlerSwap | None = None

    @property
    def configured(self) -> Configured:
        """What the new configuration has made."""
        return self._swapped().configured

    def build(self) -> None:
        """Make the new handlers, open and attached to nothing.

        Raises:
            ConfigurationError: everything that cannot be made, by path; nothing is left of it.
        """
        builder = self._plan.builder
        for name in self._plan.kept:
            builder.provide(name, self._previous.handlers[name])
        problems = builder.make_parts()
        if not problems:
            try:
                problems = builder.make(self._plan.anew, self._modes(), into=self._made)
            except BaseException:
                self._files.note()
                self.unmake()
                raise
            self._files.note()
        if problems:
            self.unmake()
            raise ConfigurationError(problems)

    def swap(
        self,
        levels: Mapping[str, int],
        logger_levels: Mapping[str, int],
        hold: Callable[[Configured, Callable[[Callable[[], object]], None]], None],
    ) -> None:
        """Have the new configuration hold.

        Args:
            levels: temporary levels of handlers, by name.
            logger_levels: likewise of loggers.
            hold: has the service hold the new handlers; before that, it gives the way back to
                its second argument.

        Raises:
            ConfigurationError: it cannot; everything is as it was, once :meth:`unmake` was called.
        """
        self._swap = swap = HandlerSwap(
            self._previous, self._plan, self._made, replace_all=self._replace_all
        )
        lock: AbstractContextManager[object]
        lock = logging._lock  # type: ignore[attr-defined]  # stdlib guards its tree with it
        with lock:
            try:
                swap.prepare(levels, logger_levels)
                hold(swap.configured, swap.on_take_back)
                swap.empty(self._to_empty)
                swap.seam.turn()
            except BaseException as error:
                if self.holds:  # Ctrl-C right behind the turn
                    raise
                swap.take_back()
                if isinstance(error, Exception):
                    raise ConfigurationError([f"cannot be applied: {safe_str(error)}"]) from error
                raise

    def unmake(self) -> None:
        """Close the new handlers, and remove what they made on disk."""
        _close(self._made, 0.0)
        self._files.remove()

    @property
    def holds(self) -> bool:
        """Whether the new configuration holds; from then on there is no way back."""
        return self._swap is not None and self._swap.seam.is_turned

    def close_old(self, patience: float = PATIENCE) -> bool:
        """Wait for records on their way to the old handlers, then flush and close those.

        Args:
            patience: seconds to wait for records on their way.

        Returns:
            Whether all records have arrived; if not, :meth:`complete` is still to be called.
        """
        settled = self._swapped().seam.settle(patience)
        _close(self._going(), PATIENCE)
        return settled

    def hand_over(self) -> None:
        """Have the new handlers go on counting where the old ones, now closed, have ended."""
        going = {id(one) for one in self._going().values()}
        for name, old in self.inherited().items():
            take_over = getattr(self._made[name], "take_over", None)
            if callable(take_over) and id(old) in going:
                take_over(old)

    def rename(self) -> None:
        """Have the new handlers be known by their names, and the old ones, now closed, by none."""
        for name, handler in self._going().items():
            if (ours := _registered(handler)) is not None:
                registry.unregister(name, ours)  # nobody hands over to it any more
            # A late record may open it again: not under a name that is another's by now.
            logging.Handler.set_name(handler, None)  # type: ignore[arg-type]  # stdlib takes None
        for name, handler in self._made.items():
            if handler_named(name) is not handler:  # stdlib forgets a name that was closed
                logging.Handler.set_name(handler, name)

    def complete(self) -> None:
        """Put the new lists in place, even if a record is still on its way to an old handler."""
        self._swapped().seam.complete()

    def inherited(self) -> dict[str, Registered]:
        """Return the old handler that each new one takes over from."""
        found = {name: _registered(self._old[old]) for name, old in self._heirs.items()}
        return {
            name: one
            for name, one in found.items()
            if one is not None and id(one) not in self._kept
        }

    def handler_levels(self) -> dict[str, int]:
        """Return the levels of handlers as the new configuration has them."""
        found = self.configured.definitions.items()
        return {name: cast(int, definition["level"]) for name, definition in found}

    def logger_levels(self) -> dict[str, int]:
        """Return the levels of loggers as the new configuration has them."""
        return self._swapped().logger_levels()

    def _swapped(self) -> HandlerSwap:
        if self._swap is None:
            raise RuntimeError("swap() comes first")
        return self._swap

    def _going(self) -> dict[str, logging.Handler]:
        """Return the old handlers that nobody has any more."""
        staying = {id(one) for one in self.configured.handlers.values()}
        staying |= {id(one) for one in _attached_to(None).values()}
        return {name: one for name, one in self._old.items() if id(one) not in staying}

    def _modes(self) -> dict[str, Definition]:
        """Return how files are opened that ``mode="w"`` would empty at once.

        Not before all else is done, and not at all where an old handler has written.
        """
        changed: dict[str, Definition] = {}
        for name, path in self._plan.paths().items():
            if self._plan.definitions[name].get("mode") == "w" and os.path.exists(path):
                changed[name] = {"mode": "a"}
                if name not in self._heirs:
                    self._to_empty.append(path)
        return changed


def _close(handlers: Mapping[str, logging.Handler], timeout: float) -> None:
    ours = {name: _registered(handler) for name, handler in handlers.items()}
    for name, handler in handlers.items():  # first: they may hand on to those that follow
        if ours[name] is not None:
            continue
        try:
            if not isinstance(handler, Dispatcher):  # its targets are flushed by themselves
                stop_listening(handler)
                handler.flush()
            handler.close()
        except Exception as error:  # somebody else's code
            report(name, f"while closing: {safe_str(error)}")
    close_all([(name, one) for name, one in ours.items() if one is not None], timeout)


def _registered(handler: object) -> Registered | None:
    return handler if isinstance(handler, Registered) else None


def _attached_to(names: Mapping[str, object] | None) -> dict[str, logging.Handler]:
    """Return the handlers of the loggers of these names, or of all loggers."""
    known = [logging.root, *list(logging.root.manager.loggerDict.values())]
    return {
        f"{logger.name}[{index}]": handler
        for logger in known
        if isinstance(logger, logging.Logger) and (names is None or logger.name in names)
        for index, handler in enumerate(logger.handlers)
    }
