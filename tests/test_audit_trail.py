"""The trail keeps one unbroken chain, whoever writes it and whatever happens to the writers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import threading
from pathlib import Path

import pytest
from sizes import sized
from waiting import wait_until

from zotify_logging.audit.event import AuditEvent
from zotify_logging.audit.segments import list_segments
from zotify_logging.audit.trail import AuditTrail
from zotify_logging.audit.verification import verify_trail
from zotify_logging.exceptions import AuditWriteError, LockTimeoutError, StorageError
from zotify_logging.storage.lock_file import LockFile

LOGIN = AuditEvent("user.login", user_id="u1")


def read_lines(path: Path) -> list[dict[str, object]]:
    """Return every event of a trail in the order of its files."""
    files = [Path(segment.path) for segment in list_segments(str(path))]
    events = []
    for file in (*files, path):
        for line in file.read_bytes().splitlines():
            try:
                events.append(json.loads(line))
            except ValueError:
                pass
    return events


def types(path: Path) -> list[object]:
    """Return the event types of a trail."""
    return [event["event_type"] for event in read_lines(path)]


def run(code: str, cwd: Path, *arguments: str) -> subprocess.Popen[str]:
    """Start a Python program in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code), *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    """Wait for a program and return its output; it must have ended well."""
    out, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    return out


WRITER = """
    import sys
    from zotify_logging.audit.event import AuditEvent
    from zotify_logging.audit.trail import AuditTrail
    who, count, max_bytes = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    with AuditTrail("audit.jsonl", max_bytes=max_bytes, durability="write", lock_timeout=60) as t:
        for number in range(count):
            t.append(AuditEvent("job.start", user_id=who, details={"number": number}))
"""


@pytest.mark.parametrize("max_bytes", [0, 60_000])
def test_processes_form_one_chain(tmp_path: Path, max_bytes: int) -> None:
    """Four processes, with and without rotation: every event once, seq dense, chain unbroken."""
    count = sized(500, 20_000)
    if max_bytes:
        max_bytes = sized(max_bytes, 4_000_000)
    writers = [run(WRITER, tmp_path, f"w{n}", str(count), str(max_bytes)) for n in range(4)]
    for writer in writers:
        finish(writer)
    path = tmp_path / "audit.jsonl"
    report = verify_trail(path)
    assert (report.exit_code, report.findings) == (0, [])
    assert bool(list_segments(str(path))) == bool(max_bytes)
    seen: dict[object, list[object]] = {}
    for event in read_lines(path):
        if event["event_type"] == "job.start":
            details = event["details"]
            assert isinstance(details, dict)
            seen.setdefault(event["user_id"], []).append(details["number"])
    assert seen == {f"w{n}": list(range(count)) for n in range(4)}


def test_killed_writers_lose_no_receipt(tmp_path: Path) -> None:
    """SIGKILL at random points of a burst: whatever was returned is in a chain that verifies."""
    code = """
        import sys
        from zotify_logging.audit.event import AuditEvent
        from zotify_logging.audit.trail import AuditTrail
        trail = AuditTrail("audit.jsonl", max_bytes=50_000, durability="write", lock_timeout=60)
        trail.open()
        text = "x" * 3000
        while True:
            receipt = trail.append(AuditEvent("job.start", message=text))
            sys.stdout.write(f"{receipt.seq} {receipt.hash}\\n")
            sys.stdout.flush()
    """
    returned: dict[int, str] = {}
    for round_number in range(sized(4, 60)):
        writers = [run(code, tmp_path) for _ in range(2)]
        for index, writer in enumerate(writers):
            assert writer.stdout is not None
            lines = [writer.stdout.readline() for _ in range(7 + 13 * round_number + index)]
            writer.send_signal(signal.SIGKILL)
            lines += writer.stdout.readlines()  # communicate() would skip what is buffered here
            writer.communicate(timeout=60)
            for line in lines:
                if line.endswith("\n"):
                    seq, digest = line.split()
                    returned[int(seq)] = digest
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path) as trail:
        trail.append(LOGIN)
    report = verify_trail(path)
    assert report.exit_code == 0, report.findings
    found = {event["seq"]: event["hash"] for event in read_lines(path)}
    assert returned
    assert all(found.get(seq) == digest for seq, digest in returned.items())


