"""JsonAuditHandler: records that carry event_type become lines of the trail."""

from __future__ import annotations

import errno
import json
import logging
import logging.config
import os
import resource
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from zotify_logging.audit.reader import AuditReader
from zotify_logging.audit.trails import audit_action, audit_event
from zotify_logging.audit.verification import verify_trail
from zotify_logging.context import bound
from zotify_logging.exceptions import (
    AuditEventError,
    AuditSyncError,
    NoAuditTrailError,
    OptionError,
    StorageError,
)
from zotify_logging.handlers.error_ring import recent_problems
from zotify_logging.handlers.json_audit import JsonAuditHandler


def configure(path: Path, **options: object) -> JsonAuditHandler:
    """Configure one handler by a literal dictionary, as users do."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "handlers": {
                "audit": {
                    "class": "zotify_logging.handlers.json_audit.JsonAuditHandler",
                    "filename": str(path),
                    **options,
                }
            },
            "loggers": {"app": {"level": "INFO", "handlers": ["audit"], "propagate": False}},
        }
    )
    handler = logging.getLogger("app").handlers[0]
    assert isinstance(handler, JsonAuditHandler)
    return handler


def events(path: Path) -> list[dict[str, object]]:
    """Return the events of a trail but for its first."""
    return [json.loads(line) for line in path.read_bytes().splitlines()[1:]]


def test_a_record_becomes_an_event(tmp_path: Path) -> None:
    """Members by name, other extras into details, context filled in, the rest ignored."""
    path = tmp_path / "new" / "folder" / "audit.jsonl"
    handler = configure(path, service="shop")
    log = logging.getLogger("app")
    with bound(request_id="r1", user_id="ctx"):
        log.info(
            "user %s in",
            "u1",
            extra={
                "event_type": "user.login",
                "user_id": "u1",
                "target": {"type": "session", "id": "s"},
                "details": {"method": "form"},
                "browser": "firefox",
            },
        )
    log.info("not an event")
    (event,) = events(path)
    assert event["message"] == "user u1 in"
    assert (event["user_id"], event["request_id"], event["service"]) == ("u1", "r1", "shop")
    assert event["target"] == {"type": "session", "id": "s"}
    assert event["details"] == {"browser": "firefox", "method": "form"}
    assert event["outcome"] == "success" and "problems" not in event
    statistics = handler.statistics()
    assert (statistics.accepted, statistics.written, statistics.ignored) == (1, 1, 1)
    assert statistics.bytes == path.stat().st_size
    assert verify_trail(path).exit_code == 0


def test_explicit_details_win_and_the_clash_is_told(tmp_path: Path) -> None:
    """An extra of the same name as a detail loses, visibly."""
    path = tmp_path / "audit.jsonl"
    configure(path)
    logging.getLogger("app").info(
        "m", extra={"event_type": "user.login", "details": {"a": 1}, "a": 2}
    )
    (event,) = events(path)
    assert event["details"] == {"a": 1}
    assert event["problems"] == ["extra_clash: a"]


def test_an_exception_goes_into_details(tmp_path: Path) -> None:
    """The traceback is kept, on the same line."""
    path = tmp_path / "audit.jsonl"
    configure(path)
    try:
        raise ValueError("two\nlines")
    except ValueError:
        logging.getLogger("app").exception("failed", extra={"event_type": "job.fail"})
    (event,) = events(path)
    details = event["details"]
    assert isinstance(details, dict)
    assert "ValueError: two\nlines" in details["exception"]
    assert event["outcome"] == "failure"


def test_structlog_events_pass_through(tmp_path: Path) -> None:
    """An event dictionary as the record's message is read member by member."""
    path = tmp_path / "audit.jsonl"
    configure(path)
    logging.getLogger("app").info(
        {"event": "in", "event_type": "user.login", "user_id": "u1", "browser": "ff"}
    )
    (event,) = events(path)
    assert (event["message"], event["user_id"]) == ("in", "u1")
    assert event["details"] == {"browser": "ff"}


@pytest.mark.parametrize("delivery", ["direct", "queued"])
def test_both_deliveries_write_the_same(tmp_path: Path, delivery: str) -> None:
    """Queued events are redacted, complete and in order; flush waits for them."""
    path = tmp_path / "audit.jsonl"
    handler = configure(path, delivery=delivery)
    for number in range(50):
        logging.getLogger("app").info(
            "password=hunter2hunter2",
            extra={"event_type": "user.login", "number": number, "token": "abc"},
        )
    assert handler.flush()
    found = events(path)
    assert [event["details"] for event in found] == [
        {"number": number, "token": "[REDACTED]"} for number in range(50)
    ]
    assert all(event["redacted"] == ["/message", "/details/token"] for event in found)


