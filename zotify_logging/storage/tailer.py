"""Follows the bytes of a log across rotation, truncation and replacement.

The file is the buffer. A tailer reads only when asked, holds no thread and no queue, and never
waits: who follows calls :meth:`Tailer.read` again when something has happened (see
:mod:`zotify_logging.streaming.hub`).

What holds:

- Several rotations between two looks lose nothing that still exists: the open file is drained, then
  the files are walked ``.N … .1`` forward, then the live one. While a rotated file is read, the one
  after it is held open too, so that deleting it does not matter either.
- What may have been lost is announced as a :class:`~.tailed.Gap`, never passed over. A reader whose
  file was rotated out of existence while it was not looking cannot know whether others went with
  it: it announces a gap of unknown size.
- Each line comes once and in order, except for one that a slow writer puts into a file that was
  already drained: it comes flagged ``late``.

A part of a first line that is shorter than 256 bytes and was given out as partial (its newline did
not come for two seconds) comes again to a reader that resumes right behind it: that file cannot be
named by a cursor yet.

What cannot be told apart: foreign files whose first 256 bytes are equal, where one is truncated and
grows again past the old position between two looks.
"""

from __future__ import annotations

import os

from ..clock import SYSTEM_CLOCK, Clock
from .cursor import ORIGIN, Cursor
from .late_lines import LateLines, recently_written, writers_gone
from .line_reader import LineReader, RawLine
from .log_bounds import FilesBehind, SnapshotEnd
from .log_segments import (
    Segment,
    anchor_before,
    find_cursor,
    find_successor,
    open_segments,
)
from .tailed import Gap, Rotated, Tailed, TailedLine, Waiting

__all__ = ["PARTIAL_SECONDS", "QUIET_SECONDS", "Tailer"]

PARTIAL_SECONDS = 2.0
"""Seconds that a line without newline is held before it is given out as partial."""

QUIET_SECONDS = 0.25
"""Seconds that a rotated file must be quiet while a writer still has it open, before the reader
goes on; what comes afterwards is late."""

_LATE_LOOK = 0.25