def test_works_on_in_forked_workers(tmp_path: Path) -> None:
    """A trail opened before the fork is written by parent and children as one chain."""
    code = """
        import os
        from zotify_logging.audit.event import AuditEvent
        from zotify_logging.audit.trail import AuditTrail
        trail = AuditTrail("audit.jsonl", lock_timeout=60)
        trail.open()
        trail.append(AuditEvent("user.login", user_id="before"))
        children = []
        for worker in range(3):
            child = os.fork()
            if not child:
                for number in range(100):
                    trail.append(AuditEvent("user.login", user_id=f"child{worker}"))
                os._exit(0)
            children.append(child)
        for number in range(100):
            trail.append(AuditEvent("user.login", user_id="parent"))
        for child in children:
            assert os.waitpid(child, 0)[1] == 0
        trail.close()
    """
    finish(run(code, tmp_path))
    report = verify_trail(tmp_path / "audit.jsonl")
    assert (report.exit_code, report.events) == (0, 402)


def test_threads_share_a_trail(tmp_path: Path) -> None:
    """Eight threads on one trail: every receipt has a place of its own."""
    seqs: list[int | None] = []
    with AuditTrail(tmp_path / "audit.jsonl", lock_timeout=60) as trail:

        def write() -> None:
            for _ in range(100):
                seqs.append(trail.append(LOGIN).seq)

        threads = [threading.Thread(target=write) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(seq for seq in seqs if seq) == list(range(2, 802))
    assert verify_trail(tmp_path / "audit.jsonl").exit_code == 0


def torn_trail(path: Path, fragment: bytes) -> None:
    """Write a trail that ends in a fragment, as a crash leaves it."""
    with AuditTrail(path) as trail:
        trail.append(LOGIN)
    with path.open("ab") as file:
        file.write(fragment)


FRAGMENT = b'{"v":1,"seq":3,"event_id":"01'


@pytest.mark.parametrize("keep_lock", [True, False])
def test_a_torn_tail_is_ended_and_accounted_for(tmp_path: Path, keep_lock: bool) -> None:
    """The fragment stays, gets a newline, and one audit.recovered tells of it; that verifies."""
    path = tmp_path / "audit.jsonl"
    torn_trail(path, FRAGMENT)
    assert verify_trail(path).exit_code == 3
    if not keep_lock:
        os.unlink(f"{path}.lock")
    with AuditTrail(path) as trail:
        trail.append(LOGIN)
    assert types(path)[-2:] == ["audit.recovered", "user.login"]
    assert FRAGMENT + b"\n" in path.read_bytes()
    report = verify_trail(path)
    assert (report.exit_code, [found.code for found in report.findings]) == (0, ["recovered"])


def test_every_way_to_die_during_recovery(tmp_path: Path) -> None:
    """Wherever the recovering write is cut, the next writer accounts for all that is left."""
    path = tmp_path / "audit.jsonl"
    torn_trail(path, FRAGMENT)
    before = path.read_bytes()
    lock = Path(f"{path}.lock").read_bytes()
    with AuditTrail(path, service="s") as trail:
        trail.append(LOGIN)
    recovery = path.read_bytes()[len(before) :]
    for cut in range(0, len(recovery), sized(29, 1)):
        path.write_bytes(before + recovery[:cut])
        Path(f"{path}.lock").write_bytes(lock)
        with AuditTrail(path) as trail:
            trail.append(LOGIN)
        report = verify_trail(path)
        assert report.exit_code == 0, (cut, report.findings)
        assert types(path)[-1] == "user.login"
        assert recovery[:cut] in path.read_bytes()


def test_a_flipped_bit_in_a_fragment_is_found(tmp_path: Path) -> None:
    """What was accounted for can no longer be changed."""
    path = tmp_path / "audit.jsonl"
    torn_trail(path, FRAGMENT)
    with AuditTrail(path) as trail:
        trail.append(LOGIN)
    path.write_bytes(path.read_bytes().replace(FRAGMENT, FRAGMENT[:-1] + b"3"))
    assert verify_trail(path).exit_code == 1


def test_a_line_without_its_newline_counts(tmp_path: Path) -> None:
    """A write that was cut before its last byte lost nothing: the newline is added."""
    path = tmp_path / "audit.jsonl"
    torn_trail(path, b"")
    os.truncate(path, path.stat().st_size - 1)
    os.unlink(f"{path}.lock")
    assert verify_trail(path).exit_code == 3
    with AuditTrail(path) as trail:
        trail.append(LOGIN)
    assert types(path) == ["audit.chain.started", "user.login", "audit.recovered", "user.login"]
    assert verify_trail(path).exit_code == 0


def test_foreign_bytes_at_the_end_are_an_anomaly(tmp_path: Path) -> None:
    """A line that no writer of ours can have begun is not excused as a crash."""
    path = tmp_path / "audit.jsonl"
    torn_trail(path, b"hello\n")
    with AuditTrail(path) as trail:
        trail.append(LOGIN)
    assert types(path)[-2:] == ["audit.anomaly", "user.login"]
    report = verify_trail(path)
    assert (report.exit_code, report.findings[0].line) == (1, 3)


@pytest.mark.parametrize("kind", ["truncated", "emptied", "missing", "replaced"])
@pytest.mark.parametrize("own", [True, False])
def test_outside_changes_of_the_live_file_are_noticed(tmp_path: Path, kind: str, own: bool) -> None:
    """Truncation, deletion and replacement are told in the chain, by old and new processes."""
    path = tmp_path / "audit.jsonl"
    trail = AuditTrail(path)
    trail.open()
    for _ in range(5):
        trail.append(LOGIN)
    if not own:
        trail.close()
        trail = AuditTrail(path)
    if kind == "truncated":
        os.truncate(path, 900)
    elif kind == "emptied":
        os.truncate(path, 0)
    elif kind == "missing":
        path.rename(tmp_path / "elsewhere")
    else:
        path.rename(tmp_path / "elsewhere")
        path.write_bytes((tmp_path / "elsewhere").read_bytes())
    receipt = trail.append(LOGIN)
    trail.close()
    assert receipt.seq == 8  # 6 were there, the anomaly is the 7th
    live = [json.loads(line)["event_type"] for line in path.read_bytes().splitlines()]
    assert live == ["audit.anomaly", "user.login"]
    report = verify_trail(path)
    assert report.exit_code == (3 if kind == "replaced" else 1)
    assert "anomaly" in [found.code for found in report.findings]


def test_rotation_names_segments_by_their_seqs(tmp_path: Path) -> None:
    """Closed segments follow one another without a hole, and each next one names the last."""
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path, max_bytes=2000) as trail:
        for _ in range(20):
            trail.append(LOGIN)
    segments = list_segments(str(path))
    assert segments[0].name.startswith("audit.000000000001-")
    for one, two in zip(segments, segments[1:], strict=False):
        assert two.first_seq == one.last_seq + 1
    first = json.loads(path.read_bytes().splitlines()[0])
    assert first["event_type"] == "audit.segment.opened"
    assert first["details"]["closed"]["name"] == segments[-1].name
    assert first["details"]["closed"]["digest"] == first["prev"]
    assert verify_trail(path).exit_code == 0
    assert {entry.name for entry in tmp_path.iterdir()} == {
        "audit.jsonl",
        "audit.jsonl.lock",
        *(segment.name for segment in segments),
    }


