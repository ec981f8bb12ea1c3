"""The fixtures, in a pytest of their own as an application would run it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

APPLICATION = """
import logging
import time

import pytest

from zotify_logging.testing import CapturingHandler, FakeClock, LossWatch

log = logging.getLogger("application")


def test_kept(log_losses: LossWatch, captured_logs: CapturingHandler) -> None:
    log.warning("token=S3cr3t")
    assert captured_logs.messages == ["token=[REDACTED]"]
    log_losses.assert_no_loss()


def test_lost(log_losses: LossWatch, captured_logs: CapturingHandler) -> None:
    def refuse() -> None:
        raise ValueError("gone")

    captured_logs.during = refuse
    log.warning("m")
    log_losses.assert_no_loss()


def test_clock(fake_clock: FakeClock) -> None:
    assert time.time() == 1_767_225_600.0


def test_afterwards() -> None:
    assert not any(isinstance(one, CapturingHandler) for one in logging.root.handlers)
    assert time.time() != 1_767_225_600.0
"""


def test_an_application_uses_them_by_one_line(tmp_path: Path) -> None:
    """``pytest_plugins`` in its conftest; a loss fails the test that had it, and no other."""
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["zotify_logging.testing.fixtures"]\n')
    (tmp_path / "test_application.py").write_text(APPLICATION)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-rf", str(tmp_path)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert "1 failed, 3 passed" in done.stdout, done.stdout + done.stderr
    assert "records were lost: CapturingHandler: failed ValueError 1" in done.stdout


def test_the_kit_needs_no_pytest() -> None:
    """Only the module of the fixtures imports it."""
    program = (
        "import sys; import zotify_logging.testing; assert 'pytest' not in sys.modules;"
        " assert 'logging.config' not in sys.modules and 'sqlalchemy' not in sys.modules"
    )
    assert subprocess.run([sys.executable, "-c", program], timeout=60).returncode == 0