def test_the_trail_goes_by_the_handlers_name(tmp_path: Path) -> None:
    """audit_event finds the handler's trail until it is closed."""
    handler = configure(tmp_path / "audit.jsonl")
    assert audit_event("user.login", trail="audit").seq == 2
    second = JsonAuditHandler(tmp_path / "second.jsonl")
    with pytest.raises(NoAuditTrailError, match="several"):
        audit_event("user.login")
    second.set_name("second")
    assert audit_event("user.login", trail="second").seq == 2
    second.close()
    assert audit_event("user.login").seq == 3
    handler.close()
    with pytest.raises(NoAuditTrailError):
        audit_event("user.login")


def test_wrong_options_are_all_named_at_once(tmp_path: Path) -> None:
    """Each wrong option with its value and the cure, in one error."""
    with pytest.raises(OptionError) as caught:
        JsonAuditHandler(
            tmp_path / "audit.jsonl",
            durability="fsnc",
            on_error="ignore",
            unknown="drop",
            max_bytes="many",
            keep=3,
            max_byte=5,  # type: ignore[call-arg]  # wrong on purpose
        )
    text = str(caught.value)
    assert "did you mean fsync?" in text
    assert "did you mean max_bytes?" in text
    for name in ("durability", "on_error", "unknown", "max_bytes", "keep"):
        assert f"JsonAuditHandler.{name}:" in text
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    """A folder in the file's place and a file in the folder's place are clear errors."""
    with pytest.raises(OptionError, match="filename.*is a directory"):
        JsonAuditHandler(tmp_path)
    (tmp_path / "file").touch()
    with pytest.raises(OptionError, match="filename.*cannot be opened"):
        JsonAuditHandler(tmp_path / "file" / "audit.jsonl")


def test_a_failed_event_is_in_the_fallback_and_counted(tmp_path: Path) -> None:
    """logger.* never raises: the line is in the fallback, the failure in the counters."""
    path = tmp_path / "audit.jsonl"
    handler = configure(path)
    reported: list[logging.LogRecord] = []
    handler.handleError = reported.append  # type: ignore[assignment,method-assign] # counts
    handler.trail.close()
    logging.getLogger("app").info("m", extra={"event_type": "user.login", "token": "abc"})
    assert len(reported) == 1
    assert handler.statistics().failed == {"refused": 1}
    kept = json.loads(Path(f"{path}.fallback").read_text())
    assert kept["details"] == {"token": "[REDACTED]"}


def test_refused_types_are_counted(tmp_path: Path) -> None:
    """unknown="reject" through logger.*: not written, counted, reported."""
    handler = configure(tmp_path / "audit.jsonl", unknown="reject")
    handler.handleError = lambda record: None  # type: ignore[method-assign]  # keep stderr quiet
    logging.getLogger("app").info("m", extra={"event_type": "user.logn"})
    assert handler.statistics().failed == {"AuditEventError": 1}


def test_forked_workers_form_one_chain(tmp_path: Path) -> None:
    """A handler configured before the fork writes one chain from every worker."""
    code = """
        import logging, os
        from zotify_logging.handlers.json_audit import JsonAuditHandler
        log = logging.getLogger("app")
        log.setLevel("INFO")
        log.addHandler(JsonAuditHandler("audit.jsonl", lock_timeout=60))
        children = []
        for worker in range(3):
            child = os.fork()
            if not child:
                for number in range(100):
                    log.info("m", extra={"event_type": "job.start", "number": number})
                os._exit(0)
            children.append(child)
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
    """
    environment = {**os.environ, "PYTHONWARNINGS": "error"}
    subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        cwd=tmp_path,
        check=True,
        timeout=120,
        env=environment,
    )
    report = verify_trail(tmp_path / "audit.jsonl")
    assert (report.exit_code, report.events) == (0, 301)


def test_applied_twice_the_chain_goes_on(tmp_path: Path) -> None:
    """dictConfig again closes the old handler; the new one takes up its chain."""
    path = tmp_path / "audit.jsonl"
    for _ in range(5):
        configure(path)
        logging.getLogger("app").info("m", extra={"event_type": "user.login"})
        logging.getLogger("app").handlers[0].close()
    report = verify_trail(path)
    assert (report.exit_code, report.events) == (0, 6)
    assert AuditReader(path).head().seq == 6