def test_an_interrupted_rotation_is_completed(tmp_path: Path) -> None:
    """A process that dies between the rename and the first line leaves nothing to repair."""
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path) as trail:
        trail.append(LOGIN)
    path.rename(tmp_path / "audit.000000000001-000000000002.jsonl")
    with AuditTrail(path) as trail:
        trail.append(LOGIN)
    assert types(path)[2:] == ["audit.segment.opened", "user.login"]
    assert verify_trail(path).exit_code == 0


class SteppingClock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now_ns = 1_790_000_000_000_000_000

    def time_ns(self) -> int:
        """Return the time that was set."""
        return self.now_ns

    def monotonic(self) -> float:
        """Return the same in seconds."""
        return self.now_ns / 1e9


def test_a_clock_that_steps_back_is_told(tmp_path: Path) -> None:
    """Timestamps never decrease; the reading is kept in occurred_at with a problem."""
    clock = SteppingClock()
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path, clock=clock) as trail:
        trail.append(LOGIN)
        clock.now_ns -= 3_600_000_000_000
        trail.append(LOGIN)
        clock.now_ns += 7_200_000_000_000
        trail.append(LOGIN)
    before, stepped, after = read_lines(path)[1:]
    assert stepped["timestamp"] == before["timestamp"]
    assert stepped["problems"] == ["clock_step"]
    assert str(stepped["occurred_at"]) < str(before["timestamp"])
    assert str(after["timestamp"]) > str(before["timestamp"])
    assert "problems" not in after
    assert all(len(str(event["timestamp"])) == 27 for event in read_lines(path))
    assert verify_trail(path).exit_code == 0


