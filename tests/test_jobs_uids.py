"""Ids that sort by time and never repeat."""

from __future__ import annotations

import os
import uuid

from hypothesis import given
from hypothesis import strategies as st

from zotify_logging.jobs.uids import UidMaker


@given(st.lists(st.integers(0, 2**63), min_size=1, max_size=50))
def test_ids_are_uuids_of_version_7_that_sort_by_time(times: list[int]) -> None:
    """Each is a valid UUIDv7 with the record's milliseconds; order of time is order of text."""
    maker = UidMaker()
    made = [maker.make(ns) for ns in sorted(times)]
    assert made == sorted(made)
    assert len(set(made)) == len(made)
    for text, ns in zip(made, sorted(times), strict=True):
        parsed = uuid.UUID(text)
        assert str(parsed) == text
        assert (parsed.version, parsed.variant) == (7, uuid.RFC_4122)
        assert parsed.int >> 80 == ns // 1_000_000


def test_a_reseeded_maker_does_not_repeat_itself() -> None:
    """A forked child that reseeds makes other ids than its parent."""
    maker = UidMaker()
    maker.make(1)
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:  # pragma: no cover - another process
        try:
            maker.reseed()
            os.write(writer, maker.make(1).encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    theirs = os.read(reader, 100).decode()
    os.close(reader)
    os.close(writer)
    assert theirs != maker.make(1)
