"""The health of a service is that of its worst handler, with the reasons of all."""

from __future__ import annotations

import json

from zotify_logging import LoggingService
from zotify_logging.ledger import HandlerHealth
from zotify_logging.service.service_health import overall_health


def test_the_worst_handler_decides_and_all_reasons_are_named() -> None:
    """Each with the handler's name before it."""
    health = overall_health(
        {
            "app": HandlerHealth("ok"),
            "jobs": HandlerHealth("failing", ("the sink refused the latest record: ENOSPC",)),
            "mail": HandlerHealth("degraded", ("the queue is 90% full",)),
        }
    )
    assert health.status == "failing"
    assert health.reasons == (
        "jobs: the sink refused the latest record: ENOSPC",
        "mail: the queue is 90% full",
    )
    assert health.handlers["app"].status == "ok"
    assert json.loads(json.dumps(health.as_dict()))["handlers"]["app"] == {
        "status": "ok",
        "reasons": [],
    }
    assert str(health).splitlines()[0] == "failing"


def test_no_handlers_are_well() -> None:
    """Nothing fails where nothing is."""
    assert LoggingService().health().status == "ok"