def test_a_held_lock_sends_events_to_the_fallback_and_a_gap_tells(tmp_path: Path) -> None:
    """What waited for lock_timeout in vain is in the fallback file, then counted in the chain."""
    path = tmp_path / "audit.jsonl"
    holder = """
        import sys
        from zotify_logging.storage.lock_file import LockFile
        with LockFile("audit.jsonl.lock").held(10):
            print("held", flush=True)
            sys.stdin.read()
    """
    with AuditTrail(path, lock_timeout=0.05) as trail:
        process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(holder)],
            cwd=tmp_path,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        receipt = trail.deliver(AuditEvent("user.login", user_id="waited"))
        assert (receipt.seq, receipt.hash, receipt.in_chain) == (None, None, False)
        with pytest.raises(AuditWriteError) as caught:
            trail.append(LOGIN)
        assert isinstance(caught.value.__cause__, LockTimeoutError)
        assert trail.losses == 2
        process.communicate("")
        trail.append(LOGIN)
        assert trail.losses == 0
    kept = json.loads(Path(f"{path}.fallback").read_text())
    assert (kept["event_id"], kept["user_id"]) == (receipt.event_id, "waited")
    assert kept["problems"] == ["not_in_chain: lock_timeout"]
    assert Path(f"{path}.fallback").stat().st_mode & 0o777 == 0o600
    gap = read_lines(path)[-2]
    assert gap["event_type"] == "audit.gap"
    details = gap["details"]
    assert isinstance(details, dict)
    assert details["lost"] == 2
    assert details["reasons"] == {"lock_timeout": 2}
    assert details["kept"] == {"fallback": 1, "nowhere": 1}
    assert verify_trail(path).exit_code == 3


def test_a_full_disk_is_learnt_and_survived(tmp_path: Path) -> None:
    """A write that the system cuts raises, or is in the fallback; the trail goes on after it."""
    code = """
        import os, resource, signal
        from zotify_logging.audit.event import AuditEvent
        from zotify_logging.audit.trail import AuditTrail
        from zotify_logging.exceptions import AuditWriteError
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        trail = AuditTrail("audit.jsonl", on_error="raise")
        trail.open()
        trail.append(AuditEvent("user.login"))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (os.path.getsize("audit.jsonl") + 100, hard))
        for number in range(3):
            try:
                trail.deliver(AuditEvent("user.login", user_id="lost"))
            except AuditWriteError as error:
                print(type(error.__cause__).__name__, error.__cause__.errno)
        try:
            trail.append_or_keep(AuditEvent("user.login", user_id="kept"))
        except AuditWriteError as error:
            print(error)
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        print(trail.append(AuditEvent("user.login", user_id="after")).seq)
        trail.close()
    """
    out = finish(run(code, tmp_path)).splitlines()
    assert out[:3] == ["OSError 27"] * 3
    assert "audit.jsonl.fallback" in out[3]
    path = tmp_path / "audit.jsonl"
    assert types(path)[-3:] == ["audit.recovered", "audit.gap", "user.login"]
    report = verify_trail(path)
    assert {found.code for found in report.findings} == {"recovered", "gap"}
    assert json.loads(Path(f"{path}.fallback").read_text())["user_id"] == "kept"


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """A folder in the file's place, a file in the folder's place, no permission: clear errors."""
    with pytest.raises(StorageError, match="is a directory"):
        AuditTrail(tmp_path).open()
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match="cannot be opened.*name a file in a folder"):
        AuditTrail(tmp_path / "file" / "audit.jsonl").open()
    code = """
        import os
        from zotify_logging.audit.trail import AuditTrail
        os.mkdir("closed", 0o500)
        if os.geteuid() == 0:
            os.chmod("closed", 0o555)
            os.seteuid(65534)
        try:
            AuditTrail("closed/audit.jsonl").open()
        except OSError as error:
            print(error)
    """
    out = finish(run(code, tmp_path))
    assert "Permission denied" in out and "closed/audit.jsonl" in out


