"""Finding audio files and reading their tags."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from zotify_api.cli.samples import write_flac, write_mp3, write_samples, write_wav
from zotify_api.services.scan_service import UnreadableAudioError, find_audio, read_facts


def test_generated_samples_are_real_audio(tmp_path: Path) -> None:
    """Every sample but the broken one is read, with tags and length."""
    count = write_samples(tmp_path / "music")
    paths = [finding.path for finding in find_audio(str(tmp_path / "music"))]
    assert len(paths) == count
    facts = []
    for path in paths:
        if path.endswith("broken.flac"):
            with pytest.raises(UnreadableAudioError):
                read_facts(path)
        else:
            facts.append(read_facts(path))
    assert all(fact.duration and fact.duration > 0.2 for fact in facts)
    assert {fact.title for fact in facts} >= {"Concert Pitch", "Tacet", "Coda", None}
    assert {fact.artist for fact in facts} == {"The Sine Waves", "Silence", None}


def test_untagged_files_count_in_every_case_of_their_ending(tmp_path: Path) -> None:
    """Endings are compared without case; other endings are not looked at."""
    write_wav(tmp_path / "A.WAV", 440)
    write_flac(tmp_path / "b.Flac")
    write_mp3(tmp_path / "c.mp3")
    write_wav(tmp_path / "d.txt", 440)
    names = [os.path.basename(finding.path) for finding in find_audio(str(tmp_path))]
    assert names == ["A.WAV", "b.Flac", "c.mp3"]
    assert all(read_facts(str(tmp_path / name)).title is None for name in names)


def test_links_are_followed_once(tmp_path: Path) -> None:
    """A folder linked into itself is a finding with a problem, not an endless walk."""
    (tmp_path / "a").mkdir()
    write_wav(tmp_path / "a" / "one.wav", 440)
    (tmp_path / "a" / "loop").symlink_to(tmp_path)
    (tmp_path / "self.wav").symlink_to(tmp_path / "self.wav")
    findings = list(find_audio(str(tmp_path)))
    assert [f.path for f in findings if f.problem is None] == [str(tmp_path / "a" / "one.wav")]
    assert len([f for f in findings if f.problem]) == 2


def test_a_fifo_does_not_hang_the_scan(tmp_path: Path) -> None:
    """What is no regular file is never opened."""
    os.mkfifo(tmp_path / "pipe.mp3")
    with pytest.raises(UnreadableAudioError, match="not a regular file"):
        read_facts(str(tmp_path / "pipe.mp3"))


def test_a_file_that_went_away_is_unreadable(tmp_path: Path) -> None:
    """Between finding and reading anything may happen."""
    with pytest.raises(UnreadableAudioError, match="cannot be opened"):
        read_facts(str(tmp_path / "gone.mp3"))


@pytest.mark.parametrize("suffix", ["mp3", "flac", "ogg", "m4a", "wav"])
@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"RIFF\xff\xff\xff\xffWAVEfmt ", b"fLaC"])
def test_bytes_that_are_no_audio_are_unreadable(
    tmp_path: Path, suffix: str, content: bytes
) -> None:
    """Whatever a parser makes of foreign bytes, it is one kind of error here."""
    path = tmp_path / f"x.{suffix}"
    path.write_bytes(content)
    with pytest.raises(UnreadableAudioError):
        read_facts(str(path))
