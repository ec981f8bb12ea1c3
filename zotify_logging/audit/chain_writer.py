"""Writes lines behind the last good one, wherever that is now."""

from __future__ import annotations

import errno
import os

from ..clock import Clock
from ..storage.appender import append_all, open_append
from ..storage.lock_file import LockFile
from .durability import IntervalSync
from .encoding import EncodedEvent, EventEncoder
from .event import AuditEvent
from .event_id import new_event_id
from .line_batch import LineBatch
from .losses import Losses
from .note import Note, opening_note
from .receipt import Receipt
from .recovery import take_stock
from .segments import segment_path
from .state import ChainHead, read_head, write_head

__all__ = ["ChainWriter"]


class ChainWriter:
    """The live file of one trail, open for appending, and the head of its chain.

    Not thread-safe: :meth:`append` is called by one thread at a time, under the lock file.

    Args:
        path: the live file.
        lock: the lock file, which holds the head for the other processes.
        encoder: of the events that the trail writes about itself.
        clock: time of the lines.
        max_bytes: size at which the live file is closed and renamed; 0 = never.
        mode: permissions of files made here.
        interval: told of files that are left before they are synced; ``None`` if nobody syncs.
        sync_renames: sync the folder after a rename.

    Attributes:
        descriptor: of the live file, -1 while it is closed.
        bytes_written: by this process.
    """

    def __init__(
        self,
        path: str,
        lock: LockFile,
        encoder: EventEncoder,
        clock: Clock,
        *,
        max_bytes: int,
        mode: int,
        interval: IntervalSync | None,
        sync_renames: bool,
    ) -> None:
        self._path = path
        self._lock = lock
        self._encoder = encoder
        self._clock = clock
        self._max_bytes = max_bytes
        self._mode = mode
        self._interval = interval
        self._sync_renames = sync_renames
        self._head: ChainHead | None = None
        self.descriptor = -1
        self.bytes_written = 0

    def append(self, event: EncodedEvent | None, losses: Losses) -> Receipt:
        """Write an event behind whatever has to be noted first; ``None`` writes the notes alone.

        Args:
            event: encoded.
            losses: told by an ``audit.gap``, if there are any.

        Raises:
            OSError: the event is not in the file, or only a part of it.
        """
        notes: tuple[Note, ...] = ()
        torn = False
        head = self._head
        try:
            status = os.stat(self._path)
            current = (
                head is not None and status.st_size == head.size and status.st_ino == head.inode
            )
        except FileNotFoundError:
            current = False
        if head is None or not current:
            head, notes, torn = self._catch_up(head)
        if event is None and not notes and not losses.total:
            self._head = head
            return Receipt(head.seq, "", head.hash)
        if (
            self._max_bytes
            and event is not None
            and not notes
            and head.seq >= head.first_seq
            and head.size + len(event.body) + 400 > self._max_bytes
        ):
            head, notes = self._rotate(head)
        lines = LineBatch(head, self._clock.time_ns() // 1000, torn=torn)
        for note in notes:
            lines.add(self._encode_note(note))
        told: dict[str, object] | None = None
        if losses.total:
            told = losses.details()
            lines.add(self._encode_note(Note("audit.gap", told)))
        if event is not None:
            lines.add(event)
        data = lines.data()
        self._head = (
            None  # until the write is whole: whatever interrupts it, the file is read again
        )
        append_all(self.descriptor, data)
        self.bytes_written += len(data)
        head = head._replace(
            size=head.size + len(data),
            seq=lines.seq,
            timestamp_us=lines.timestamp_us,
            hash=lines.hash,
        )
        try:
            write_head(self._lock.descriptor, head)
        except OSError:
            pass  # the line is in the file, which is what counts; the next writer reads it there
        self._head = head
        if told is not None:
            losses.told(told)
        return Receipt(lines.seq, "" if event is None else event.event_id, lines.hash)

    def _catch_up(self, own: ChainHead | None) -> tuple[ChainHead, tuple[Note, ...], bool]:
        known = read_head(self._lock.descriptor) or own
        if known is not None and self.descriptor >= 0:
            mine = os.fstat(self.descriptor)
            if mine.st_ino == known.inode and mine.st_size == known.size and mine.st_nlink:
                try:
                    if os.stat(self._path).st_ino == known.inode:
                        return known, (), False  # another process wrote, and all is well
                except FileNotFoundError:
                    pass
        standing = take_stock(self._path, known, self._mode)
        self._adopt(standing.descriptor)
        return standing.head, standing.notes, standing.torn

    def _rotate(self, head: ChainHead) -> tuple[ChainHead, tuple[Note, ...]]:
        closed = segment_path(self._path, head.first_seq, head.seq)
        if os.path.exists(closed):
            raise FileExistsError(
                errno.EEXIST, f"{closed} is in the way of closing the live file; move it away"
            )
        os.rename(self._path, closed)
        self._adopt(open_append(self._path, self._mode))
        inode = os.fstat(self.descriptor).st_ino
        if self._sync_renames:
            _sync_folder(self._path)
        opened = head._replace(inode=inode, size=0, first_seq=head.seq + 1)
        return opened, (opening_note(head, os.path.basename(closed)),)

    def _adopt(self, descriptor: int) -> None:
        old, self.descriptor = self.descriptor, descriptor
        if old >= 0:
            try:
                if self._interval is not None:
                    self._interval.leave(old)
            finally:
                os.close(old)

    def forget(self) -> None:
        """Close the live file; the next append looks at everything anew."""
        descriptor, self.descriptor = self.descriptor, -1
        self._head = None
        if descriptor >= 0:
            try:
                os.close(descriptor)
            except OSError:
                pass  # closed behind our back: then there is nothing left to close

    def _encode_note(self, note: Note) -> EncodedEvent:
        event = AuditEvent(note.event_type, actor_type="system", details=note.details)
        return self._encoder.encode(event, new_event_id(self._clock.time_ns()))


def _sync_folder(path: str) -> None:
    descriptor = os.open(os.path.dirname(path), os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
