"""Behaviour of following a log's bytes across rotation, truncation and restart."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from log_writer import LogWriter
from sizes import sized

from zotify_logging.exceptions import UnsupportedFileError
from zotify_logging.storage.cursor import ORIGIN, Cursor
from zotify_logging.storage.line_reader import MAX_LINE_BYTES
from zotify_logging.storage.tailed import Gap, Rotated, Tailed, TailedLine, Waiting
from zotify_logging.storage.tailer import Tailer


class SteppedClock:
    """Monotonic time that moves only when told to."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        """Return the time as it was set."""
        return self.now

    def time_ns(self) -> int:
        """Return the same in nanoseconds."""
        return int(self.now * 1e9)


def drain(tailer: Tailer) -> list[Tailed]:
    """Read until nothing comes."""
    found: list[Tailed] = []
    while batch := tailer.read():
        found += batch
    return found


def texts(found: list[Tailed]) -> list[str]:
    """Return the lines, with other items by their kind."""
    return [
        item.line.data.decode() if isinstance(item, TailedLine) else type(item).__name__
        for item in found
    ]


@pytest.fixture
def log(tmp_path: Path) -> LogWriter:
    """Return a log that does not exist yet."""
    return LogWriter(tmp_path / "app.log")


def test_several_rotations_between_two_looks_lose_nothing(log: LogWriter) -> None:
    """The old file is drained, then the files are walked forward, then the live one."""
    log.lines("a1")
    tailer = Tailer(log.path)
    assert texts(drain(tailer)) == ["a1"]
    log.lines("a2")
    for name in "bcd":
        log.rotate()
        log.lines(f"{name}1", f"{name}2")
    got = [text for text in texts(drain(tailer)) if text != "Rotated"]
    assert got == ["a2", "b1", "b2", "c1", "c2", "d1", "d2"]
    tailer.close()


def test_resume_at_every_boundary_equals_the_rest(log: LogWriter) -> None:
    """From the cursor of any line, exactly the lines behind it come, across files."""
    for name in "abc":
        log.lines(*(f"{name}{number}" for number in range(5)))
        log.rotate()
    log.lines("d0", "d1")
    whole = [item for item in drain(Tailer(log.path)) if isinstance(item, TailedLine)]
    assert len(whole) == 17
    for index, item in enumerate(whole):
        cursor = Cursor.decode(item.cursor.encode())
        rest = texts(drain(Tailer(log.path, cursor, snapshot=True)))
        assert rest == texts(list(whole[index + 1 :]))


def test_resume_after_ten_rotations_declares_a_gap(log: LogWriter) -> None:
    """A cursor whose file has been deleted gives a gap, then all that exists."""
    log.lines("old")
    tailer = Tailer(log.path)
    drain(tailer)
    cursor = tailer.position
    tailer.close()
    for number in range(10):
        log.rotate()
        log.lines(f"n{number}")
    found = drain(Tailer(log.path, cursor))
    assert isinstance(found[0], Gap)
    assert (found[0].reason, found[0].start) == ("expired", cursor)
    assert texts(found[1:]) == [f"n{number}" for number in range(4, 10)]


def test_a_live_follower_overtaken_by_deletion_declares_a_gap(log: LogWriter) -> None:
    """A file rotated out of existence between two looks: what it held comes, then a gap."""
    log.lines("a1")
    tailer = Tailer(log.path)
    drain(tailer)
    log.lines("a2")
    for number in range(8):
        log.rotate()
        log.lines(f"n{number}")
    found = drain(tailer)
    assert texts(found) == ["a2", "Gap", "n2", "n3", "n4", "n5", "n6", "n7"]
    assert isinstance(found[1], Gap) and found[1].reason == "rotated"


def test_the_next_file_is_held_open_while_one_is_drained(log: LogWriter) -> None:
    """Deleting what a reader stands in, and what comes next, takes nothing away from it."""
    log.write("".join(f"a{number:05d}\n" for number in range(30_000)))
    tailer = Tailer(log.path)
    first = texts(tailer.read())
    log.rotate()
    log.lines("b")
    log.rotate()
    log.lines("c")
    first += texts(tailer.read())
    log.numbered(1).unlink()
    log.numbered(2).unlink()
    rest = texts(drain(tailer))
    assert [text for text in first + rest if text[0] == "a"][-1] == "a29999"
    assert len(first + rest) == 30_000 + 4
    assert rest[-3:] == ["b", "Gap", "c"]


def test_a_cursor_on_an_empty_live_file_resumes_after_rotations(log: LogWriter) -> None:
    """An empty file has no fingerprint: the position is the end of the file before it."""
    log.lines("a")
    log.rotate()
    log.write("")
    tailer = Tailer(log.path)
    assert texts(drain(tailer)) == ["a"]
    cursor = tailer.position
    tailer.close()
    log.lines("b")
    log.rotate()
    log.lines("c")
    assert texts(drain(Tailer(log.path, cursor))) == ["b", "c"]


def test_a_log_that_does_not_exist_yet_is_waited_for(log: LogWriter) -> None:
    """Waiting is told once; then everything comes from the oldest file on."""
    tailer = Tailer(log.path)
    assert texts(drain(tailer)) == ["Waiting"]
    assert drain(tailer) == []
    assert tailer.position == ORIGIN
    log.lines("a")
    log.rotate()
    log.lines("b")
    assert texts(drain(tailer)) == ["a", "b"]


def test_a_missing_live_file_is_told_and_survived(log: LogWriter) -> None:
    """Between the rename and the new file the reader waits, and misses nothing."""
    log.lines("a")
    tailer = Tailer(log.path)
    drain(tailer)
    log.rotate()
    assert texts(drain(tailer)) == ["Waiting"]
    log.lines("b")
    assert texts(drain(tailer)) == ["Rotated", "b"]


@pytest.mark.parametrize("length", [3, 255, 256, 257, 5000])
def test_an_unfinished_first_line_resumes_exactly(log: LogWriter, length: int) -> None:
    """Whether or not the first line is long enough to name its file, nothing is lost or doubled."""
    log.lines("before")
    log.rotate()
    log.write("x" * length)
    tailer = Tailer(log.path)
    assert texts(drain(tailer)) == ["before"]
    cursor = tailer.position
    tailer.close()
    log.write("yz\n")
    log.lines("next")
    log.rotate()
    log.lines("live")
    assert texts(drain(Tailer(log.path, cursor))) == ["x" * length + "yz", "next", "live"]


def test_a_line_without_newline_is_held_then_flagged(log: LogWriter) -> None:
    """After two seconds the part is given out; the rest follows as a part too."""
    clock = SteppedClock()
    log.lines("first")
    log.write("par")
    tailer = Tailer(log.path, clock=clock)
    assert texts(drain(tailer)) == ["first"]
    clock.now += 1.9
    assert drain(tailer) == []
    assert tailer.due == pytest.approx(clock.now + 0.1)
    clock.now += 0.2
    (part,) = drain(tailer)
    assert isinstance(part, TailedLine)
    assert (part.line.data, part.line.unfinished) == (b"par", True)
    log.write("tial\nnext\n")
    rest, following = drain(tailer)
    assert isinstance(rest, TailedLine) and isinstance(following, TailedLine)
    assert (rest.line.data, rest.line.continues, rest.line.unfinished) == (b"tial", True, False)
    assert not following.line.continues
    resumed = drain(Tailer(log.path, part.cursor))
    assert resumed == [rest, following]


def test_a_newline_alone_after_a_part_gives_no_empty_line(log: LogWriter) -> None:
    """The newline that ends a delivered part is no line of its own; a real empty line is."""
    clock = SteppedClock()
    log.lines("first")
    log.write("part")
    tailer = Tailer(log.path, clock=clock)
    drain(tailer)
    clock.now += 3
    assert texts(drain(tailer)) == ["part"]
    log.write("\n\nlast\n")
    assert texts(drain(tailer)) == ["", "last"]


def test_truncation_in_place_is_announced(log: LogWriter) -> None:
    """A file that began anew gives a gap and is read from its start."""
    log.lines("a1", "a2")
    tailer = Tailer(log.path)
    drain(tailer)
    os.truncate(log.path, 0)
    log.lines("b")
    found = drain(tailer)
    assert texts(found) == ["Gap", "b"]
    assert isinstance(found[0], Gap) and found[0].reason == "truncated"


def test_truncated_and_regrown_past_the_position_is_noticed(log: LogWriter) -> None:
    """The first line tells it although the file is longer than before."""
    log.lines("a1", "a2")
    tailer = Tailer(log.path)
    drain(tailer)
    os.truncate(log.path, 0)
    log.lines("b1", "b2", "b3")
    assert texts(drain(tailer)) == ["Gap", "b1", "b2", "b3"]


def test_copytruncate_is_read_on_in_the_copy(log: LogWriter) -> None:
    """What was copied away before the file was emptied is not lost."""
    log.lines("a1")
    tailer = Tailer(log.path)
    drain(tailer)
    log.lines("a2")
    shutil.copy(log.path, log.numbered(1))
    os.truncate(log.path, 0)
    log.lines("b1")
    assert texts(drain(tailer)) == ["a2", "b1"]


def test_deletion_and_recreation_is_announced(log: LogWriter) -> None:
    """Another file in the live one's place: a gap, and no repeats of rotated files."""
    log.lines("r")
    log.rotate()
    log.lines("a1")
    tailer = Tailer(log.path)
    assert texts(drain(tailer)) == ["r", "a1"]
    log.lines("a2")
    log.path.unlink()
    log.lines("b")
    found = drain(tailer)
    assert texts(found) == ["a2", "Gap", "b"]
    assert isinstance(found[1], Gap) and found[1].reason == "replaced"


