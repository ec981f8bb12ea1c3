"""A dispatcher whose handlers come from a configuration, and change with it while they run."""

from __future__ import annotations

import threading
from collections.abc import Callable

from ..clock import SYSTEM_CLOCK, Clock
from ..config import Source, load_config, placed_in
from ..exceptions import ConfigurationError
from ..registry import Registered
from .configuration_plan import ConfigurationPlan
from .configured import Configured
from .diff import Diff
from .dispatcher import Dispatcher
from .reconfiguration import Reconfiguration
from .service_statistics import ServiceStatistics
from .temporary_levels import TemporaryLevels

__all__ = ["ConfigurableDispatcher"]


class ConfigurableDispatcher(Dispatcher):
    """Part of the logging service: what its configuration has made, and the change to the next.

    Attributes:
        clock: what temporary levels go by; a subclass for tests brings its own.
    """

    clock: Clock = SYSTEM_CLOCK

    def __init__(self) -> None:
        super().__init__()
        self._levels = TemporaryLevels(self.clock)
        self._configured = Configured()
        self._changing = threading.RLock()
        self._is_changing = False
        self._retiring: dict[str, Registered] = {}
        self._applying: Reconfiguration | None = None
        self._unsettled: Reconfiguration | None = None

    def reconfigure(self, source: Source, dry_run: bool = False) -> Diff:
        """Change to another configuration while everything runs: all of it, or nothing.

        Everything is checked, then all new handlers are made and opened, and only then do they take
        the place of the old ones. Each record goes to the old handlers or to the new ones, to one
        set on all loggers alike. A handler whose own options are the same stays the same object;
        another one for the same file goes on in it: ``mode="w"`` does not empty it, counters and
        audit chain go on. Handlers that the previous configuration of this service did not make
        stay where they are. Old handlers are flushed and closed afterwards, within 5 s.

        Temporary levels hold on, on the new handlers as well, and then return to the new
        configuration's. A handler that was switched off stays off.

        Args:
            source: a whole configuration: a dictConfig mapping, or a TOML, JSON or YAML file.
            dry_run: only check and compare; nothing is made, on disk or elsewhere.

        Returns:
            What changes, option by option.

        Raises:
            ConfigurationError: everything that is wrong, at once, by path. Nothing has changed;
                files and folders that the attempt made are removed again.
            MissingDependencyError: a YAML file without the ``yaml`` extra.
        """
        return self._configure(source, dry_run=dry_run, replace_all=False)

    def statistics(self) -> ServiceStatistics:
        """Return each handler's ledger by name, and how often dispatch passed one over."""
        with self._guard:  # a handler and the one that it takes over from count together
            ledgers = {name: handler.statistics() for name, handler in self.targets()}
            for name, old in self._retiring.items():
                if name in ledgers:
                    ledgers[name] = ledgers[name].after(old.statistics())
            return ServiceStatistics(ledgers, self._skipped)

    def after_fork_in_child(self) -> None:
        """Forget locks that other threads of the parent may have held."""
        super().after_fork_in_child()
        self._changing = threading.RLock()
        self._is_changing = False
        self._retiring = {}
        # logging does not fork while its lock is held: either nothing holds yet, or all of it.
        if self._applying is not None and self._applying.holds:
            self._unsettled = self._applying

    def _configure(self, source: Source, *, dry_run: bool, replace_all: bool) -> Diff:
        config = load_config(source)
        with self._changing:
            if self._is_changing:
                raise ConfigurationError(["a change of configuration is under way in this thread"])
            self._is_changing = True
            try:
                own = self._handlers.keys() - self._configured.handlers.keys()
                plan = ConfigurationPlan(self._configured, config, own)
                if not dry_run:
                    self._apply(Reconfiguration(self._configured, plan, replace_all=replace_all))
                return plan.diff
            except ConfigurationError as error:
                raise placed_in(source, error.problems) from error
            finally:
                self._is_changing = False

    def _apply(self, change: Reconfiguration) -> None:
        self._settle()
        gone = self._configured.handlers.keys()
        change.build()
        self._applying = change
        settled = False
        try:
            with self._levels.held_still():
                change.swap(
                    self._levels.temporary("handler"),
                    self._levels.temporary("logger"),
                    lambda made, on_take_back: self._hold(made, change.inherited(), on_take_back),
                )
                self._levels.rebase("handler", {**dict.fromkeys(gone), **change.handler_levels()})
                self._levels.rebase("logger", change.logger_levels())
            settled = change.close_old()
        except BaseException:
            if change.holds:  # Ctrl-C: there is no way back, and no more patience
                settled = change.close_old(0.0)
            else:
                change.unmake()
            raise
        finally:
            self._applying = None
            if change.holds:
                self._unsettled = None if settled else change
                with self._guard:
                    change.hand_over()
                    self._retiring = {}
                change.rename()  # without the guard: it takes the lock of logging

    def _hold(
        self,
        configured: Configured,
        retiring: dict[str, Registered],
        on_take_back: Callable[[Callable[[], object]], None],
    ) -> None:
        with self._guard:
            before = self._handlers, self._configured

            def back() -> None:
                with self._guard:
                    self._handlers, self._configured = before
                    self._retiring = {}

            on_take_back(back)
            own = {
                name: one
                for name, one in self._handlers.items()
                if name not in self._configured.handlers
            }
            objects: dict[str, object] = dict(configured.handlers)
            ours = {name: one for name, one in objects.items() if isinstance(one, Registered)}
            self._handlers, self._configured = {**own, **ours}, configured
            self._retiring = retiring

    def _settle(self) -> None:
        """Complete a change that some record was too slow for."""
        unsettled, self._unsettled = self._unsettled, None
        if unsettled is not None:
            unsettled.complete()
