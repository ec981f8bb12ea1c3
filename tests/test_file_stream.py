"""FileStreamHandler: the main log, as dictConfig makes it and as many processes write it."""

from __future__ import annotations

import json
import logging
import logging.config
import logging.handlers
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from log_reading import closed_files, read_lines
from pythonjsonlogger.json import JsonFormatter as PythonJsonFormatter
from sizes import sized
from waiting import wait_until

from zotify_logging import FileStreamHandler, JsonFormatter, OptionError
from zotify_logging.jobs import JobLogReader

LINE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z [A-Z]+ \S+ .*")


@pytest.fixture
def log(request: pytest.FixtureRequest) -> Iterator[logging.Logger]:
    """A logger of the test's own, its handlers closed at the end."""
    logger = logging.getLogger(f"app.{request.node.originalname}")
    logger.setLevel(logging.DEBUG)
    logger.propagate = False
    yield logger
    for handler in logger.handlers[:]:
        logger.removeHandler(handler)
        handler.close()


def test_text_layout_is_one_line_a_record(tmp_path: Path, log: logging.Logger) -> None:
    """Timestamp, level, logger, message; a hostile message and a traceback stay on their line."""
    log.addHandler(FileStreamHandler(tmp_path / "a.log"))
    log.info("user %d", 7)
    log.warning("two\nlines\r\x1b[31m\u2028 end")
    try:
        raise ValueError("why\nnot")
    except ValueError:
        log.exception("failed")
    text = (tmp_path / "a.log").read_text()
    assert len(text.splitlines()) == 3
    first, second, third = text.splitlines()
    assert LINE.fullmatch(first) and first.endswith(f" INFO {log.name} user 7")
    assert second.endswith(r"two\nlines\r\u001b[31m\u2028 end")
    assert r"failed\nTraceback" in third and third.endswith(r"ValueError: why\nnot")


def test_json_layout_carries_fields_and_context(tmp_path: Path, log: logging.Logger) -> None:
    """Each line is an object that begins with timestamp, level, logger, message."""
    from zotify_logging import bound

    log.addHandler(FileStreamHandler(tmp_path / "a.log", format="json"))
    with bound(request_id="r1"):
        log.info("hello", extra={"track": 42, "tags": ["a", 1.5], "password": "hunter22"})
    line = (tmp_path / "a.log").read_text()
    assert line.startswith('{"timestamp":"')
    value = json.loads(line)
    assert list(value)[:4] == ["timestamp", "level", "logger", "message"]
    assert value["track"] == 42 and value["tags"] == ["a", 1.5] and value["request_id"] == "r1"
    assert value["password"] == "[REDACTED]"


def test_the_callers_record_is_not_changed(tmp_path: Path) -> None:
    """What other handlers see afterwards is what the caller made."""
    handler = FileStreamHandler(tmp_path / "a.log")
    record = logging.makeLogRecord({"msg": "token=%s", "args": ("abc",), "name": "x", "extra": [1]})
    before = dict(record.__dict__)
    handler.handle(record)
    handler.close()
    assert record.__dict__ == before
    assert "abc" not in (tmp_path / "a.log").read_text()


def test_takes_the_arguments_of_rotating_file_handler(tmp_path: Path, log: logging.Logger) -> None:
    """Positional order and names of RotatingFileHandler mean the same here."""
    path = tmp_path / "a.log"
    stdlib = logging.handlers.RotatingFileHandler(tmp_path / "b.log", "a", 400, 2, "utf-8", True)
    ours = FileStreamHandler(path, "a", 400, 2, "utf-8", True)
    assert not path.exists()
    assert (ours.mode, ours.maxBytes) == (stdlib.mode, stdlib.maxBytes)
    assert ours.baseFilename == str(path)
    assert ours.stream is None
    assert (ours.encoding, ours.backupCount) == (stdlib.encoding, stdlib.backupCount)
    log.addHandler(ours)
    for number in range(30):
        log.info("line %d", number)
    record = logging.makeLogRecord({"msg": "x" * 500})
    assert ours.shouldRollover(record)
    ours.doRollover()
    assert [item.name for item in closed_files(path)] == ["a.log.2", "a.log.1"]
    assert path.stat().st_size == 0
    stdlib.close()


