"""Verification finds every change of a trail, and its place."""

from __future__ import annotations

import gzip
import json
import os
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from sizes import sized

from zotify_logging.audit.chain import GENESIS, close_line
from zotify_logging.audit.event import AuditEvent
from zotify_logging.audit.report import VerifyReport
from zotify_logging.audit.segments import list_segments
from zotify_logging.audit.trail import AuditTrail
from zotify_logging.audit.verification import verify_trail


def write_trail(path: Path, events: int, *, max_bytes: int = 0) -> Path:
    """Write a trail whose program name is short, so that flipping every bit stays quick."""
    trail = AuditTrail(path, max_bytes=max_bytes, durability="write", service="t")
    with trail:
        for number in range(events):
            trail.append(AuditEvent("user.login", user_id=f"u{number}"))
    return path


def codes(report: VerifyReport) -> list[str]:
    """Return the codes of what is an error."""
    return [found.code for found in report.findings if found.severity == "error"]


def test_an_untouched_trail_is_verified(tmp_path: Path) -> None:
    """All lines count, nothing is found, and what was not proven is listed."""
    report = verify_trail(write_trail(tmp_path / "audit.jsonl", 9))
    assert (report.exit_code, report.state) == (0, "verified")
    assert (report.events, report.first_seq, report.last_seq) == (10, 1, 10)
    assert report.findings == []
    assert len(report.chain_id) == 32
    assert any("anchor" in item for item in report.not_checked)


def test_every_single_bit_flip_is_found_at_its_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No bit of a trail can change without an error that names its line."""
    monkeypatch.setattr("zotify_logging.audit.settled_lines._WAIT", 0.0)
    path = write_trail(tmp_path / "audit.jsonl", sized(1, 12))
    original = path.read_bytes()
    starts = [0, *(match.end() for match in re.finditer(b"\n", original))]
    descriptor = os.open(path, os.O_WRONLY)
    line = 0
    for position, byte in enumerate(original):
        if position >= starts[line + 1]:
            line += 1
        for bit in range(8):
            os.pwrite(descriptor, bytes([byte ^ 1 << bit]), position)
            report = verify_trail(path)
            errors = [found for found in report.findings if found.severity == "error"]
            assert report.exit_code == 1, (position, bit)
            assert (errors[0].segment, errors[0].line) == ("audit.jsonl", line + 1), (position, bit)
            assert errors[0].offset == starts[line]
        os.pwrite(descriptor, bytes([byte]), position)
    os.close(descriptor)
    assert verify_trail(path).exit_code == 0


def test_a_flip_in_a_closed_segment_is_found_there(tmp_path: Path) -> None:
    """A changed byte in any closed segment is reported with that segment and line."""
    path = write_trail(tmp_path / "audit.jsonl", 12, max_bytes=1500)
    for segment in list_segments(str(path)):
        file = Path(segment.path)
        original = file.read_bytes()
        second = original.index(b"\n") + 1
        changed = bytearray(original)
        changed[second + 40] ^= 1
        file.write_bytes(changed)
        first = verify_trail(path).findings[0]
        assert (first.code, first.segment, first.line) == ("changed_line", segment.name, 2)
        file.write_bytes(original)
    assert verify_trail(path).exit_code == 0


def delete(lines: list[bytes], at: int) -> list[bytes]:
    """Take one line away."""
    return lines[:at] + lines[at + 1 :]


def swap(lines: list[bytes], at: int) -> list[bytes]:
    """Exchange two neighbours."""
    return [*lines[:at], lines[at + 1], lines[at], *lines[at + 2 :]]


def double(lines: list[bytes], at: int) -> list[bytes]:
    """Repeat a line."""
    return [*lines[: at + 1], *lines[at:]]


def junk(lines: list[bytes], at: int) -> list[bytes]:
    """Put in a line that is none."""
    return [*lines[:at], b"not a line\n", *lines[at:]]


def forged(lines: list[bytes], at: int) -> list[bytes]:
    """Put in a line with a true hash of its own and the right prev."""
    event = json.loads(lines[at])
    prev = event["prev"]
    body = f'{{"v":1,"seq":{event["seq"]},"event_type":"user.forged","prev":"{prev}"'
    return [*lines[:at], close_line(body)[0], *lines[at:]]


@pytest.mark.parametrize("change", [delete, swap, double, junk, forged])
def test_moved_lines_are_found(
    tmp_path: Path, change: Callable[[list[bytes], int], list[bytes]]
) -> None:
    """Deleting, swapping, repeating or inserting a line anywhere is an error at that place."""
    path = write_trail(tmp_path / "audit.jsonl", 7)
    original = path.read_bytes().splitlines(keepends=True)
    for at in range(len(original) - 1):
        path.write_bytes(b"".join(change(original, at)))
        report = verify_trail(path)
        assert report.exit_code == 1, at
        errors = [found for found in report.findings if found.severity == "error"]
        assert errors[0].line in (at + 1, at + 2), (at, errors)


def test_a_missing_segment_is_found(tmp_path: Path) -> None:
    """Each closed segment that is taken away is named by the seqs that are in no file."""
    path = write_trail(tmp_path / "audit.jsonl", 20, max_bytes=1500)
    segments = list_segments(str(path))
    assert len(segments) > 3
    for segment in segments:
        kept = Path(segment.path).read_bytes()
        os.unlink(segment.path)
        report = verify_trail(path)
        assert report.exit_code == 1
        assert any(str(segment.first_seq) in found.message for found in report.findings)
        assert {"missing_segment", "missing_lines", "segment_name"} & set(codes(report))
        Path(segment.path).write_bytes(kept)
    assert verify_trail(path).exit_code == 0


def test_a_missing_live_file_is_found(tmp_path: Path) -> None:
    """Closed segments without a live file are an error, not a shorter trail."""
    path = write_trail(tmp_path / "audit.jsonl", 20, max_bytes=1500)
    path.unlink()
    assert codes(verify_trail(path)) == ["missing_live_file"]


def test_a_cut_closed_segment_is_found(tmp_path: Path) -> None:
    """A closed segment that lost its last line is reported, though what is left is a chain."""
    path = write_trail(tmp_path / "audit.jsonl", 20, max_bytes=1500)
    file = Path(list_segments(str(path))[1].path)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))
    report = verify_trail(path)
    assert "segment_end" in codes(report)
    assert report.findings[0].segment == file.name


def test_a_foreign_segment_is_found(tmp_path: Path) -> None:
    """A segment of another chain in the place of one of ours does not pass."""
    path = write_trail(tmp_path / "audit.jsonl", 20, max_bytes=1500)
    other = write_trail(tmp_path / "other" / "audit.jsonl", 20, max_bytes=1500)
    for ours, theirs in zip(list_segments(str(path)), list_segments(str(other)), strict=True):
        kept = Path(ours.path).read_bytes()
        Path(ours.path).write_bytes(Path(theirs.path).read_bytes())
        report = verify_trail(path)
        assert report.exit_code == 1
        Path(ours.path).write_bytes(kept)


def test_a_compressed_segment_verifies(tmp_path: Path) -> None:
    """A gzip'd segment counts as the segment; a broken gzip file cannot be verified."""
    path = write_trail(tmp_path / "audit.jsonl", 20, max_bytes=1500)
    segment = Path(list_segments(str(path))[1].path)
    packed = segment.with_name(segment.name + ".gz")
    packed.write_bytes(gzip.compress(segment.read_bytes()))
    segment.unlink()
    report = verify_trail(path)
    assert (report.exit_code, report.events) == (0, report.last_seq)
    packed.write_bytes(packed.read_bytes()[:-30])
    assert verify_trail(path).exit_code == 1  # what is missing then is an error of the chain
    assert any(found.code == "unreadable" for found in verify_trail(path).findings)


