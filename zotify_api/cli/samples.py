"""Generates small real audio files, for the demo to scan: WAV, FLAC and MP3, and a broken one."""

from __future__ import annotations

import math
import struct
import wave
from pathlib import Path
from typing import Any

import mutagen.flac
import mutagen.id3
import mutagen.mp3
import mutagen.wave

__all__ = [
    "tag_flac",
    "tag_mp3",
    "tag_wav",
    "write_flac",
    "write_mp3",
    "write_samples",
    "write_wav",
]

# mutagen is typed in part, so that strict checking refuses calls of its classes.
_FLAC: Any = mutagen.flac.FLAC
_MP3: Any = mutagen.mp3.MP3
_WAVE: Any = mutagen.wave.WAVE
_FRAMES: Any = mutagen.id3

_RATE = 8000
_BLOCK = 4096


def write_samples(folder: Path) -> int:
    """Fill ``folder`` with a small library and return the number of audio files, broken too."""
    first = folder / "The Sine Waves" / "First Tones"
    second = folder / "Silence" / "4 Seconds 33"
    first.mkdir(parents=True)
    second.mkdir(parents=True)
    for number, (title, pitch) in enumerate(
        [("Concert Pitch", 440.0), ("An Octave Up", 880.0), ("A Fifth", 660.0)], start=1
    ):
        path = first / f"{number:02} {title}.wav"
        write_wav(path, pitch)
        tag_wav(path, title, "The Sine Waves", "First Tones")
    for number, title in enumerate(["Tacet", "Tacet, again"], start=1):
        path = second / f"{number:02} {title}.flac"
        write_flac(path)
        tag_flac(path, title, "Silence", "4 Seconds 33")
    mp3 = second / "03 Coda.mp3"
    write_mp3(mp3)
    tag_mp3(mp3, "Coda", "Silence", "4 Seconds 33")
    write_wav(folder / "untagged.wav", 220.0)
    (folder / "broken.flac").write_bytes(b"fLaC, it says, and then nothing of the kind")
    (folder / "cover.txt").write_text("not audio, so not scanned\n")
    return 8


def write_wav(path: Path, pitch: float, seconds: float = 0.25) -> None:
    """Write a mono 16-bit sine of ``pitch`` Hz."""
    frames = b"".join(
        struct.pack("<h", round(12000 * math.sin(2 * math.pi * pitch * n / _RATE)))
        for n in range(round(seconds * _RATE))
    )
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_RATE)
        file.writeframes(frames)


def tag_wav(path: Path, title: str, artist: str, album: str) -> None:
    """Add an ID3 chunk to a WAV file."""
    _tag_id3(_WAVE(path), title, artist, album)


def tag_mp3(path: Path, title: str, artist: str, album: str) -> None:
    """Put ID3 tags before an MP3 stream."""
    _tag_id3(_MP3(path), title, artist, album)


def tag_flac(path: Path, title: str, artist: str, album: str) -> None:
    """Add a comment block to a FLAC file."""
    audio = _FLAC(path)
    audio.update({"title": title, "artist": artist, "album": album})
    audio.save()


def _tag_id3(audio: Any, title: str, artist: str, album: str) -> None:
    audio.add_tags()
    for frame, text in (("TIT2", title), ("TPE1", artist), ("TALB", album)):
        audio.tags.add(getattr(_FRAMES, frame)(encoding=3, text=text))
    audio.save()


def write_flac(path: Path, blocks: int = 8) -> None:
    """Write mono 16-bit silence as FLAC: ``blocks`` frames of 4096 samples, constant subframes."""
    # STREAMINFO: block sizes, unknown frame sizes, rate (20 bits), channels - 1 (3), bits - 1 (5),
    # samples (36), and an MD5 of zero, which means unknown.
    packed = (_RATE << 44) | (0 << 41) | (15 << 36) | (blocks * _BLOCK)
    info = struct.pack(">HH", _BLOCK, _BLOCK) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    stream = b"fLaC" + bytes([0x80]) + len(info).to_bytes(3, "big") + info
    for number in range(blocks):
        header = bytes([0xFF, 0xF8, 0xC0, 0x08, number])
        header += bytes([_crc(header, 0x07, 8)])
        frame = header + bytes([0x00, 0x00, 0x00])  # a constant subframe of the sample 0
        stream += frame + _crc(frame, 0x8005, 16).to_bytes(2, "big")
    path.write_bytes(stream)


def write_mp3(path: Path, frames: int = 40) -> None:
    """Write silence as MPEG-1 layer III, 128 kbit/s, 44.1 kHz: frames of zeros decode so."""
    frame = b"\xff\xfb\x90\xc0" + bytes(413)
    path.write_bytes(frame * frames)


def _crc(data: bytes, polynomial: int, width: int) -> int:
    register, top, mask = 0, 1 << (width - 1), (1 << width) - 1
    for byte in data:
        register ^= byte << (width - 8)
        for _ in range(8):
            register = ((register << 1) ^ polynomial if register & top else register << 1) & mask
    return register
