"""Proves that a trail is as it was written, or says what is wrong and where.

Only bytes are compared: no line is parsed and written again. Memory does not grow with the trail.
What this cannot prove without an outside anchor: that the end of the trail was not cut off, or that
the whole of it was not written anew by somebody who knows the format.
"""

from __future__ import annotations

import os

from .broken_region import BrokenRegion
from .chain import GENESIS, VERSION, ChainLine, could_be_torn, parse_line
from .line_members import line_details, line_kind, line_time_us
from .lines import RawLine
from .report import Finding, Severity, VerifyReport
from .segments import TrailFile, open_segment, trail_files
from .settled_lines import settled_lines

__all__ = ["verify_trail"]


def verify_trail(path: str | os.PathLike[str]) -> VerifyReport:
    """Check every byte of the trail at ``path``, closed segments included, while it may be written.

    Findings are returned, never raised: all of them in one run.
    """
    report = VerifyReport(os.path.abspath(os.fspath(path)))
    name = os.path.basename(report.path)
    try:
        files = trail_files(report.path)
    except OSError as error:
        _unverifiable(report, "unreadable", name, f"{report.path}: {error}")
        return report
    check = _Check(report)
    try:
        if not files:
            _unverifiable(report, "missing", name, f"{report.path}: there is no such trail")
        elif not files[-1].live:
            report.findings.append(
                Finding(
                    "missing_live_file", "error", name, 0, 0, None, f"{report.path} is not there"
                )
            )
        for file in files:
            check.file(file)
        check.finish()
        if files and not report.events and not any(f.severity == "error" for f in report.findings):
            _unverifiable(report, "empty", name, f"{report.path}: holds no event")
    finally:
        for file in files:
            if file.live:
                os.close(file.descriptor)
    return report


def _unverifiable(report: VerifyReport, code: str, segment: str, message: str) -> None:
    report.findings.append(Finding(code, "unverifiable", segment, 0, 0, None, message))


