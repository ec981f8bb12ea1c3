"""A program that logs a burst into a stuck handler and says, as JSON, how it fared.

``python burst.py RECORDS QUEUE DIRECTORY``: one thread logs the burst to a handler that
is stuck, to a direct and to a queued file; an event loop in the main thread logs to the stuck
handler meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from zotify_logging import BaseLogHandler, FileStreamHandler, LogEntry

WARM_UP = 200
CLOSE_TIMEOUT = 0.5


class Stuck(BaseLogHandler):
    """A handler whose sink takes the first batch and never comes back."""

    default_delivery = "queued"

    def __init__(self, queue: int) -> None:
        self.gate = threading.Event()
        self.entered = threading.Event()
        super().__init__(max_queue_size=queue)

    def write(self, entries: Sequence[LogEntry]) -> None:
        """Hang."""
        self.entered.set()
        self.gate.wait()


def level_of(number: int) -> int:
    """Return the level of a record of the burst: one in ten is a warning, or worse."""
    if number % 10:
        return logging.INFO
    return logging.ERROR if number % 100 == 0 else logging.WARNING


def memory() -> int:
    """Return this process's resident memory in KiB."""
    with open("/proc/self/statm", encoding="ascii") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


async def tick(
    log: logging.Logger, burst: threading.Thread
) -> tuple[list[float], list[float], int]:
    """Log once a millisecond while the burst lasts, and for a while after it.

    Returns:
        How long each call took, by how much each turn of the loop came too late, in seconds; and
        the most memory that was in use.
    """
    calls, lateness, most = [], [], 0
    rest = 200
    while rest:
        rest -= not burst.is_alive()
        due = time.perf_counter() + 0.001
        await asyncio.sleep(0.001)
        began = time.perf_counter()
        log.info("tick")
        calls.append(time.perf_counter() - began)
        lateness.append(began - due)
        most = max(most, memory())
    return calls, lateness, most


def milliseconds(samples: Sequence[float]) -> dict[str, float]:
    """Return the median, the 99th percentile and the worst."""
    ordered = sorted(samples)
    at = {"p50": len(ordered) // 2, "p99": len(ordered) * 99 // 100, "max": len(ordered) - 1}
    return {name: round(ordered[index] * 1000, 3) for name, index in at.items()}


def main(records: int, queue: int, directory: Path) -> dict[str, object]:
    """Run the burst."""
    stuck = Stuck(queue)
    direct = FileStreamHandler(directory / "direct.log", max_bytes="1 GB")
    queued = FileStreamHandler(directory / "queued.log", max_bytes="1 GB", delivery="queued")
    log = logging.getLogger("burst")
    ticker = logging.getLogger("ticker")
    log.setLevel(logging.INFO)
    ticker.setLevel(logging.INFO)
    for handler in (direct, queued):
        log.addHandler(handler)
    for number in range(WARM_UP):  # files open, caches warm, threads there
        log.info("record %d of a short message", number)
    queued.flush(60)

    log.addHandler(stuck)
    ticker.addHandler(stuck)
    dropped: Counter[str] = Counter()
    log.info("this one gets stuck")
    stuck.flush(0)
    stuck.entered.wait(60)
    assert stuck._worker is not None
    stuck._worker.on_drop = lambda entry: dropped.update((entry.level,))
    before = memory()

    def burst() -> None:
        for number in range(records):
            log.log(level_of(number), "record %d of a short message", number)

    thread = threading.Thread(target=burst)
    began = time.perf_counter()
    thread.start()
    calls, lateness, most = asyncio.run(tick(ticker, thread))
    thread.join()
    seconds = time.perf_counter() - began

    full = stuck.statistics()
    began = time.perf_counter()
    stuck.close(CLOSE_TIMEOUT)
    closing = time.perf_counter() - began
    siblings_done = direct.flush(60) and queued.flush(60)
    return {
        "records": records,
        "seconds": round(seconds, 2),
        "ticks": len(calls),
        "memory_kib": most - before,
        "dropped_by_level": dict(dropped),
        "full": asdict(full),
        "closed": asdict(stuck.statistics()),
        "close_seconds": round(closing, 3),
        "siblings_done": siblings_done,
        "siblings": [asdict(direct.statistics()), asdict(queued.statistics())],
        "call_ms": milliseconds(calls),
        "calls_over_20_ms": sum(seconds > 0.02 for seconds in calls),
        "loop_lateness_ms": milliseconds(lateness),
    }


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))))