def test_a_file_that_is_no_trail_is_left_alone(tmp_path: Path) -> None:
    """Pointing the trail at somebody else's file harms neither."""
    path = tmp_path / "notes.txt"
    path.write_text("my notes\n")
    with pytest.raises(StorageError, match="not an audit trail"):
        AuditTrail(path).open()
    assert path.read_text() == "my notes\n"


def test_a_write_inside_a_write_is_refused(tmp_path: Path) -> None:
    """An event from a signal handler inside an append cannot take the same place."""
    path = tmp_path / "audit.jsonl"
    nested: list[str] = []

    class InterruptingClock(SteppingClock):
        reads = 0

        def time_ns(self) -> int:
            self.reads += 1
            if self.reads == 2:  # the first is for the id, the second under the lock
                with pytest.raises(AuditWriteError) as caught:
                    trail.append(LOGIN)
                nested.append(str(caught.value))
            return self.now_ns

    clock = InterruptingClock()
    trail = AuditTrail(path, clock=clock)
    trail.open()
    nested.clear()
    clock.reads = 0
    trail.append(LOGIN)
    trail.append(LOGIN)
    trail.close()
    assert len(nested) == 1
    assert "from inside a write" in nested[0]
    report = verify_trail(path)
    assert {found.code for found in report.findings} == {"gap"}


def test_closed_trails_refuse_and_open_again(tmp_path: Path) -> None:
    """After close() events are refused with the cure; open() takes up the chain."""
    path = tmp_path / "audit.jsonl"
    trail = AuditTrail(path)
    trail.open()
    trail.close()
    trail.close()
    with pytest.raises(AuditWriteError, match="open"):
        trail.append(LOGIN)
    with trail:
        trail.append(LOGIN)
    assert types(path) == ["audit.chain.started", "audit.gap", "user.login"]


def test_keep_is_not_available_yet(tmp_path: Path) -> None:
    """An option that would delete nothing must not look as if it did."""
    with pytest.raises(ValueError, match="not available yet"):
        AuditTrail(tmp_path / "audit.jsonl", keep=3)


@pytest.mark.parametrize("durability", ["interval", "fsync"])
def test_what_is_written_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, durability: str
) -> None:
    """fsync syncs before each receipt; interval within a second of the last event by itself."""
    synced: list[int] = []
    monkeypatch.setattr("zotify_logging.audit.trail.sync_data", synced.append)
    monkeypatch.setattr("zotify_logging.audit.durability.MAX_UNSYNCED_SECONDS", 0.05)
    trail = AuditTrail(
        tmp_path / "audit.jsonl", durability="fsync" if durability == "fsync" else "interval"
    )
    trail.open()
    before = len(synced)
    trail.append(LOGIN)
    if durability == "fsync":
        assert len(synced) == before + 1
    else:
        wait_until(lambda: len(synced) > before)
        count = len(synced)
        for _ in range(100):
            trail.append(LOGIN)
        assert len(synced) > count
    trail.close()


def test_the_lock_file_may_vanish(tmp_path: Path) -> None:
    """Without the head in the lock file it is read from the trail."""
    path = tmp_path / "audit.jsonl"
    with AuditTrail(path, max_bytes=2000) as trail:
        for _ in range(10):
            trail.append(LOGIN)
            os.unlink(f"{path}.lock")
    assert verify_trail(path).exit_code == 0
    Path(f"{path}.lock").write_bytes(b"rubbish" * 100)
    with AuditTrail(path) as trail:
        trail.append(LOGIN)
    assert verify_trail(path).exit_code == 0
    with LockFile(f"{path}.lock").held(1):
        pass