def test_missing_and_empty_trails_cannot_be_verified(tmp_path: Path) -> None:
    """No file, an empty one and a folder are exit 2, never "verified"."""
    path = tmp_path / "audit.jsonl"
    assert (verify_trail(path).exit_code, verify_trail(path).findings[0].code) == (2, "missing")
    path.touch()
    assert (verify_trail(path).exit_code, verify_trail(path).findings[0].code) == (2, "empty")
    assert verify_trail(tmp_path).exit_code == 2
    assert verify_trail(tmp_path / "none" / "audit.jsonl").exit_code == 2


def test_an_unknown_version_is_believed_only_with_its_hash(tmp_path: Path) -> None:
    """A line of a later format is exit 2; one that merely says so is exit 1."""
    path = tmp_path / "audit.jsonl"
    line, _ = close_line(f'{{"v":7,"seq":1,"event_type":"audit.chain.started","prev":"{GENESIS}"')
    path.write_bytes(line)
    report = verify_trail(path)
    assert (report.exit_code, report.findings[0].code) == (2, "unknown_version")
    path.write_bytes(line.replace(b'"v":7', b'"v":8'))
    assert verify_trail(path).exit_code == 1


def test_verifies_while_the_trail_is_written(tmp_path: Path) -> None:
    """A writer that rotates under the verifier's hands causes no finding."""
    path = tmp_path / "audit.jsonl"
    trail = AuditTrail(path, max_bytes=20_000, durability="write")
    trail.open()
    done = threading.Event()

    def write() -> None:
        while not done.is_set():
            trail.append(AuditEvent("user.login", user_id="u"))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(sized(15, 40)):
            report = verify_trail(path)
            assert report.exit_code == 0, report.findings
    finally:
        done.set()
        writer.join()
        trail.close()
    assert verify_trail(path).events == verify_trail(path).last_seq
