"""The appender: one write per record, regular files only."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from zotify_logging import UnsupportedFileError
from zotify_logging.storage.appender import append_all, make_parent, open_append


def test_a_new_file_gets_the_mode_whatever_the_umask(tmp_path: Path) -> None:
    """0640 means 0640, also under a umask that would take or leave other bits."""
    previous = os.umask(0o077)
    try:
        os.close(open_append(str(tmp_path / "a.log"), 0o640))
    finally:
        os.umask(previous)
    assert stat.S_IMODE((tmp_path / "a.log").stat().st_mode) == 0o640


def test_an_existing_file_keeps_its_mode_and_content(tmp_path: Path) -> None:
    """Opening changes nothing about a file that was there before."""
    path = tmp_path / "a.log"
    path.write_text("before\n")
    path.chmod(0o600)
    descriptor = open_append(str(path), 0o640)
    append_all(descriptor, b"after\n")
    os.close(descriptor)
    assert path.read_text() == "before\nafter\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("kind", ["directory", "fifo", "device", "symlink to a device"])
def test_only_regular_files_are_opened(tmp_path: Path, kind: str) -> None:
    """A directory, FIFO or device is refused with a clear error, and never hangs the caller."""
    path = tmp_path / "target"
    if kind == "directory":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "device":
        path = Path("/dev/null")
    else:
        path.symlink_to("/dev/null")
    with pytest.raises(UnsupportedFileError, match="is a directory|not a regular file"):
        open_append(str(path), 0o640)


def test_the_descriptor_does_not_leak_into_child_programs(tmp_path: Path) -> None:
    """O_CLOEXEC is set: a subprocess inherits no log."""
    descriptor = open_append(str(tmp_path / "a.log"), 0o640)
    assert not os.get_inheritable(descriptor)
    os.close(descriptor)


def test_make_parent_makes_every_folder(tmp_path: Path) -> None:
    """A log in folders that do not exist yet is no error; a bare name needs none."""
    make_parent(str(tmp_path / "a" / "b" / "c.log"))
    assert (tmp_path / "a" / "b").is_dir()
    make_parent("c.log")


_FULL = """
import os, resource, signal, sys
from zotify_logging.storage.appender import append_all, open_append
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (10, resource.RLIM_INFINITY))
descriptor = open_append(sys.argv[1], 0o640)
append_all(descriptor, b"12345678")
try:
    append_all(descriptor, b"abcdefgh")
except OSError as error:
    print(error.errno)
"""


def test_a_short_write_is_completed_or_raised(tmp_path: Path) -> None:
    """A write that the kernel cuts at a size limit raises; what fitted is in the file."""
    path = tmp_path / "a.log"
    done = subprocess.run(
        [sys.executable, "-c", _FULL, str(path)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.stdout.strip() == "27", done.stderr  # EFBIG
    assert path.read_bytes() == b"12345678ab"
