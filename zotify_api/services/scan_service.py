"""Finds audio files below a folder and reads their tags. One bad file never ends a scan."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass

import mutagen

from zotify_api.db.track_store import TrackFacts

__all__ = ["AUDIO_SUFFIXES", "Finding", "UnreadableAudioError", "find_audio", "read_facts"]

AUDIO_SUFFIXES = (".mp3", ".flac", ".ogg", ".m4a", ".wav")
"""Endings of the files that a scan looks at, in any case."""

_TAGS = {"title": "TIT2", "artist": "TPE1", "album": "TALB"}


class UnreadableAudioError(Exception):
    """A file with an audio name that holds no readable audio; the message says why."""


@dataclass(frozen=True)
class Finding:
    """An audio file, or with ``problem`` a place that could not be looked at."""

    path: str
    problem: str | None = None


def find_audio(root: str) -> Iterator[Finding]:
    """Yield audio files below ``root`` in order of their names; folders behind links included.

    A folder that was visited already (a link into itself, or a second link) is a finding with a
    problem, as are folders that cannot be read.
    """
    visited: set[tuple[int, int]] = set()
    pending = [root]
    while pending:
        folder = pending.pop()
        try:
            status = os.stat(folder)
            identity = (status.st_dev, status.st_ino)
            if identity in visited:
                yield Finding(folder, "visited already, perhaps a link into itself")
                continue
            visited.add(identity)
            with os.scandir(folder) as entries:
                names = sorted(entries, key=lambda entry: entry.name)
        except OSError as error:
            yield Finding(folder, f"folder cannot be read: {error.strerror}")
            continue
        folders = []
        for entry in names:
            try:
                is_folder = entry.is_dir()
            except OSError as error:  # a link whose target is a loop of links
                yield Finding(entry.path, f"cannot be looked at: {error.strerror}")
                continue
            if is_folder:
                folders.append(entry.path)
            elif entry.name.lower().endswith(AUDIO_SUFFIXES):
                yield Finding(entry.path)
        pending.extend(reversed(folders))


def read_facts(path: str) -> TrackFacts:
    """Return what one file holds; missing tags are ``None``.

    Raises:
        UnreadableAudioError: it cannot be opened, is no regular file, or holds no audio.
    """
    try:
        status = os.stat(path)
        # Opening a FIFO or device would wait for ever.
        if not stat.S_ISREG(status.st_mode):
            raise UnreadableAudioError("not a regular file")
        audio = mutagen.File(path, easy=True)
    except OSError as error:
        raise UnreadableAudioError(f"cannot be opened: {error.strerror or error}") from error
    except UnreadableAudioError:
        raise
    except Exception as error:  # a parser of foreign bytes may raise anything
        raise UnreadableAudioError(f"broken: {type(error).__name__}: {error}") from error
    if audio is None:
        raise UnreadableAudioError("holds no audio of a known kind")
    length = getattr(audio.info, "length", None)
    tags = {name: _first(audio.tags, name, frame) for name, frame in _TAGS.items()}
    return TrackFacts(
        path=path,
        title=tags["title"],
        artist=tags["artist"],
        album=tags["album"],
        duration=float(length) if isinstance(length, (int, float)) else None,
        size=status.st_size,
        modified_us=status.st_mtime_ns // 1000,
    )


def _first(tags: object, name: str, frame: str) -> str | None:
    """Return the first value of a tag, whether the container has plain names or ID3 frames."""
    if tags is None:
        return None
    for key in (name, frame):
        try:
            found = tags[key]  # type: ignore[index]
        except (KeyError, ValueError, TypeError):
            continue
        values = getattr(found, "text", found)
        return str(values[0]) if values else None
    return None
