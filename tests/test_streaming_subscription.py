"""Behaviour of live subscriptions: waking, sharing, closing, forking."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import queue
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from waiting import wait_until

from zotify_logging.streaming import StreamRecord, Subscription, follow, waker
from zotify_logging.streaming.hub import default_hub


def append(path: Path, text: str) -> None:
    """Append text as another writer would."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(text)


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Return a log with one line; afterwards the hub has nobody left."""
    log = tmp_path / "app.log"
    append(log, "first\n")
    yield log
    gc.collect()
    wait_until(lambda: default_hub.thread is None)


class Collector:
    """Reads a subscription in a thread of its own."""

    def __init__(self, subscription: Subscription) -> None:
        self.subscription = subscription
        self.records: list[StreamRecord] = []
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        for record in self.subscription:
            self.records.append(record)

    @property
    def lines(self) -> list[str]:
        """Return the lines received so far."""
        return [record.raw for record in self.records if record.type == "log"]

    def wait_for(self, lines: list[str]) -> None:
        """Return once exactly these lines have come."""
        wait_until(lambda: self.lines == lines)

    def close(self) -> None:
        """Close from this thread, and wait until the reader has ended."""
        self.subscription.close()
        self.thread.join(10)
        assert not self.thread.is_alive()


def test_several_subscribers_get_every_line(path: Path) -> None:
    """Each reads at its own pace, all of it, in order; close from outside ends the iteration."""
    collectors = [Collector(follow(path)) for _ in range(5)]
    expected = ["first"]
    for number in range(50):
        append(path, f"{number}\n")
        expected.append(str(number))
    for collector in collectors:
        collector.wait_for(expected)
        collector.close()


def test_another_process_is_seen(path: Path) -> None:
    """Lines written by a process that knows nothing of us arrive, across its rotation."""
    collector = Collector(follow(path))
    script = (
        "import os, sys\n"
        "path = sys.argv[1]\n"
        "for name in 'ab':\n"
        "    with open(path, 'a') as file: file.write(name + '\\n')\n"
        "    os.rename(path, path + '.1') if name == 'a' else None\n"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True, cwd=path.parent)
    wait_until(lambda: collector.lines == ["first", "a", "b"])
    collector.close()


def test_a_renamed_log_without_a_new_one_is_followed_on(path: Path) -> None:
    """Between the rename and the new file, what a foreign writer still puts there arrives."""
    collector = Collector(follow(path))
    collector.wait_for(["first"])
    renamed = path.with_name(path.name + ".1")
    path.rename(renamed)
    wait_until(lambda: [record.type for record in collector.records] == ["log", "waiting"])
    append(renamed, "second\n")
    collector.wait_for(["first", "second"])
    append(path, "third\n")
    collector.wait_for(["first", "second", "third"])
    collector.close()


def test_a_writer_in_this_process_wakes_its_readers(path: Path) -> None:
    """The waker is inactive while nobody follows, and wakes without waiting for the next look."""
    ours = waker(path)
    assert not ours.active
    ours.wake()
    collector = Collector(follow(path, tail=0))
    wait_until(lambda: ours.active)
    assert waker(path.parent / "." / path.name) is ours
    for number in range(3):
        append(path, f"{number}\n")
        ours.wake()
        collector.wait_for([str(line) for line in range(number + 1)])
    collector.close()
    wait_until(lambda: not ours.active)


def test_a_wake_up_is_one_put_until_it_is_seen() -> None:
    """A burst signals once; after the watcher took note, the next one signals again."""
    one = waker("/nowhere/app.log")
    signals: queue.SimpleQueue[bool] = queue.SimpleQueue()
    one.attach(signals)
    for _ in range(100):
        one.wake()
    assert signals.qsize() == 1
    one.clear()
    one.wake()
    assert signals.qsize() == 2
    one.attach(None)
    assert not one.active


def test_a_partial_line_comes_without_further_writes(path: Path) -> None:
    """Held for its two seconds, then given out flagged, although nothing changes any more."""
    append(path, "part")
    with follow(path, tail=0) as subscription:
        record = next(subscription)
    assert (record.raw, record.partial) == ("part", True)


def test_cycles_leave_descriptors_and_threads_flat(path: Path) -> None:
    """Fifty times subscribe, read and close, closed twice or forgotten: nothing is left."""
    threads, descriptors = threading.active_count(), len(os.listdir("/dev/fd"))
    for number in range(50):
        subscription = follow(path)
        assert next(subscription).raw == "first"
        if number % 2:
            subscription.close()
            subscription.close()
            assert list(subscription) == []
        del subscription
    gc.collect()
    wait_until(lambda: threading.active_count() == threads)
    assert len(os.listdir("/dev/fd")) == descriptors


def test_the_cursor_is_behind_the_last_record_taken(path: Path) -> None:
    """Read ahead or not, resuming at ``cursor`` gives the next record; filtered lines move it."""
    append(path, "second\nthird\n")
    with follow(path, tail="all", follow=False) as subscription:
        for expected in ("second", "third"):
            next(subscription)
            with follow(path, after=subscription.cursor) as other:
                assert next(other).raw == expected
    with follow(path, tail="all", q="nothing") as subscription:
        before = subscription.cursor

        def close_once_moved() -> None:
            wait_until(lambda: subscription.cursor != before)
            subscription.close()

        closer = threading.Thread(target=close_once_moved)
        closer.start()
        assert list(subscription) == []
        closer.join()
    with follow(path, after=subscription.cursor, follow=False) as rest:
        assert [record.type for record in rest] == ["end"]


def test_async_iteration_and_batches(path: Path) -> None:
    """All lines of one wake-up come in one batch; an empty batch is the end."""

    async def read() -> None:
        async with follow(path) as subscription:
            async for record in subscription:
                assert record.raw == "first"
                break
            append(path, "a\nb\nc\n")
            batch = await subscription.read_batch()
            assert [record.raw for record in batch] == ["a", "b", "c"]
            subscription.close()
            assert await subscription.read_batch() == []
            assert [record async for record in subscription] == []
        snapshot = follow(path, follow=False)
        assert [record.type async for record in snapshot] == ["log"] * 4 + ["end"]
        assert await snapshot.read_batch() == []

    asyncio.run(read())


def test_the_event_loop_is_never_blocked(path: Path) -> None:
    """While a reader waits, and while a file is read through, the loop goes on."""
    with open(path, "ab") as file:
        file.truncate(200 * 2**20)  # one sparse line, read through in one call

    async def read() -> None:
        ticks = 0

        async def tick() -> None:
            nonlocal ticks
            while True:
                ticks += 1
                await asyncio.sleep(0)

        ticker = asyncio.create_task(tick())
        async with follow(path, tail="all") as subscription:
            assert (await anext(subscription)).raw == "first"
            waiting = asyncio.create_task(subscription.read_batch())
            before = ticks
            while ticks < before + 1000:
                await asyncio.sleep(0)
            append(path, "\nlast\n")
            batch = await waiting
            assert batch[0].truncated
        ticker.cancel()

    asyncio.run(read())


def test_a_cancelled_read_loses_nothing(path: Path) -> None:
    """What a cancelled read had already taken comes with the next one."""

    async def read() -> list[str]:
        lines: list[str] = []
        async with follow(path, tail=0) as subscription:
            for number in range(30):
                waiting = asyncio.create_task(subscription.read_batch())
                await asyncio.sleep(0)
                append(path, f"{number}\n")
                await asyncio.sleep(0.001 * (number % 3))
                waiting.cancel()
                try:
                    lines += [record.raw for record in await waiting]
                except asyncio.CancelledError:
                    continue
            while len(lines) < 30:
                lines += [record.raw for record in await subscription.read_batch()]
        return lines

    assert asyncio.run(read()) == [str(number) for number in range(30)]


def test_close_from_another_thread_ends_an_async_reader(path: Path) -> None:
    """A waiting batch returns empty."""

    async def read() -> list[StreamRecord]:
        subscription = follow(path, tail=0)
        threading.Timer(0.05, subscription.close).start()
        return await subscription.read_batch()

    assert asyncio.run(read()) == []


@pytest.mark.filterwarnings("ignore:.*multi-threaded.*:DeprecationWarning")
def test_a_fork_closes_the_childs_copy_only(path: Path) -> None:
    """The child's iteration ends and it can follow anew; the parent's goes on."""
    subscription = follow(path)
    assert next(subscription).raw == "first"
    child = os.fork()
    if child == 0:  # pragma: no cover - runs in the child
        code = 1
        try:
            own = follow(path)
            if list(subscription) == [] and default_hub.thread is not None:
                code = 0 if next(own).raw == "first" else 2
            own.close()
        finally:
            os._exit(code)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    append(path, "after\n")
    assert next(subscription).raw == "after"
    subscription.close()


def test_nothing_on_this_path_logs(path: Path) -> None:
    """With the root logger at DEBUG writing into the followed file, following adds no byte."""
    handler = logging.FileHandler(path)
    logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.DEBUG)
    collector = Collector(follow(path))
    wait_until(lambda: collector.lines == ["first"])
    append(path, "second\n")
    wait_until(lambda: len(collector.lines) == 2)
    deadline = time.monotonic() + 0.6
    wait_until(lambda: time.monotonic() > deadline)
    collector.close()
    handler.close()
    assert path.read_text() == "first\nsecond\n"