def test_mode_w_begins_with_an_empty_file(tmp_path: Path, log: logging.Logger) -> None:
    """What an earlier run wrote is gone, as with stdlib."""
    (tmp_path / "a.log").write_text("old\n")
    log.addHandler(FileStreamHandler(tmp_path / "a.log", mode="w"))
    log.info("new")
    assert "old" not in (tmp_path / "a.log").read_text()


def test_dictconfig_alone_is_enough(tmp_path: Path) -> None:
    """Class path, options as scalars, level and formatter by dictConfig's own keys; five times."""
    config = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"plain": {"format": "%(levelname)s|%(message)s"}},
        "handlers": {
            "main": {
                "class": "zotify_logging.FileStreamHandler",
                "filename": str(tmp_path / "logs" / "app.log"),
                "max_bytes": "1 MB",
                "keep": 3,
                "level": "INFO",
                "formatter": "plain",
            }
        },
        "root": {"level": "DEBUG", "handlers": ["main"]},
    }
    for number in range(5):
        logging.config.dictConfig(config)
        logging.getLogger("any").info("round %d\nhere", number)
        logging.getLogger("any").debug("not this")
    lines = (tmp_path / "logs" / "app.log").read_text().splitlines()
    assert lines == [rf"INFO|round {number}\nhere" for number in range(5)]


def test_a_failing_second_dictconfig_stops_nothing(tmp_path: Path) -> None:
    """dictConfig closes the handlers that it then leaves attached: they open again, and go on."""
    config: dict[str, Any] = {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {
            "main": {
                "class": "zotify_logging.FileStreamHandler",
                "filename": str(tmp_path / "app.log"),
                "mode": "w",
            },
            "audit": {
                "class": "zotify_logging.JsonAuditHandler",
                "filename": str(tmp_path / "audit.jsonl"),
            },
            "jobs": {
                "class": "zotify_logging.DatabaseJobLogHandler",
                "url": f"sqlite:///{tmp_path}/jobs.db",
            },
        },
        "root": {"level": "INFO", "handlers": ["main", "audit", "jobs"]},
    }
    extra = {"event_type": "user.login", "user_id": "u", "job_id": "j"}
    logging.config.dictConfig(config)
    logging.info("one", extra=extra)
    bad = {**config, "handlers": {**config["handlers"], "bad": {"class": "nowhere.Handler"}}}
    with pytest.raises(ValueError, match="bad"):
        logging.config.dictConfig(bad)
    logging.info("two", extra=extra)
    for handler in logging.getLogger().handlers:
        handler.flush()
    assert [line.split()[-1] for line in read_lines(tmp_path / "app.log")] == ["one", "two"]
    events = [json.loads(line) for line in read_lines(tmp_path / "audit.jsonl")]
    assert [event.get("message") for event in events[1:]] == ["one", "two"]
    page = JobLogReader(f"sqlite:///{tmp_path}/jobs.db").page("j", limit=10)
    assert [item.message for item in page.items] == ["one", "two"]
    for handler in logging.getLogger().handlers:
        handler.close()