def test_what_the_helpers_write_counts_in_the_handlers_ledger(tmp_path: Path) -> None:
    """Log calls, audit_event and audit_action each count once, refused ones by their reason."""
    path = tmp_path / "audit.jsonl"
    handler = configure(path, unknown="reject")
    logging.getLogger("app").info("m", extra={"event_type": "user.login"})
    audit_event("user.login")
    with audit_action("config.update"):
        pass
    with pytest.raises(AuditEventError):
        audit_event("user.logn")
    statistics = handler.statistics()
    assert (statistics.accepted, statistics.written) == (5, 4)
    assert statistics.failed == {"AuditEventError": 1}
    assert statistics.bytes == path.stat().st_size
    assert "user.logn" in (statistics.last_error or "")


def test_a_forked_child_counts_its_own_helpers(tmp_path: Path) -> None:
    """The child begins at zero, and the parent does not see the child's."""
    handler = configure(tmp_path / "audit.jsonl")
    audit_event("user.login")
    child = os.fork()
    if not child:
        audit_event("user.login")
        audit_event("user.login")
        statistics = handler.statistics()
        os._exit(0 if (statistics.accepted, statistics.written) == (2, 2) else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert handler.statistics().written == 1


def test_a_full_disk_is_the_reason_and_the_ping_until_the_gap_is_written(tmp_path: Path) -> None:
    """failed{EFBIG} for log call and helper alike; ping fails until the loss is in the chain."""
    path = tmp_path / "audit.jsonl"
    handler = configure(path)
    handler.ping()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))  # no byte more
    try:
        logging.getLogger("app").info("m", extra={"event_type": "user.login"})
        assert audit_event("user.login").seq is None
        with pytest.raises(StorageError, match="not written"):
            handler.ping()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    statistics = handler.statistics()
    assert statistics.failed == {errno.errorcode[errno.EFBIG]: 2}
    assert any("event not written" in problem.text for problem in recent_problems())
    handler.ping()
    (gap,) = events(path)
    # Parsed JSON: mypy knows its values as objects only.
    assert (gap["event_type"], gap["details"]["lost"]) == ("audit.gap", 2)  # type: ignore[index]
    assert len(Path(f"{path}.fallback").read_bytes().splitlines()) == 2


def test_health_knows_what_the_helpers_lost(tmp_path: Path) -> None:
    """An event of audit_event alone, which no log call has seen."""
    path = tmp_path / "audit.jsonl"
    handler = configure(path)
    assert handler.health().status == "ok"
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size, hard))
    try:
        assert audit_event("user.login").seq is None
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert handler.health().status == "degraded"


def test_ping_names_a_folder_in_the_place_of_the_file(tmp_path: Path) -> None:
    """What can be opened no more is found without an event."""
    path = tmp_path / "audit.jsonl"
    handler = configure(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(StorageError, match="audit.jsonl"):
        handler.ping()
    path.rmdir()
    handler.ping()
    assert [event["event_type"] for event in events(path)] == []
    assert b"audit.anomaly" in path.read_bytes()


@pytest.mark.parametrize("durability", ["fsync", "interval"])
def test_an_event_that_was_written_but_not_synced_is_no_loss(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durability: str
) -> None:
    """Once in the chain, counted as written, reported; no fallback, no gap."""
    path = tmp_path / "audit.jsonl"
    handler = configure(path, durability=durability)

    def fail(descriptor: int) -> None:
        raise OSError(errno.EIO, "the disk did not answer")

    monkeypatch.setattr("zotify_logging.audit.durability.MAX_UNSYNCED_EVENTS", 1)
    with monkeypatch.context() as broken:
        broken.setattr("zotify_logging.audit.trail.sync_data", fail)
        logging.getLogger("app").info("m", extra={"event_type": "user.login"})
        if durability == "fsync":
            with pytest.raises(
                AuditSyncError, match="in the chain as seq 3.*do not write it again"
            ):
                audit_event("user.login")
        else:
            assert audit_event("user.login").seq == 3
    assert [event["event_type"] for event in events(path)] == ["user.login", "user.login"]
    assert not Path(f"{path}.fallback").exists()
    statistics = handler.statistics()
    assert (statistics.accepted, statistics.written, statistics.failed) == (2, 2, {})
    assert "the disk did not answer" in (statistics.last_error or "")
    assert "the disk did not answer" in recent_problems()[-1].text
    audit_event("user.login")
    assert [event["seq"] for event in events(path)] == [2, 3, 4]
    assert b"audit.gap" not in path.read_bytes()
