"""The fakes break what they say they break, and nothing else."""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from waiting import wait_until

from zotify_logging import DatabaseJobLogHandler, FileStreamHandler, JsonFormatter
from zotify_logging.handlers import error_ring
from zotify_logging.jobs import JobLogReader
from zotify_logging.testing import (
    CapturingHandler,
    DyingDatabase,
    FakeClock,
    FullDisk,
    LossWatch,
    StuckSink,
    TornWrite,
)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    monkeypatch.setattr(error_ring, "_next_line", float("inf"))


@pytest.fixture
def logger() -> logging.Logger:
    return logging.Logger("faked", logging.DEBUG)


def test_a_capturing_handler_keeps_entries_and_lines(logger: logging.Logger) -> None:
    """Redacted, as in any handler of ours."""
    handler = CapturingHandler(formatter=JsonFormatter())
    logger.addHandler(handler)
    logger.warning("token=S3cr3t %d", 1, extra={"n": 2})
    assert handler.messages == ["token=[REDACTED] 1"]
    assert handler.entries[0].fields == {"n": 2}
    assert json.loads(handler.lines[0])["n"] == 2


def test_a_capturing_handler_fails_as_it_is_told(logger: logging.Logger) -> None:
    """What ``during`` raises is what the sink raises."""

    def refuse() -> None:
        raise OSError(errno.EIO, "gone")

    handler = CapturingHandler(during=refuse)
    logger.addHandler(handler)
    logger.warning("lost")
    handler.during = None
    logger.warning("kept")
    reading = handler.statistics()
    assert handler.messages[0] == "kept" and reading.failed == {"EIO": 1}


def test_the_clock_stands_still_until_it_is_advanced() -> None:
    """For records as well; afterwards it is the machine's again."""
    real = time.time, time.monotonic
    with FakeClock() as clock:
        line = json.loads(JsonFormatter().format(logging.makeLogRecord({"msg": "m"})))
        assert line["timestamp"] == "2026-01-01T00:00:00.000000Z"
        before = time.monotonic()
        clock.advance(90.5)
        assert (time.time(), time.time_ns()) == (1_767_225_690.5, 1_767_225_690_500_000_000)
        assert 90.5 <= time.monotonic() - before < 120.5
        assert time.monotonic_ns() / 1e9 - before >= 90.5
    assert (time.time, time.monotonic) == real


def test_a_stuck_sink_hangs_a_real_write_until_it_is_released() -> None:
    """What was written meanwhile comes out in order."""
    with StuckSink() as sink:
        handler = logging.StreamHandler(sink.stream)
        writer = threading.Thread(
            target=handler.handle, args=(logging.makeLogRecord({"msg": "m"}),)
        )
        writer.start()
        writer.join(0.05)
        assert writer.is_alive() and sink.lines == []
        sink.release()
        writer.join(10)
        wait_until(lambda: sink.lines == ["m"])


def test_a_queued_handler_takes_records_while_its_sink_is_stuck(logger: logging.Logger) -> None:
    """The caller goes on; nothing is lost once the sink takes again."""
    with StuckSink() as sink:
        handler = CapturingHandler(during=sink.wait, delivery="queued", flush_interval=0)
        logger.addHandler(handler)
        for number in range(50):
            logger.info("record %d", number)
        assert handler.statistics().queued == 50 and handler.messages == []
        assert not handler.flush(0.01)
        sink.release()
        assert handler.flush(20)
    assert handler.messages == [f"record {number}" for number in range(50)]
    handler.close()


def test_a_full_disk_takes_what_fits(tmp_path: Path, logger: logging.Logger) -> None:
    """Then ENOSPC, as the system names it; other folders are as ever."""
    handler = FileStreamHandler(tmp_path / "full" / "log")
    other = FileStreamHandler(tmp_path / "log")
    logger.addHandler(handler)
    logger.addHandler(other)
    with FullDisk(tmp_path / "full", free=100) as disk:
        logger.info("fits")
        logger.info("x" * 200)
        logger.info("no room")
        assert handler.statistics().failed == {"ENOSPC": 2}
        disk.make_room(10_000)
        logger.info("fits again")
    assert handler.statistics().written == 2 and other.statistics().written == 4
    text = (tmp_path / "full" / "log").read_text()
    assert "fits again" in text and "no room" not in text