def test_all_wrong_options_at_once_with_near_matches(tmp_path: Path) -> None:
    """Each problem names the option, the value, the rule and the cure; nothing is made on disk."""
    with pytest.raises(OptionError) as caught:
        FileStreamHandler(
            tmp_path / "logs" / "a.log",
            format="jsn",
            max_bytes="ten",
            durability="fsnyc",
            encoding="latin-1",
            max_byte=3,  # type: ignore[call-arg]  # the misspelt option this test is about
        )
    text = str(caught.value)
    assert "FileStreamHandler.max_byte: unknown option; did you mean max_bytes?" in text
    assert "'jsn' is not one of text, json; did you mean json?" in text
    assert "'ten' is not a size" in text and "fsnyc" in text and "latin-1" in text
    assert len(caught.value.problems) == 5
    assert not (tmp_path / "logs").exists()


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder that is a file, and a log that is a folder: the error names place and cure."""
    (tmp_path / "file").write_text("")
    with pytest.raises(OptionError, match=r"file/a\.log.*is a file; name a folder in its place"):
        FileStreamHandler(tmp_path / "file" / "a.log")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OptionError, match="is a directory; name a file in it"):
        FileStreamHandler(tmp_path / "folder")


def test_structlog_events_keep_their_message_and_fields(
    tmp_path: Path, log: logging.Logger
) -> None:
    """structlog onto stdlib: our JSON layout and structlog's own renderer both have all."""
    from structlog.stdlib import LoggerFactory, ProcessorFormatter

    ours = FileStreamHandler(tmp_path / "ours.log", format="json")
    theirs = FileStreamHandler(tmp_path / "theirs.log")
    queued = FileStreamHandler(tmp_path / "queued.log", delivery="queued")
    for handler in (theirs, queued):
        handler.setFormatter(
            ProcessorFormatter(
                processors=[
                    ProcessorFormatter.remove_processors_meta,
                    structlog.processors.JSONRenderer(),
                ]
            )
        )
    for handler in (ours, theirs, queued):
        log.addHandler(handler)
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, ProcessorFormatter.wrap_for_formatter],
        logger_factory=LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
    )
    try:
        structlog.get_logger(log.name).info("played", track={"id": 7}, api_key="k" * 20)
        log.info("plain")
    finally:
        structlog.reset_defaults()
    assert queued.flush()
    mine = [json.loads(line) for line in read_lines(tmp_path / "ours.log")]
    assert mine[0]["message"] == "played" and mine[0]["track"] == {"id": 7}
    assert mine[0]["api_key"] == "[REDACTED]" and mine[1]["message"] == "plain"
    for name in ("theirs.log", "queued.log"):
        event, plain = (json.loads(line) for line in read_lines(tmp_path / name))
        assert event == {
            "event": "played",
            "track": {"id": 7},
            "level": "info",
            "api_key": "[REDACTED]",
        }
        assert plain["event"] == "plain"


def test_python_json_logger_formats_as_by_itself(tmp_path: Path, log: logging.Logger) -> None:
    """Its formatter's output arrives unchanged, extra fields included, secrets hidden."""
    formatter = PythonJsonFormatter("%(levelname)s %(message)s", rename_fields={"levelname": "lvl"})
    for delivery in ("direct", "queued"):
        handler = FileStreamHandler(tmp_path / delivery, delivery=delivery)
        handler.setFormatter(formatter)
        log.addHandler(handler)
    log.info("hello", extra={"n": 1, "token": "s3cr3t-value"})
    log.info({"message": "from a mapping", "deep": {"secret": "s3cr3t-value", "x": [1]}})
    for made in log.handlers:
        made.flush()
    for delivery in ("direct", "queued"):
        one, two = (json.loads(line) for line in read_lines(tmp_path / delivery))
        assert one == {"lvl": "INFO", "message": "hello", "n": 1, "token": "[REDACTED]"}
        assert two["message"] == "from a mapping"
        assert two["deep"] == {"secret": "[REDACTED]", "x": [1]}


def test_a_line_past_max_line_keeps_head_and_tail(tmp_path: Path, log: logging.Logger) -> None:
    """A message too long for a line is cut in its middle and says how much is missing."""
    log.addHandler(FileStreamHandler(tmp_path / "a.log", max_line=1024))
    log.info("begin " + "é" * 5000 + " end")
    data = (tmp_path / "a.log").read_bytes()
    assert len(data) <= 1024 and data.count(b"\n") == 1
    assert "begin" in data.decode() and "end\n" in data.decode() and "bytes cut" in data.decode()