class _Check:
    """One run: what the next line has to continue, and the broken lines not yet accounted for."""

    def __init__(self, report: VerifyReport) -> None:
        self._report = report
        self._seq = 0
        self._hash = GENESIS
        self._or_hash = GENESIS  # the hash as stated on a line whose bytes were changed
        self._time_us = 0
        self._slack = 0
        self._begun = False
        self._region: BrokenRegion | None = None
        self._last_name = ""

    def file(self, file: TrailFile) -> None:
        """Check one file from its first to its last byte."""
        self._report.segments.append(file.name)
        try:
            descriptor = file.descriptor if file.live else open_segment(file.path)
        except (OSError, EOFError) as error:
            _unverifiable(self._report, "unreadable", file.name, str(error))
            return
        try:
            self._named(file, descriptor)
            number = 0
            for line in settled_lines(descriptor, live=file.live):
                number += 1
                if self._line(file, descriptor, number, line):
                    break
            self._close_region()
            if not file.live and self._begun and self._seq != file.last_seq:
                self._add(
                    "segment_end",
                    "error",
                    file,
                    number,
                    os.fstat(descriptor).st_size,
                    self._seq,
                    f"the name promises lines up to seq {file.last_seq}; the last is {self._seq}",
                )
                self._seq = max(self._seq, file.last_seq)
                self._hash = self._or_hash = ""
            self._last_name = file.name
        except OSError as error:
            _unverifiable(self._report, "unreadable", file.name, str(error))
        finally:
            if not file.live:
                os.close(descriptor)

    def finish(self) -> None:
        """Put what is known of the head into the report."""
        if self._report.events:
            self._report.last_seq = self._seq
            self._report.head_hash = self._hash
        place = {name: index for index, name in enumerate(self._report.segments)}
        self._report.findings.sort(key=lambda found: (place.get(found.segment, -1), found.line))

    def _named(self, file: TrailFile, descriptor: int) -> None:
        if file.live or file.first_seq == self._seq + 1:
            return
        if file.first_seq > self._seq + 1:
            message = f"seqs {self._seq + 1} to {file.first_seq - 1} are in no file"
            self._add("missing_segment", "error", file, 0, 0, self._seq + 1, message)
            self._seq = file.first_seq - 1
            self._hash = self._or_hash = ""  # nothing to compare with
        else:
            message = f"begins at seq {file.first_seq}; {self._seq} is already in a file before it"
            self._add("segment_overlap", "error", file, 0, 0, file.first_seq, message)

    def _line(self, file: TrailFile, descriptor: int, number: int, line: RawLine) -> bool:
        parsed = parse_line(line.data)
        if not line.complete and file.live:
            if parsed is None or not parsed.intact:
                self._unfinished(file, number, line)
                return True
            message = "the last line has no newline; the next writer will add it"
            self._add("unfinished_line", "warning", file, number, line.offset, parsed.seq, message)
        elif not line.complete:
            message = "the last line of a closed segment has no newline"
            self._add("unfinished_line", "error", file, number, line.offset, None, message)
        if parsed is None:
            self._broken(file, descriptor, number, line)
            return False
        if not parsed.intact:
            self._changed(file, number, line, parsed)
            return False
        if parsed.version != VERSION:
            message = f"line format {parsed.version}; this program knows {VERSION}"
            self._add(
                "unknown_version", "unverifiable", file, number, line.offset, parsed.seq, message
            )
        self._place(file, number, line, parsed)
        return False

    def _place(self, file: TrailFile, number: int, line: RawLine, parsed: ChainLine) -> None:
        report = self._report
        kind = line_kind(line.data)
        if self._region is not None and kind not in _OPENING:
            self._close_region(line if kind in _ACCOUNTS else None)
        expected = self._seq + 1
        slack, self._slack = self._slack, 0
        offset = line.offset
        if parsed.seq < expected:
            self._add(
                "out_of_order",
                "error",
                file,
                number,
                offset,
                parsed.seq,
                f"seq {parsed.seq} after {self._seq}: inserted, repeated or moved here",
            )
            return
        if parsed.seq > expected + slack:
            self._add(
                "missing_lines",
                "error",
                file,
                number,
                offset,
                parsed.seq,
                f"seq {parsed.seq} where {expected} belongs: {parsed.seq - expected} missing",
            )
        elif (
            parsed.seq == expected and self._hash and parsed.prev not in (self._hash, self._or_hash)
        ):
            self._add(
                "broken_link",
                "error",
                file,
                number,
                offset,
                parsed.seq,
                "prev is not the hash of the line before: one of the two is from another chain",
            )
        now_us = line_time_us(line.data)
        if now_us < self._time_us:
            message = "earlier than the line before it, which no writer of this format does"
            self._add("time_order", "warning", file, number, offset, parsed.seq, message)
        self._time_us = max(now_us, self._time_us)
        if not self._begun:
            self._begin(file, number, line, parsed, kind)
        elif kind == b"audit.chain.started":
            message = "a second chain begins here"
            self._add("foreign_chain", "error", file, number, offset, parsed.seq, message)
        if kind in _SPECIAL:
            self._special(file, number, line, parsed, kind)
        report.events += 1
        self._seq = parsed.seq
        self._hash = self._or_hash = parsed.hash

    def _begin(
        self, file: TrailFile, number: int, line: RawLine, parsed: ChainLine, kind: bytes
    ) -> None:
        self._begun = True
        self._report.first_seq = parsed.seq
        if parsed.seq == 1 and kind != b"audit.chain.started":
            message = "the first line is not audit.chain.started"
            self._add("no_chain_start", "error", file, number, line.offset, parsed.seq, message)
        chain_id = line_details(line.data).get("chain_id")
        self._report.chain_id = chain_id if isinstance(chain_id, str) else ""

    def _special(
        self, file: TrailFile, number: int, line: RawLine, parsed: ChainLine, kind: bytes
    ) -> None:
        details = line_details(line.data)
        offset = line.offset
        chain_id = details.get("chain_id", self._report.chain_id)
        if self._report.chain_id and chain_id != self._report.chain_id:
            message = f"names the chain {chain_id}, not {self._report.chain_id}"
            self._add("foreign_chain", "error", file, number, offset, parsed.seq, message)
        if kind == b"audit.segment.opened":
            closed = details.get("closed")
            if not isinstance(closed, dict) or closed.get("digest") != parsed.prev:
                message = "the digest of the closed segment is not the hash of its last line"
                self._add("segment_digest", "error", file, number, offset, parsed.seq, message)
            elif self._last_name.removesuffix(".gz") != closed.get("name"):
                message = f"follows {closed.get('name')}, which is not the file before it"
                self._add("segment_name", "error", file, number, offset, parsed.seq, message)
        elif kind == b"audit.anomaly":
            message = f"the writer found the live file {details.get('kind')}"
            self._add("anomaly", "warning", file, number, offset, parsed.seq, message)
        elif kind == b"audit.gap":
            message = f"{details.get('lost')} events did not reach the chain"
            self._add("gap", "warning", file, number, offset, parsed.seq, message)

    def _changed(self, file: TrailFile, number: int, line: RawLine, parsed: ChainLine) -> None:
        self._close_region()
        seq = self._seq + 1
        message = "the bytes of the line do not have the hash that it states"
        self._add("changed_line", "error", file, number, line.offset, seq, message)
        self._seq = seq
        self._hash, self._or_hash = parsed.digest, parsed.hash

    def _broken(self, file: TrailFile, descriptor: int, number: int, line: RawLine) -> None:
        torn = could_be_torn(line.data)
        if self._region is None:
            self._region = BrokenRegion(
                file, descriptor, line, number, line.end, self._seq + 1, 1, torn
            )
        else:
            self._region.end = line.end
            self._region.lines += 1
            self._region.torn_only = self._region.torn_only and torn

    def _close_region(self, account: RawLine | None = None) -> None:
        region, self._region = self._region, None
        if region is None:
            return
        first = region.first
        if account is not None and region.torn_only and region.told_by(account):
            message = f"{region.lines} torn line(s) of a crash, accounted for by the chain"
            self._add("recovered", "note", region.file, region.number, first.offset, None, message)
            return
        message = f"{region.lines} line(s) without the form of one"
        self._add(
            "broken_line", "error", region.file, region.number, first.offset, region.seq, message
        )
        self._slack += region.lines  # each may stand for a line that was there, or for none

    def _unfinished(self, file: TrailFile, number: int, line: RawLine) -> None:
        self._close_region()
        torn = could_be_torn(line.data) and parse_line(line.data[:-1]) is None
        self._add(
            "unfinished_line" if torn else "broken_line",
            "warning" if torn else "error",
            file,
            number,
            line.offset,
            self._seq + 1,
            (
                "torn by a crash; the next writer will account for it"
                if torn
                else "the last line is neither whole nor the beginning of one"
            ),
        )

    def _add(
        self,
        code: str,
        severity: Severity,
        file: TrailFile,
        line: int,
        offset: int,
        seq: int | None,
        message: str,
    ) -> None:
        self._report.findings.append(Finding(code, severity, file.name, line, offset, seq, message))


_OPENING = frozenset({b"audit.chain.started", b"audit.segment.opened"})
_ACCOUNTS = frozenset({b"audit.recovered", b"audit.anomaly"})
_SPECIAL = _ACCOUNTS | {b"audit.segment.opened", b"audit.gap"}
