"""The weight of an entry."""

from __future__ import annotations

from worker_rig import entry

from zotify_logging.worker import entry_size


def test_the_size_of_an_entry_follows_its_content() -> None:
    """Messages, tracebacks and nested fields all weigh."""
    plain = entry_size(entry(1, message=""))
    assert entry_size(entry(1, message="x" * 5_000)) >= plain + 5_000