def test_a_long_json_line_stays_json(tmp_path: Path, log: logging.Logger) -> None:
    """Leading members stay, message and exception are cut, and `truncated` has the size."""
    log.addHandler(FileStreamHandler(tmp_path / "a.log", format="json", max_line=2048))
    for message in ("x" * 9000, "é" * 9000, "\x1b" * 9000, '"' * 9000):
        try:
            raise ValueError("why " * 3000)
        except ValueError:
            log.exception(message, extra={"n": "y" * 5000})
    for line in (tmp_path / "a.log").read_bytes().splitlines():
        value = json.loads(line)
        assert len(line) < 2048 and value["level"] == "ERROR" and value["truncated"] > 20_000
        assert "bytes cut" in value["message"] and "bytes cut" in value["exception"]


def test_ascii_shows_the_rest_escaped(tmp_path: Path, log: logging.Logger) -> None:
    """With encoding="ascii" every byte is ASCII, a cut line included, and JSON stays JSON."""
    text = FileStreamHandler(tmp_path / "text.log", encoding="ascii", max_line=300)
    lines = FileStreamHandler(tmp_path / "json.log", encoding="ascii", format="json")
    for handler in (text, lines):
        log.addHandler(handler)
    log.info("é 🎵 %s", "ü" * 500)
    assert all(len(line) < 300 for line in (tmp_path / "text.log").read_bytes().splitlines())
    assert (tmp_path / "text.log").read_bytes().isascii()
    value = json.loads((tmp_path / "json.log").read_bytes().decode("ascii"))
    assert value["message"] == "é 🎵 " + "ü" * 500


def test_our_formatter_set_by_the_user_is_used(tmp_path: Path, log: logging.Logger) -> None:
    """setFormatter with our JsonFormatter wins over `format`; None returns to it."""
    handler = FileStreamHandler(tmp_path / "a.log")
    log.addHandler(handler)
    handler.setFormatter(JsonFormatter())
    log.info("json")
    handler.setFormatter(None)
    log.info("text")
    first, second = read_lines(tmp_path / "a.log")
    assert json.loads(first)["message"] == "json" and LINE.fullmatch(second)


_BURST = """
import logging, sys
from zotify_logging import FileStreamHandler, JsonAuditHandler, audit_event
log = logging.getLogger("burst")
log.setLevel("INFO")
log.addHandler(FileStreamHandler("app.log", max_bytes="64 KiB", keep=10000))
audit = JsonAuditHandler("audit.jsonl")
audit.name = "audit"
log.addHandler(audit)
number = 0
while True:
    log.info("record %d", number)
    log.info("event", extra={"event_type": "user.login", "user_id": str(number)})
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    number += 1
"""


def test_kill_9_in_a_burst_loses_no_returned_record(tmp_path: Path) -> None:
    """Every record whose call had returned is in both files when the process is killed."""
    for _ in range(sized(2, 20)):
        process = subprocess.Popen(
            [sys.executable, "-c", _BURST], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        returned = -1
        for line in process.stdout:
            returned = int(line)
            if returned == 1500:
                process.send_signal(signal.SIGKILL)
        assert process.wait(10) == -signal.SIGKILL and returned >= 1500
        process.stdout.close()
        lines = [line for line in read_lines(tmp_path / "app.log") if " record " in line]
        have = [int(line.rpartition(" ")[2]) for line in lines]
        assert have[: returned + 1] == list(range(returned + 1))
        audited = [
            json.loads(line).get("user_id")
            for line in (tmp_path / "audit.jsonl").read_text().splitlines()
        ]
        seen = [int(user) for user in audited if user is not None]
        assert seen[: returned + 1] == list(range(returned + 1))
        for item in tmp_path.iterdir():
            item.unlink()


_MANY = """
import logging, sys
from zotify_logging import FileStreamHandler
log = logging.getLogger("many")
log.setLevel("INFO")
log.addHandler(FileStreamHandler("app.log", max_bytes=int(sys.argv[3]), keep=100))
for number in range(int(sys.argv[2])):
    log.info("%s %06d", sys.argv[1], number)
"""


def test_four_processes_on_one_rotating_file(tmp_path: Path) -> None:
    """None lost, torn or doubled; each process's lines in its order."""
    count = sized(2_000, 20_000)
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", _MANY, f"p{index}", str(count), str(count * 4 * 50 // 20)],
            cwd=tmp_path,
        )
        for index in range(4)
    ]
    assert [writer.wait(240) for writer in writers] == [0, 0, 0, 0]
    lines = read_lines(tmp_path / "app.log")
    assert all(LINE.fullmatch(line) for line in lines)
    assert len(closed_files(tmp_path / "app.log")) >= 10
    for index in range(4):
        mine = [line.split()[-1] for line in lines if line.split()[-2] == f"p{index}"]
        assert mine == [f"{number:06d}" for number in range(count)]
    assert len(lines) == 4 * count