class Tailer:
    """One reader's place in one log.

    Not thread-safe: one caller at a time. After a fork, the child closes its copy and the parent
    goes on undisturbed (nothing here moves a shared file position).

    Args:
        path: the live file; it need not exist yet.
        cursor: where to begin.
        snapshot: end where the log ends now, instead of following it.
        clock: monotonic time for holding partial lines.

    Raises:
        UnsupportedFileError: the path is a directory, FIFO or device.
        OSError: a file of the log exists but cannot be opened.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        cursor: Cursor = ORIGIN,
        *,
        snapshot: bool = False,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        self._path = os.path.abspath(os.fspath(path))
        self._clock = clock
        self._snapshot = snapshot
        self._current: Segment | None = None
        self._reader = LineReader(-1, 0)
        self._successor: Segment | None = None
        self._late = LateLines()
        self._behind = FilesBehind()
        self._anchor = cursor
        self._pending: list[Tailed] = []
        self._end: SnapshotEnd | None = None
        self._held: tuple[int, float] = (-1, 0.0)  # start of the held line, since when
        self._quiet_since: float | None = None  # set once the current file has been renamed
        self._gap_reason: str | None = None  # why the successor may not be the next one
        self._was_live = False
        self._waiting_told = False
        self.finished = False
        self.opening_gap: Gap | None = None
        self._place(cursor)

    @property
    def position(self) -> Cursor:
        """Where another tailer would have to begin to give what this one has not given yet."""
        if self._current is None:
            return self._anchor
        return self._current.at(self._reader.position) or self._anchor

    @property
    def due(self) -> float | None:
        """Monotonic time at which reading may give more although no file has changed."""
        now = self._clock.monotonic()
        times: list[float] = []
        if not self._late.empty:
            times.append(now + _LATE_LOOK)
        if self._quiet_since is not None:
            # Without a successor, the renamed file may yet grow, unseen by a look at the path.
            quiet = self._quiet_since + QUIET_SECONDS if self._successor is not None else 0.0
            times.append(max(now + 0.02, quiet) if quiet else now + QUIET_SECONDS)
        if self._reader.held and self._held[0] == self._reader.position:
            times.append(self._held[1] + PARTIAL_SECONDS)
        return min(times, default=None)

    def read(self) -> list[Tailed]:
        """Return what comes next, at most a block's worth; empty if there is nothing now.

        Never waits. Reads until something can be given: a line of several gigabytes is read through
        in one call (in bounded memory), so keep it off an event loop's thread.
        """
        out, self._pending = self._pending, []
        while not out and not self.finished:
            if self._current is None and not self._open_first():
                self._tell_waiting(out)
                break
            self._look_ahead()
            self._read_current(out)
            if not out and not self._at_end(out):
                break
        if not self._late.empty:
            out += self._late.read(self.position, self._clock.monotonic())
        return out

    def close(self) -> None:
        """Close every descriptor; again is harmless. Reading afterwards gives nothing."""
        self.finished = True
        for segment in (self._current, self._successor):
            if segment is not None:
                segment.close()
        self._current = self._successor = None
        self._late.close()

    # -- finding the place ---------------------------------------------------------------------

    def _place(self, cursor: Cursor) -> None:
        """Open the file that the cursor points into; announce a gap if there is none."""
        segments = open_segments(self._path)
        try:
            if self._snapshot:
                self._end = SnapshotEnd(segments)
                self.finished = not segments
            if cursor.fingerprint == ORIGIN.fingerprint:
                self._enter_oldest(segments)
                return
            target = find_cursor(segments, cursor)
            if target is None:
                self._enter_oldest(segments)
                self._announce(Gap("expired", None, cursor, self.position))
                return
            self._enter(target, min(cursor.offset, target.size), segments)
            if target.size < cursor.offset:
                self._announce(Gap("truncated", None, cursor, self.position))
        finally:
            for segment in segments:
                if segment is not self._current:
                    segment.close()

    def _announce(self, gap: Gap) -> None:
        self.opening_gap = gap
        self._pending.append(gap)
        self.finished = False  # a snapshot of nothing still has its gap to tell

    def _enter_oldest(self, segments: list[Segment]) -> None:
        for segment in reversed(segments):
            if segment.number == 0 or segment.size:
                self._enter(segment, 0, segments)
                return
        self._anchor = ORIGIN

    def _enter(self, segment: Segment, offset: int, segments: list[Segment]) -> None:
        """Make an opened file the current one; ``segments`` (newest first) tell what is older."""
        self._anchor = anchor_before(segments, segment)
        for older in segments[segments.index(segment) + 1 :]:
            self._behind.add(older)
        self._begin(segment, offset)

    def _begin(self, segment: Segment, offset: int) -> None:
        self._current = segment
        self._reader = LineReader(segment.descriptor, offset)
        self._quiet_since = None
        self._was_live = segment.number == 0
        self._waiting_told = False
        if self._successor is not None:
            self._successor.close()
            self._successor = None

    def _open_first(self) -> bool:
        """Open the oldest file, where there was none before."""
        if self._snapshot:
            self.finished = True
            return False
        segments = open_segments(self._path)
        self._enter_oldest(segments)
        for segment in segments:
            if segment is not self._current:
                segment.close()
        return self._current is not None

    def _tell_waiting(self, out: list[Tailed]) -> None:
        if not self._waiting_told and not self.finished:
            self._waiting_told = True
            out.append(Waiting(self.position))

    def _look_ahead(self) -> None:
        """Hold the next file open as soon as the current one is not the live one any more."""
        current = self._current
        if current is not None and self._successor is None and not self._is_live(current):
            _, self._successor = find_successor(self._path, current)

    # -- reading the current file --------------------------------------------------------------

    def _read_current(self, out: list[Tailed]) -> None:
        current = self._current
        if current is None:
            return
        stop = self._end.stop(current) if self._end is not None else None
        size = current.size
        if size < self._reader.offset or current.was_replaced():
            self._truncated(current, out)
            return
        if size > self._reader.offset:
            current.settle(closed=self._quiet_since is not None)
            lines = self._reader.read(stop)
            if lines and self._quiet_since is not None:
                self._quiet_since = self._clock.monotonic()
            current.settle(closed=self._quiet_since is not None)
            self._give(lines, out)

    def _give(self, lines: list[RawLine], out: list[Tailed]) -> None:
        current = self._current
        fingerprint = current.fingerprint if current is not None else None
        if current is None or fingerprint is None:  # part of a first line that is not settled
            out += [TailedLine(line, self._anchor) for line in lines]
            return
        inode = current.key[1] & 0xFFFFFFFF
        out += [TailedLine(line, Cursor(fingerprint, line.end, inode)) for line in lines]

    def _give_partial(self, out: list[Tailed]) -> None:
        line = self._reader.take_partial()
        if line is not None:
            self._give([line], out)

    def _truncated(self, current: Segment, out: list[Tailed]) -> None:
        """Go on in a copy of what was cut away (copytruncate), else announce it."""
        before = self.position
        segments = open_segments(self._path)
        try:
            rotated = [segment for segment in segments if segment.key != current.key]
            copy = find_cursor(rotated, before) if current.fingerprint is not None else None
            if copy is not None and copy.size >= before.offset:
                self._enter(copy, before.offset, segments)
                current.close()
                return
            kept = not current.was_replaced()  # what is left was delivered before: do not repeat it
            offset = min(self._reader.position, current.size) if kept else 0
            current.forget_head()
            self._anchor = anchor_before(rotated, None)
            self._begin(current, offset)
            out.append(Gap("truncated", None, before, self.position))
        finally:
            for segment in segments:
                if segment is not self._current:
                    segment.close()

    # -- at the end of the current file --------------------------------------------------------

    def _at_end(self, out: list[Tailed]) -> bool:
        """Look what comes behind the end; true if reading should go on."""
        current = self._current
        if current is None:
            return True
        if self._end is not None and self._end.is_in(current):
            self._give_partial(out)
            self.finished = True
            return False
        if self._is_live(current):
            if self._snapshot:  # the file it should have ended in is gone
                return self._stay(out)
            self._quiet_since = None
            self._hold_partial(out)
            return False
        return self._leave(current, out)

    def _is_live(self, current: Segment) -> bool:
        try:
            status = os.stat(self._path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return (status.st_dev, status.st_ino) == current.key

    def _hold_partial(self, out: list[Tailed]) -> None:
        if not self._reader.held:
            return
        now = self._clock.monotonic()
        if self._held[0] != self._reader.position:
            self._held = self._reader.position, now
        elif now - self._held[1] >= PARTIAL_SECONDS:
            self._give_partial(out)

    def _leave(self, current: Segment, out: list[Tailed]) -> bool:
        """Go to the next file once this one is drained and its writers are gone or quiet."""
        if self._quiet_since is None:
            self._quiet_since = self._clock.monotonic()
            current.settle(closed=True)
        if self._successor is None:
            number, self._successor = find_successor(self._path, current)
            if number == 0:
                return False
            if number is None and self._successor is None:
                self._successor = self._behind.open_next(self._path, current)
                if self._successor is not None:
                    self._gap_reason = "rotated" if self._successor.number else "replaced"
            if self._successor is None:  # renamed, and no new live file yet
                return self._stay(out)
        if self._gap_reason is None and not self._may_leave(current):
            return False
        if current.size > self._reader.offset:  # written between our last read and that answer
            return True
        self._give_partial(out)
        self._move(out)
        return True

    def _stay(self, out: list[Tailed]) -> bool:
        """Remain at the end of a file that has no successor; its writer may yet go on."""
        if self._snapshot:
            self._give_partial(out)
            self.finished = True
            return False
        self._hold_partial(out)
        if not out:
            self._tell_waiting(out)
        return False

    def _may_leave(self, current: Segment) -> bool:
        if self._snapshot or not recently_written(current) or writers_gone(current):
            return True
        since = self._quiet_since
        return since is not None and self._clock.monotonic() - since >= QUIET_SECONDS

    def _move(self, out: list[Tailed]) -> None:
        current, successor = self._current, self._successor
        if current is None or successor is None:
            return
        before = self.position
        announce = self._was_live and not self._snapshot
        self._behind.add(current)
        if self._snapshot:
            current.close()
        else:
            self._late.watch(current, self._reader, self._clock.monotonic())
        self._successor = None
        self._anchor = before
        self._begin(successor, 0)
        if self._end is not None and self._end.is_past(successor):
            self.finished = True
        if self._gap_reason is not None:
            out.append(Gap(self._gap_reason, None, before, self.position))
            self._gap_reason = None
        elif announce:
            out.append(Rotated(self.position))