@pytest.mark.skipif(not os.path.exists(FullDisk.device), reason="no /dev/full here")
def test_the_kernels_own_full_disk_serves_stdlib() -> None:
    """For what does not go through os.write."""
    told: list[logging.LogRecord] = []
    handler = logging.FileHandler(FullDisk.device)
    vars(handler)["handleError"] = told.append
    handler.handle(logging.makeLogRecord({"msg": "m"}))
    assert len(told) == 1
    stream = vars(handler).pop("stream")
    vars(handler)["stream"] = None  # as after close()
    with pytest.raises(OSError, match="No space left"):
        stream.close()


@pytest.mark.parametrize(("then", "failed"), [("short", {}), ("error", {"EIO": 1})])
def test_a_torn_write_is_completed_or_fails(
    tmp_path: Path, logger: logging.Logger, then: str, failed: dict[str, int]
) -> None:
    """One write only; the bytes before the tear are on the disk."""
    handler = FileStreamHandler(tmp_path / "log")
    logger.addHandler(handler)
    with TornWrite(tmp_path, keep=20, then=then):  # type: ignore[arg-type]  # one of the three
        logger.info("torn")
        logger.info("whole")
    assert handler.statistics().failed == failed
    text = (tmp_path / "log").read_text()
    assert " whole\n" in text and (" torn\n" in text) == (not failed)


def test_a_torn_write_can_be_the_last_thing_a_process_does(tmp_path: Path) -> None:
    """Killed in the middle: the head of the record is there, the rest is not."""
    program = (
        "import logging, sys; from zotify_logging import FileStreamHandler;"
        " from zotify_logging.testing import TornWrite;"
        " log = logging.getLogger(); log.addHandler(FileStreamHandler(sys.argv[1] + '/log'));"
        " log.error('whole'); TornWrite(sys.argv[1], 30, 'kill').__enter__(); log.error('torn')"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], timeout=60)
    assert done.returncode == -signal.SIGKILL
    whole, torn = (tmp_path / "log").read_bytes().split(b"\n")
    assert whole.endswith(b"whole") and len(torn) == 30


def test_a_dying_database_is_written_to_again_once_it_lives(
    tmp_path: Path, logger: logging.Logger
) -> None:
    """Every record is there in the end; readers were let through all the time."""
    with DyingDatabase(tmp_path / "jobs.db") as database:
        handler = DatabaseJobLogHandler(database.url, job_id="j", flush_interval=0)
        logger.addHandler(handler)
        logger.info("before")
        assert handler.flush(20)
        database.die()
        assert database.dead
        logger.info("meanwhile")
        assert not handler.flush(0.05)
        reader = JobLogReader(database.url)
        assert [one.message for one in reader.page("j", limit=9).items] == ["before"]
        database.revive()
        assert handler.flush(30)
    messages = [one.message for one in reader.page("j", limit=9).items]
    assert messages == ["before", "meanwhile"]
    handler.close()


def test_losses_are_told_by_handler_and_reason(logger: logging.Logger) -> None:
    """What was lost before does not count, and what is still stuck does."""

    def refuse() -> None:
        raise OSError(errno.EIO, "gone")

    old = CapturingHandler(during=refuse)
    logger.addHandler(old)
    logger.info("lost before")
    watch = LossWatch()
    watch.assert_no_loss()
    with StuckSink() as sink:
        new = CapturingHandler(during=sink.wait, delivery="queued", flush_interval=0)
        new.set_name("stuck")
        logger.addHandler(new)
        logger.info("lost now")
        expected = {"CapturingHandler": {"failed EIO": 1}, "stuck": {"unwritten": 1}}
        assert watch.losses(0.01) == expected
        with pytest.raises(AssertionError, match="were lost: .*failed EIO 1"):
            watch.assert_no_loss(0.01)
        sink.release()
        assert new.flush(20)
    assert watch.losses() == {"CapturingHandler": {"failed EIO": 1}}
    new.close()


def test_what_a_failover_has_taken_is_not_lost(logger: logging.Logger) -> None:
    """It is counted there."""

    def refuse() -> None:
        raise OSError(errno.EIO, "gone")

    taker = CapturingHandler()
    taker.set_name("taker")
    giver = CapturingHandler(during=refuse, failover="taker")
    logger.addHandler(giver)
    watch = LossWatch()
    logger.info("handed over")
    watch.assert_no_loss()
    assert taker.messages == ["handed over"]