_FULL = """
import logging, resource, signal, sys
from zotify_logging import FileStreamHandler
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
handler = FileStreamHandler("app.log")
spare = FileStreamHandler("spare.log")
spare.name = "spare"
handler = FileStreamHandler("app.log", failover="spare")
log = logging.getLogger("full")
log.setLevel("INFO")
log.addHandler(handler)
log.info("before")
size = 65
resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
for number in range(3):
    log.info("%d: a record that is too long for what is left of this disk, by far", number)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
log.info("after")
print(handler.statistics())
"""


def test_a_full_disk_is_counted_and_over_when_it_is_over(tmp_path: Path) -> None:
    """Nothing raises; failed says how many and why; the next record after is written whole."""
    done = subprocess.run(
        [sys.executable, "-c", _FULL], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "accepted=5" in done.stdout and "written=2" in done.stdout
    assert "failed={'EFBIG': 3}" in done.stdout
    first, last = done.stderr.splitlines()
    assert "File too large" in first and "spare: 3 of 3 records not written: EFBIG 3" in last
    lines = read_lines(tmp_path / "app.log")
    assert lines[0].endswith("before") and lines[-1].endswith("INFO full after")


def test_a_subscriber_sees_lines_as_they_are_written(tmp_path: Path, log: logging.Logger) -> None:
    """subscribe() gives what is there, then what comes, across a rotation, each line once."""
    handler = FileStreamHandler(tmp_path / "a.log", max_bytes=2000, keep=50)
    log.addHandler(handler)
    log.info("early")
    with handler.subscribe(tail="all") as subscription:
        for number in range(200):
            log.info("line %d", number)
        seen: list[str] = []
        for record in subscription:
            if record.type == "log":
                seen.append(str(record.message))
            if seen and seen[-1] == "line 199":
                break
    assert seen == ["early", *(f"line {number}" for number in range(200))]
    wait_until(lambda: not handler._waker.active)
    with handler.subscribe(since="1h") as subscription:
        assert next(subscription).message == "early"


def test_fsync_before_the_call_returns(
    tmp_path: Path, log: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With ``durability="fsync"`` each record is on the disk, with ``write`` none is waited for."""
    synced: list[int] = []
    for name in ("fsync", "fdatasync"):
        if hasattr(os, name):
            monkeypatch.setattr(os, name, synced.append)
    for durability, expected in (("fsync", 3), ("write", 0)):
        handler = FileStreamHandler(tmp_path / f"{durability}.log", durability=durability)
        log.addHandler(handler)
        synced.clear()
        for number in range(3):
            log.warning("%d", number)
            assert len(synced) == min(number + 1, expected)
        log.removeHandler(handler)
        handler.close()


def test_an_instance_is_small_enough_to_be_fast(tmp_path: Path) -> None:
    """Beyond 30 attributes CPython looks every one of them up in a dictionary."""
    handler = FileStreamHandler(tmp_path / "a.log")
    handler.name = "small"
    handler.handle(logging.makeLogRecord({"msg": "x"}))
    assert len(vars(handler)) <= 30
    handler.close()
