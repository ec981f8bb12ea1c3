"""Tracks of the library. Tags come from files of strangers: every value is a bound parameter."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from dataclasses import dataclass

from sqlalchemy import insert, update

from zotify_api.db.database import Database
from zotify_api.db.tables import tracks

__all__ = ["TrackFacts", "TrackStore", "display_path"]


@dataclass(frozen=True)
class TrackFacts:
    """What a scan found in one file; tags may be missing, ``duration`` is in seconds."""

    path: str
    title: str | None
    artist: str | None
    album: str | None
    duration: float | None
    size: int
    modified_us: int


class TrackStore:
    """Inserts and refreshes rows of ``tracks``, one per file."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def upsert(self, facts: TrackFacts) -> bool:
        """Store one file's facts; ``True`` when the track is new."""
        digest = hashlib.sha256(os.fsencode(facts.path)).hexdigest()
        now = time.time_ns() // 1000
        values = {
            "path": display_path(facts.path),
            "title": _storable(facts.title),
            "artist": _storable(facts.artist),
            "album": _storable(facts.album),
            "duration": facts.duration,
            "size": facts.size,
            "modified_us": facts.modified_us,
            "updated_us": now,
        }
        # Update, then insert: the one form of upsert that every database understands. Syncs run
        # one at a time, so that nobody else inserts in between.
        with self._database.begin() as connection:
            changed = connection.execute(
                update(tracks).where(tracks.c.path_digest == digest).values(values)
            ).rowcount
            if changed:
                return False
            connection.execute(
                insert(tracks).values(
                    id=uuid.uuid4().hex, path_digest=digest, created_us=now, **values
                )
            )
        return True


def display_path(path: str) -> str:
    """Return a path as valid text: bytes that are not UTF-8 are shown as ``\\xNN``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _storable(text: str | None) -> str | None:
    """Return text that every database takes: no NUL, no lone surrogates."""
    if text is None:
        return None
    return text.encode("utf-8", "backslashreplace").decode("utf-8").replace("\0", "\\x00")
