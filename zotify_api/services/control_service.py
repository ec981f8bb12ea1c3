"""Changes handlers and loggers while they run, in every worker of the API alike."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from zotify_api.models.log_control import (
    ChangeReply,
    Explained,
    HandlerState,
    LogPatch,
    Setting,
    TargetKind,
)
from zotify_api.services.control_file import (
    ControlFile,
    ControlFileError,
    ControlItem,
    ControlState,
    Key,
)
from zotify_api.services.log_target import LogTarget, find_target
from zotify_logging import LoggingService, UnknownNameError, audit_action
from zotify_logging.audit import register_event_type
from zotify_logging.clock import format_us
from zotify_logging.published import read_reports

__all__ = ["APPLICATION", "REVISION", "ControlService"]

APPLICATION = "zotify-api"
"""The name under which workers publish."""

REVISION = "control_revision"
"""Where a worker publishes the revision that it has applied."""

_POLL = 0.25
_WAIT = 2.5
_LOCK_TIMEOUT = 5.0
_LONGEST = 3e9  # seconds: what a file written by hand may say, and no handler takes

_logger = logging.getLogger("zotify_api.control")

register_event_type("handler.update", ("old", "new", "until"))
register_event_type("logger.update", ("old", "new", "until"))


@dataclass
class _Applied:
    """What this worker has made of one item: where it began, and what holds now."""

    configured: str | bool
    base: str | bool
    temporary: str | bool | None = None
    until_us: int | None = None


class ControlService:
    """Applies ``control.json`` in this worker, and changes it for all; thread-safe.

    A worker looks at the file four times a second, and once more when a temporary change ends, so
    that all of them agree by the wall clock. A file that cannot be believed changes nothing and is
    told once in the system log.

    Args:
        logs: the handlers.
        path: the file.
        run_dir: where the workers publish.
        publish: publishes this worker's report at once.
    """

    def __init__(
        self, logs: LoggingService, path: Path, run_dir: Path, publish: Callable[[], None]
    ) -> None:
        self._logs = logs
        self._file = ControlFile(path)
        self._run_dir = run_dir
        self._publish = publish
        self._lock = threading.RLock()
        self._applied: dict[Key, _Applied] = {}
        self._told: set[Key] = set()
        self._state = ControlState()
        self._seen: tuple[int, int, int] | None = None
        self._done = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def revision(self) -> int:
        """The newest revision that this worker has applied."""
        return self._state.revision

    def in_force(self) -> list[tuple[Key, str | bool, int | None]]:
        """Return what was changed and still holds: key, value, end in epoch microseconds."""
        now = _now_us()
        found = [(item.key, *item.in_force(now)) for item in self._state.items]
        return [(key, value, until) for key, value, until in found if value is not None]

    def start(self) -> None:
        """Apply what holds, and go on looking in a thread."""
        self.look()
        self._thread = threading.Thread(target=self._run, name="zotify-control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop looking; idempotent."""
        self._done.set()
        if self._thread is not None:
            self._thread.join(1.0)

    def look(self) -> None:
        """Apply the file if it has changed, and end what is over."""
        with self._lock:
            identity = self._file.identity()
            if identity != self._seen:
                self._seen = identity
                try:
                    self._state = self._file.read()
                except (ControlFileError, OSError) as error:
                    _logger.error("%s is ignored: it %s", self._file.path, error)
                    return
                self._apply()
                self._publish()
            elif self._apply():
                self._publish()  # what has ended is not to be shown for two seconds more

    def change(self, kind: TargetKind, name: str, patch: LogPatch) -> ChangeReply:
        """Change a handler or logger in all workers; audited with old and new.

        Returns after every worker has applied it, or 2.5 seconds.

        Raises:
            UnknownNameError: there is none of that name here; the message has near matches.
            ControlFullError: as many changes are kept as can be; the message names the bound.
            AuditWriteError: the change could not be audited, so it was not made.
            OSError: ``control.json`` cannot be written.
        """
        target = find_target(self._logs, kind, name)
        with self._lock, self._file.locked(_LOCK_TIMEOUT):
            self.look()
            before = _state_of(target)
            now = _now_us()
            until = None if patch.seconds is None else now + round(patch.seconds * 1e6)
            details = {
                "old": {key: getattr(before, key) for key in patch.changes},
                "new": patch.changes,
                "until": None if until is None else format_us(until),
            }
            state = self._state
            for setting, value in patch.changes.items():
                state = state.changed(self._changed(target, setting, value, until), now)
            if state.items != self._state.items:
                event = f"{kind}.update"
                with audit_action(event, target=(kind, target.name), details=details) as action:
                    action.details.update(details)
                    self._file.write(state)
                    self._seen, self._state = self._file.identity(), state
                    self._apply()
            reply = ChangeReply(
                kind=kind,
                name=target.name,
                previous=before,
                current=_state_of(target),
                until=None if until is None else format_us(until),
                explain=Explained.model_validate(target.explain().as_dict()),
                applied=[],
                pending=[],
            )
            revision = self._state.revision
        self._publish()
        applied, pending = self._await_workers(revision)
        return reply.model_copy(update={"applied": applied, "pending": pending})

    def _changed(
        self, target: LogTarget, setting: Setting, value: str | bool | None, until: int | None
    ) -> ControlItem:
        key = (target.kind, target.name, setting)
        if until is None:
            applied = self._applied.get(key)
            configured = target.read(setting) if applied is None else applied.configured
            # What the configuration has anyway is no change, and must not outlive another one.
            permanent = None if value == configured else value
        else:
            permanent = next((one.permanent for one in self._state.items if one.key == key), None)
        return ControlItem.model_validate(
            {
                "kind": target.kind,
                "name": target.name,
                "setting": setting,
                "permanent": permanent,
                "temporary": None if until is None else value,
                "until_us": until,
            }
        )

    def _apply(self) -> bool:
        """Tell whether anything was changed by it."""
        now = _now_us()
        changed = False
        wanted = {item.key: item for item in self._state.items}
        for key in [*wanted, *(one for one in self._applied if one not in wanted)]:
            try:
                changed |= self._apply_one(key, wanted.get(key), now)
                self._told.discard(key)
            except UnknownNameError:
                pass  # of a handler that this worker does not have
            except Exception:  # one that cannot be changed must not keep the others from it
                if key not in self._told:  # it is tried again at every look, and told once
                    self._told.add(key)
                    _logger.exception("%s %s could not be changed", key[0], key[1])
        return changed

    def _apply_one(self, key: Key, item: ControlItem | None, now: int) -> bool:
        kind, name, setting = key
        target = find_target(self._logs, kind, name, make=True)
        known = self._applied.get(key)
        if known is None:
            configured = target.read(setting)
            known = self._applied[key] = _Applied(configured, configured)
        permanent = None if item is None else item.permanent
        base = known.configured if permanent is None else permanent
        value, until = (None, None) if item is None else item.in_force(now)
        temporary = value if until is not None else None
        if (base, temporary, until) == (known.base, known.temporary, known.until_us):
            return False
        if base != known.base or (known.temporary is not None and temporary is None):
            target.write(setting, base, None)
        if temporary is not None and until is not None:
            target.write(setting, temporary, min((until - now) / 1e6, _LONGEST))
        known.base, known.temporary, known.until_us = base, temporary, until
        if item is None:
            del self._applied[key]
        return True

    def _await_workers(self, revision: int) -> tuple[list[int], list[int]]:
        deadline = time.monotonic() + _WAIT
        while True:
            applied: list[int] = []
            pending: list[int] = []
            for report in read_reports(self._run_dir):
                if report.application != APPLICATION or report.state not in ("live", "stale"):
                    continue
                reached = report.extra.get(REVISION)
                done = isinstance(reached, int) and reached >= revision
                (applied if done else pending).append(report.mark.pid)
            if not pending or self._done.is_set() or time.monotonic() > deadline:
                return applied, pending
            time.sleep(0.05)

    def _run(self) -> None:
        while not self._done.wait(self._pause()):
            self.look()

    def _pause(self) -> float:
        now = _now_us()
        ends = [one.until_us for one in list(self._applied.values()) if one.until_us is not None]
        return min([_POLL, *(max(0.0, (end - now) / 1e6) for end in ends)])


def _state_of(target: LogTarget) -> HandlerState:
    return HandlerState(level=str(target.read("level")), enabled=bool(target.read("enabled")))


def _now_us() -> int:
    return time.time_ns() // 1000