def test_a_writer_still_holding_the_old_file_is_waited_for(log: LogWriter) -> None:
    """A rotated file is not left while its writer has it locked, unless it is quiet for long."""
    clock = SteppedClock()
    log.lines("a1")
    tailer = Tailer(log.path, clock=clock)
    drain(tailer)
    with open(log.path, "ab", buffering=0) as writer:
        fcntl.flock(writer, fcntl.LOCK_SH)
        log.rotate()
        log.lines("b1")
        assert drain(tailer) == []
        writer.write(b"a2\n")
        assert texts(drain(tailer)) == ["a2"]
        clock.now += 0.3
        assert texts(drain(tailer)) == ["Rotated", "b1"]
        writer.write(b"a3\n")
        (late,) = drain(tailer)
        assert isinstance(late, TailedLine)
        assert (late.line.data, late.late) == (b"a3", True)
        assert late.cursor == tailer.position
    clock.now += 3
    drain(tailer)
    assert tailer.due is None


def test_equal_first_lines_are_told_apart_by_inode(log: LogWriter) -> None:
    """Files that all begin with one banner: the cursor's hint finds the right one."""
    for name in "abc":
        log.lines("banner", f"{name}1", f"{name}2")
        log.rotate()
    log.lines("banner", "d1")
    whole = [item for item in drain(Tailer(log.path)) if isinstance(item, TailedLine)]
    at = texts(list(whole)).index("b1")
    assert texts(drain(Tailer(log.path, whole[at].cursor)))[:3] == ["b2", "banner", "c1"]


