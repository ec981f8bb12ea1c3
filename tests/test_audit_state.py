"""The head of the chain in the lock file: believed when whole, ignored when not."""

from __future__ import annotations

import os
from pathlib import Path

from zotify_logging.audit.state import ChainHead, read_head, write_head

HEAD = ChainHead(2**60, 5, 1, 999_999_999_999, 1_790_000_000_000_000, "ab" * 32, "cd" * 16)


def test_reads_what_was_written_and_nothing_torn(tmp_path: Path) -> None:
    """Any cut and any changed byte make it unknown, never wrong."""
    descriptor = os.open(tmp_path / "lock", os.O_RDWR | os.O_CREAT)
    try:
        assert read_head(descriptor) is None
        write_head(descriptor, HEAD)
        assert read_head(descriptor) == HEAD
        data = (tmp_path / "lock").read_bytes()
        for position in range(len(data)):
            os.pwrite(descriptor, bytes([data[position] ^ 1]), position)
            assert read_head(descriptor) is None
            os.pwrite(descriptor, data[position : position + 1], position)
        for size in range(len(data)):
            os.truncate(tmp_path / "lock", size)
            assert read_head(descriptor) is None
    finally:
        os.close(descriptor)
