"""``ControlService`` in one process: what it makes of a file that somebody wrote by hand."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from waiting import wait_until

from zotify_api.services.control_file import ControlFile, ControlItem, ControlState
from zotify_api.services.control_service import ControlService
from zotify_logging import FileStreamHandler, LoggingService

YEAR_9999_US = 253_370_764_800_000_000


class Fixed(FileStreamHandler):
    """A handler whose level somebody has nailed down."""

    def setLevel(self, level: int | str) -> None:
        """Take the first level, and refuse every other."""
        if level != logging.NOTSET:
            raise RuntimeError("this level stays")
        super().setLevel(level)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[FileStreamHandler], ControlService]]:
    """Make a service that has looked at a file with one temporary DEBUG for the handler."""
    logs = LoggingService()

    def made(handler: FileStreamHandler) -> ControlService:
        logs.register("app", handler)
        path = tmp_path / "control.json"
        item = {"kind": "handler", "name": "app", "setting": "level", "temporary": "DEBUG"}
        path.write_text(json.dumps({"items": [item | {"until_us": YEAR_9999_US}]}))
        path.chmod(0o600)
        (tmp_path / "run").mkdir()
        control = ControlService(logs, path, tmp_path / "run", lambda: None)
        control.look()
        return control

    yield made
    logs.shutdown()


def test_a_time_limit_beyond_all_others_holds(
    tmp_path: Path, serve: Callable[[FileStreamHandler], ControlService]
) -> None:
    """It is longer than any that a handler takes; what is reported is what is so."""
    handler = FileStreamHandler(str(tmp_path / "app.log"))
    control = serve(handler)
    assert handler.level == logging.DEBUG
    assert [value for _, value, _ in control.in_force()] == ["DEBUG"]


def test_what_cannot_be_changed_is_told_once(
    tmp_path: Path,
    serve: Callable[[FileStreamHandler], ControlService],
    caplog: pytest.LogCaptureFixture,
) -> None:
    """It is tried again four times a second."""
    handler = Fixed(str(tmp_path / "app.log"))
    control = serve(handler)
    for _ in range(3):
        control.look()
    assert [record.getMessage() for record in caplog.records] == [
        "handler app could not be changed"
    ]


def test_the_end_of_a_temporary_change_is_published_at_once(tmp_path: Path) -> None:
    """Readers of the reports are not shown the temporary level until the next one is due."""
    logs = LoggingService()
    handler = FileStreamHandler(str(tmp_path / "app.log"), level="INFO")
    logs.register("app", handler)
    published: list[int] = []
    control = ControlService(
        logs, tmp_path / "control.json", tmp_path, lambda: published.append(handler.level)
    )
    item = ControlItem(kind="handler", name="app", setting="level", temporary="DEBUG")
    until = time.time_ns() // 1000 + 300_000
    file = ControlFile(tmp_path / "control.json")
    file.write(ControlState(items=(item.model_copy(update={"until_us": until}),)))
    control.look()
    control.look()
    assert published == [logging.DEBUG]

    def ended() -> bool:
        control.look()
        return len(published) > 1

    wait_until(ended, 5)
    for _ in range(3):
        control.look()
    assert published == [logging.DEBUG, logging.INFO]
    logs.shutdown()