def test_a_snapshot_ends_where_the_log_ended(log: LogWriter) -> None:
    """What is written after opening is not part of it; an unfinished line is, flagged."""
    log.lines("a")
    log.rotate()
    log.lines("b")
    log.write("tail")
    tailer = Tailer(log.path, snapshot=True)
    log.write("more\n")
    log.rotate()
    log.lines("c")
    found = drain(tailer)
    assert texts(found) == ["a", "b", "tail"]
    assert isinstance(found[-1], TailedLine) and found[-1].line.unfinished
    assert tailer.finished
    assert texts(drain(Tailer(log.path, tailer.position))) != []
    assert Tailer(log.path.with_name("none.log"), snapshot=True).finished


def test_only_newlines_split_and_bytes_stay(log: LogWriter) -> None:
    """CR, NEL, U+2028, NUL and bytes that are not UTF-8 stay inside their line."""
    line = b"a\rb\x85c\xe2\x80\xa8d\x00e\x0b\x0c\xff"
    log.write(line + b"\n" + b"next\n")
    found = drain(Tailer(log.path))
    assert [item.line.data for item in found if isinstance(item, TailedLine)] == [line, b"next"]


def test_a_line_of_any_length_costs_bounded_memory(log: LogWriter) -> None:
    """A huge line in a sparse file: its head is kept, the rest is counted."""
    size = sized(64 * 2**20, 3 * 2**30)
    log.lines("first")
    with open(log.path, "r+b") as file:
        file.seek(6 + size)
        file.write(b"\nlast\n")
    tailer = Tailer(log.path)
    tracemalloc.start()
    found = drain(tailer)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * 2**20
    huge = found[1]
    assert isinstance(huge, TailedLine)
    assert (len(huge.line.data), huge.line.size) == (MAX_LINE_BYTES, size)
    assert texts(found[2:]) == ["last"]


