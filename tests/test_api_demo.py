"""The demo as a person runs it."""

from __future__ import annotations

import re
from pathlib import Path

from api_server import CHOSEN_KEY, run_cli


def test_the_demo_shows_three_endpoints_and_ends(tmp_path: Path) -> None:
    """It prints the key, and for each endpoint the curl command and what it shows."""
    result = run_cli(tmp_path, "demo", "--port", "0", "--exit-after", "0.2")
    assert result.returncode == 0, result.stderr
    assert re.search(r"^key: zk_\S{43} ", result.stdout, re.M)
    commands = re.findall(r'^curl .*"(http://127\.0\.0\.1:\d+/api/logs/.*)"$', result.stdout, re.M)
    assert [re.sub(r".*/api/logs/|/sync-[^?]*|\?.*", "", url) for url in commands] == [
        "system/stream",
        "audit",
        "jobs",
    ]
    assert "auth.denied" in result.stdout
    assert "finished: 7 stored, 1 unreadable" in result.stdout
    assert "broken.flac" in result.stdout or "sync finished" in result.stdout
    assert result.stderr == ""
    assert list(tmp_path.iterdir()) == []


def test_the_demo_uses_the_chosen_key_and_none_of_the_configured_places(tmp_path: Path) -> None:
    """A configured database is not touched by trying things out."""
    env = {
        "ZOTIFY_API_KEY": CHOSEN_KEY,
        "ZOTIFY_DATABASE_URL": f"sqlite:///{tmp_path / 'mine.db'}",
        "ZOTIFY_DATA_DIR": str(tmp_path / "mine"),
    }
    result = run_cli(tmp_path, "demo", "--port", "0", "--exit-after", "0", env=env)
    assert result.returncode == 0, result.stderr
    assert f"key: {CHOSEN_KEY} " in result.stdout
    assert list(tmp_path.iterdir()) == []
