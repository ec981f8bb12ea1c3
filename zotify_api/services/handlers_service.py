"""The registry of all workers: handlers with levels, statistics and health, each and summed."""

from __future__ import annotations

import dataclasses
import json
import logging
import os
from pathlib import Path

from pydantic import ValidationError

from zotify_api.models.handlers_reply import (
    ChangeInForce,
    HandlerReport,
    HandlersReply,
    LoggerReport,
    SummedHandler,
    WorkerStatus,
)
from zotify_api.services.control_service import APPLICATION, ControlService
from zotify_logging.clock import format_us
from zotify_logging.published import WorkerReport, describe_handlers, read_reports, sum_of
from zotify_logging.sanitizing import dump_json

__all__ = ["HandlersService"]


class HandlersService:
    """Reads what the workers publish; this worker's own figures are those of the moment.

    Args:
        run_dir: where the workers publish.
        control: what was changed at run time.
    """

    def __init__(self, run_dir: Path, control: ControlService) -> None:
        self._run_dir = run_dir
        self._control = control

    def read(self) -> HandlersReply:
        """Return all of it."""
        reports = []
        for report in read_reports(self._run_dir):
            if report.application != APPLICATION:
                continue
            if report.mark.pid == os.getpid() and report.mark.is_here():
                # As JSON has it, like the others: an error text may hold what UTF-8 cannot.
                own = json.loads(dump_json(describe_handlers()))
                report = dataclasses.replace(report, handlers=own)
            reports.append(report)
        workers = [worker for report in reports if (worker := _worker(report)) is not None]
        return HandlersReply(
            handlers=_handlers(reports),
            workers=workers,
            loggers=_loggers(),
            changes=[
                ChangeInForce(
                    kind=kind,
                    name=name,
                    setting=setting,
                    value=value,
                    until=None if until is None else format_us(until),
                )
                for (kind, name, setting), value, until in self._control.in_force()
            ],
        )


def _handlers(reports: list[WorkerReport]) -> list[SummedHandler]:
    # Another version of a worker may publish something else: it is left out, not the others.
    sound = [report for report in reports if _worker(report) is not None]
    return [
        SummedHandler.model_validate({"name": name, **one}) for name, one in sum_of(sound).items()
    ]


def _worker(report: WorkerReport) -> WorkerStatus | None:
    try:
        handlers = {
            name: HandlerReport.model_validate(one) for name, one in report.handlers.items()
        }
    except ValidationError:
        return None
    return WorkerStatus(
        pid=report.mark.pid,
        state=report.state,
        answered=report.mark.pid == os.getpid() and report.mark.is_here(),
        begun=report.begun,
        updated=report.updated,
        handlers=handlers,
    )


def _loggers() -> list[LoggerReport]:
    known = list(logging.root.manager.loggerDict.values())
    loggers = [logging.root, *(one for one in known if isinstance(one, logging.Logger))]
    return [
        LoggerReport(
            name=logger.name,
            level=logging.getLevelName(logger.level),
            enabled=not logger.disabled,
        )
        for logger in sorted(loggers, key=lambda one: (one is not logging.root, one.name))
        if logger.level or logger.disabled
    ]