@pytest.mark.parametrize("kind", ["directory", "fifo"])
def test_what_is_no_regular_file_is_refused(tmp_path: Path, kind: str) -> None:
    """A directory or FIFO is an error that names it, not a wait."""
    path = tmp_path / "odd"
    path.mkdir() if kind == "directory" else os.mkfifo(path)
    with pytest.raises(UnsupportedFileError, match="odd"):
        Tailer(path)


def test_descriptors_are_given_back(log: LogWriter) -> None:
    """Closing, also in the midst of rotations, leaves no descriptor open."""
    before = len(os.listdir("/dev/fd"))
    for number in range(20):
        log.lines(f"{number}")
        tailer = Tailer(log.path)
        drain(tailer)
        log.rotate()
        log.lines("x")
        drain(tailer)
        tailer.close()
        tailer.close()
    assert len(os.listdir("/dev/fd")) == before


class Interleavings(RuleBasedStateMachine):
    """Appends, parts, rotations, time, and resumes in any order, against a reference of units.

    A unit is what stands between two newlines, or before the end of a rotated file. Each begins
    with its number, so that order, repeats and losses show.
    """

    keep = 3

    @initialize(existing=st.booleans())
    def start(self, existing: bool) -> None:
        """Begin with or without a file."""
        self.folder = Path(tempfile.mkdtemp())
        self.clock = SteppedClock()
        self.log = LogWriter(self.folder / "app.log", self.keep)
        self.units: list[str] = []
        self.files: list[list[int]] = [[]]  # unit numbers by file, live file last
        self.open_unit = False
        self.remnant = -1  # the last unit of .1, if it was rotated away unfinished
        self.seen: list[tuple[int, str]] = []
        self.trail: list[tuple[Cursor, int]] = [(ORIGIN, 0)]  # cursors, and len(seen) behind them
        self.gap = False
        self.resumed = True
        if existing:
            self.append(1, 3)
        self.tailer = Tailer(self.log.path, clock=self.clock)

    def _write(self, text: str) -> None:
        if not self.open_unit:
            self.files[-1].append(len(self.units))
            self.units.append("")
        self.units[-1] += text
        self.log.write(text)

    @rule(count=st.integers(1, 4), length=st.sampled_from([0, 1, 40, 300]))
    def append(self, count: int, length: int) -> None:
        """Write whole lines, ending an open one first."""
        if self.open_unit:
            self.log.write("\n")
            self.open_unit = False
        for _ in range(count):
            self._write(f"{len(self.units):06d}" + "x" * length)
            self.log.write("\n")

    @rule(length=st.sampled_from([1, 250, 300]))
    def append_part(self, length: int) -> None:
        """Write a part of a line."""
        self._write("y" * length if self.open_unit else f"{len(self.units):06d}" + "y" * length)
        self.open_unit = True

    @rule(recreate=st.booleans())
    def rotate(self, recreate: bool) -> None:
        """Rotate, with or without an empty new file."""
        if not self.log.path.exists():
            return
        self.log.rotate()
        self.remnant = len(self.units) - 1 if self.open_unit else -1
        self.open_unit = False
        self.files.append([])
        del self.files[: -(self.keep + 1)]
        if recreate:
            self.log.write("")

    @rule(seconds=st.sampled_from([0.5, 3.0]))
    def pass_time(self, seconds: float) -> None:
        """Let time pass: held parts come due."""
        self.clock.now += seconds

    @rule()
    def read(self) -> None:
        """Read all there is, and hold it against the reference."""
        for item in drain(self.tailer):
            if isinstance(item, Gap):
                self.gap = True
            if isinstance(item, TailedLine):
                self._take(item)
                self.trail.append((item.cursor, len(self.seen)))
        self.trail.append((self.tailer.position, len(self.seen)))
        open_unit = len(self.units) - 1 if self.open_unit else -1
        if not self.log.path.exists():  # .1 may yet be continued
            open_unit = self.remnant
        finished = [number for file in self.files for number in file if number != open_unit]
        last = self.seen[-1][0] if self.seen else -1
        assert not finished or last >= finished[-1], "not everything that exists was given"

    def _take(self, item: TailedLine) -> None:
        data = item.line.data.decode()
        if item.line.continues:
            number, text = self.seen.pop()
            data = text + data
        else:
            number = int(data[:6])
            self._check_order(number)
        assert self.units[number].startswith(data)
        if not item.line.unfinished:
            assert self.units[number] == data
        self.seen.append((number, data))
        self.gap = self.resumed = False

    def _check_order(self, number: int) -> None:
        last, text = self.seen[-1] if self.seen else (-1, "")
        if number == last and self.resumed and len(text) < 256:
            self.seen.pop()  # a part of a short first line comes again, as documented
            return
        assert number > last, "repeated or out of order"
        missing = set(range(last + 1, number))
        existing = {unit for file in self.files for unit in file}
        assert not missing & existing, "something that exists was passed over"
        assert not missing or self.gap or last < 0, "a loss that was not declared"

    @rule(data=st.data())
    def resume(self, data: st.DataObject) -> None:
        """Go on from any position ever given, with a new reader."""
        self.tailer.close()
        recent = self.trail[-8:]
        cursor, seen = data.draw(st.sampled_from(recent))
        del self.seen[seen:]
        if self.seen:  # a unit that was completed later is seen up to the cursor only
            number, text = self.seen[-1]
            self.seen[-1] = number, self._upto(number, text, cursor)
        self.trail = [entry for entry in self.trail if entry[1] <= seen]
        self.resumed = True
        self.tailer = Tailer(self.log.path, Cursor.decode(cursor.encode()), clock=self.clock)

    def _upto(self, number: int, text: str, cursor: Cursor) -> str:
        data = b""
        for file in range(self.keep, -1, -1):
            path = self.log.numbered(file)
            if path.exists():
                content = path.read_bytes()
                if f"{number:06d}".encode() in content[: cursor.offset]:
                    data = content[: cursor.offset].rsplit(b"\n", 1)[-1]
        found = data.decode()
        return found if found and int(found[:6]) == number else text

    @invariant()
    def position_is_text(self) -> None:
        """The position can be told at any moment."""
        if hasattr(self, "tailer"):
            assert Cursor.decode(self.tailer.position.encode()) == self.tailer.position

    def teardown(self) -> None:
        """Read to the end a last time, and clean up."""
        if hasattr(self, "tailer"):
            self.clock.now += 3
            self.read()
            self.tailer.close()
            shutil.rmtree(self.folder)


TestInterleavings = Interleavings.TestCase
TestInterleavings.settings = settings(
    max_examples=sized(60, 1500), stateful_step_count=sized(30, 60), deadline=None
)


def test_items_are_plain_values(log: LogWriter) -> None:
    """Rotated and Waiting carry the position they stand for."""
    log.lines("a")
    tailer = Tailer(log.path)
    drain(tailer)
    log.rotate()
    log.lines("b")
    rotated = [item for item in drain(tailer) if isinstance(item, Rotated)]
    assert len(rotated) == 1
    assert texts(drain(Tailer(log.path, rotated[0].cursor))) == ["b"]
    waiting = Tailer(log.path.with_name("none.log")).read()
    assert waiting == [Waiting(ORIGIN)]
