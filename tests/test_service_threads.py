"""64 threads log while handlers of a service come, go, change level and are switched."""

from __future__ import annotations

import logging
import threading
from collections.abc import Sequence

from sizes import sized

from zotify_logging import BaseLogHandler, LogEntry, LoggingService


class Sink(BaseLogHandler):
    """Counts."""

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Take the entries."""


def test_64_threads_while_a_services_handlers_come_go_and_change_level() -> None:
    """Who stays has every record, nobody has one twice, every ledger is right, nothing raises."""
    service, steady, queued = LoggingService(), Sink(), Sink(delivery="queued", overflow="block")
    service.register("threads-steady", steady)
    service.register("threads-queued", queued)
    logger = logging.getLogger("threads")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    logger.addHandler(service)
    stop, failed, sent = threading.Event(), list[Exception](), [0] * 64

    def log(number: int) -> None:
        try:
            while not stop.is_set():
                logger.warning("%d", sent[number])
                sent[number] += 1
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=log, args=(number,)) for number in range(64)]
    for thread in threads:
        thread.start()
    comers = []
    for number in range(sized(100, 500)):
        comers.append(Sink())
        service.register("threads-comer", comers[-1])
        service.set_level("threads-comer", "ERROR" if number % 2 else "DEBUG", ttl=0.001)
        service.disable("threads-comer")
        service.set_logger_level("threads", "DEBUG" if number % 2 else "INFO", ttl=0.01)
        service.enable("threads-comer")
        service.explain("threads", "WARNING")
        service.health()
        service.statistics()
        service.unregister("threads-comer")
    stop.set()
    for thread in threads:
        thread.join()
    assert failed == [] and service.flush(30)
    assert steady.statistics().written == steady.statistics().accepted == sum(sent) > 0
    reading = queued.statistics()
    assert reading.accepted == sum(sent)
    assert reading.accepted == reading.written + sum(reading.dropped.values())
    for comer in comers:
        assert comer.statistics().accepted == comer.statistics().written <= sum(sent)
    service.shutdown()
    assert logger.level == logging.DEBUG
