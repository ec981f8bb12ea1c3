"""Times peers side by side and prints what came out.

Every script of this folder measures in the same way. All peers run in one process, turn by turn:
round 1 takes each once, round 2 takes each once in the opposite order, and so on, so that a slow
minute of the machine hits all alike. A figure is the median of the rounds; a ratio is the median of
the ratios *within* each round, which leaves drift out of it. The collector is off while the clock
runs and on in between. After each turn the lines on disk are counted: a peer that lost one
ends the run with an error, because speed bought with lost lines is not speed.
"""

from __future__ import annotations

import argparse
import gc
import importlib.metadata
import os
import platform
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

__all__ = [
    "Figures",
    "Goal",
    "Peer",
    "Plan",
    "Target",
    "machine_line",
    "measure",
    "print_goals",
    "print_table",
    "read_plan",
]

#: Calls before the clock starts: files are open and caches warm, as in a running application.
WARM_UP = 100


@dataclass(frozen=True)
class Target:
    """A peer, set up and ready: ``log(pattern, user, track, seconds)`` is what is timed."""

    log: Callable[[str, int, int, float], object]
    close: Callable[[], None]
    pattern: str = "user %d downloaded track %d in %.3f seconds"


@dataclass(frozen=True)
class Peer:
    """A contestant: ``start(directory)`` sets it up to write below that directory.

    ``absent`` says why it cannot take part here; such a peer is listed by name and not run.
    ``writes`` is false for a floor that writes nothing, so that no lines are expected of it;
    ``copies`` says how often each line is written.
    """

    name: str
    start: Callable[[Path], Target]
    absent: str = ""
    writes: bool = True
    copies: int = 1


@dataclass(frozen=True)
class Goal:
    """``subject`` may cost at most ``at_most`` times what ``against`` costs; None = no goal."""

    subject: str
    against: str
    at_most: float | None = None


@dataclass
class Figures:
    """Seconds per record of one peer, one figure a round."""

    name: str
    absent: str = ""
    samples: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Seconds per record, the median of the rounds."""
        return statistics.median(self.samples)


@dataclass(frozen=True)
class Plan:
    """How much to run: ``records`` a turn, ``rounds`` of turns, rotation at ``max_bytes``."""

    quick: bool
    records: int
    rounds: int
    max_bytes: int
    directory: Path


def read_plan(description: str, arguments: Sequence[str] | None = None) -> Plan:
    """Read the options that all scripts share; ``--quick`` proves that it runs, and no more."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--quick", action="store_true", help="a few seconds; the figures mean little"
    )
    parser.add_argument("--records", type=int, help="records a turn (20000; quick: 500)")
    parser.add_argument("--rounds", type=int, help="rounds, at least 5 for a result (7; quick: 2)")
    parser.add_argument("--directory", type=Path, help="where the files go (a temporary folder)")
    given = parser.parse_args(arguments)
    records = given.records or (500 if given.quick else 20_000)
    return Plan(
        quick=given.quick,
        records=records,
        rounds=given.rounds or (2 if given.quick else 7),
        max_bytes=max(8192, records * 26),  # about four rotations in a turn
        directory=given.directory or Path(tempfile.gettempdir()),
    )


def machine_line(packages: Sequence[str] = ()) -> str:
    """Return one line that says where the figures come from: CPU, cores, system, versions."""
    cpu = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:
            cpu = next(
                (line.split(":", 1)[1].strip() for line in lines if "model name" in line), cpu
            )
    except OSError:
        pass  # macOS: the generic name has to do
    versions = [f"CPython {platform.python_version()}"]
    for package in packages:
        try:
            versions.append(f"{package} {importlib.metadata.version(package)}")
        except importlib.metadata.PackageNotFoundError:
            versions.append(f"{package} absent")
    system = f"{platform.system()} {platform.release()}"
    return f"machine: {cpu}, {os.cpu_count()} cores, {system}; {', '.join(versions)}"


def timed(target: Target, records: int, *, whole: bool = False) -> float:
    """Return the seconds that ``records`` calls took, the loop included, and ``whole`` the close.

    A ``whole`` time is what it takes until all is written, whoever writes it.
    """
    log, pattern = target.log, target.pattern
    gc.collect()
    gc.disable()
    try:
        began = time.perf_counter()
        for number in range(records):
            log(pattern, number, number, 0.125)
        if whole:
            target.close()
        return time.perf_counter() - began
    finally:
        gc.enable()


def count_lines(directory: Path) -> int:
    """Return the lines in all files below ``directory`` except lock files."""
    return sum(
        path.read_bytes().count(b"\n")
        for path in directory.rglob("*")
        if path.is_file() and not path.name.endswith(".lock")
    )


def take_turn(peer: Peer, plan: Plan, records: int, *, whole: bool = False) -> float:
    """Set ``peer`` up in a new folder, time it, and check that every line is there."""
    directory = Path(tempfile.mkdtemp(prefix="bench-", dir=plan.directory))
    try:
        target = peer.start(directory)
        closed = False
        try:
            for number in range(WARM_UP):
                target.log(target.pattern, number, number, 0.125)
            seconds = timed(target, records, whole=whole)
            closed = whole
        finally:
            if not closed:
                target.close()
        expected = (records + WARM_UP) * peer.copies if peer.writes else 0
        found = count_lines(directory)
        if found != expected:
            sys.exit(f"{peer.name}: wrote {found} lines of {expected}; its time does not count")
        return seconds / records
    finally:
        shutil.rmtree(directory)


def measure(
    peers: Sequence[Peer], plan: Plan, records: int | None = None, *, whole: bool = False
) -> dict[str, Figures]:
    """Run all peers turn by turn and return their figures by name, in the order given."""
    figures = {peer.name: Figures(peer.name, peer.absent) for peer in peers}
    present = [peer for peer in peers if not peer.absent]
    for number in range(plan.rounds):
        for peer in present if number % 2 == 0 else reversed(present):
            figures[peer.name].samples.append(
                take_turn(peer, plan, records or plan.records, whole=whole)
            )
    return figures


def print_table(
    title: str, figures: dict[str, Figures], unit: str = "µs", scale: float = 1e6
) -> None:
    """Print the median, the fastest and the slowest round of each peer."""
    print(f"\n{title}")
    print(f"  {'':44} {'median ' + unit:>12} {'fastest':>9} {'slowest':>9}")
    for row in figures.values():
        if row.absent:
            print(f"  {row.name:44} absent: {row.absent}")
            continue
        low, high = min(row.samples) * scale, max(row.samples) * scale
        print(f"  {row.name:44} {row.median * scale:12.2f} {low:9.2f} {high:9.2f}")


def print_goals(key: str, goals: Sequence[Goal], figures: dict[str, Figures]) -> None:
    """Print one line a goal: the ratio, the goal, and whether it was reached or missed."""
    for goal in goals:
        subject, against = figures[goal.subject], figures[goal.against]
        name = f"  {key} {goal.subject} / {goal.against}"
        if subject.absent or against.absent:
            print(f"{name:88} not run: peer absent")
            continue
        ratio = statistics.median(
            ours / theirs for ours, theirs in zip(subject.samples, against.samples, strict=True)
        )
        verdict = "no goal"
        if goal.at_most is not None:
            reached = "reached" if ratio <= goal.at_most else "missed"
            verdict = f"goal <= {goal.at_most:.2f}  {reached}"
        print(f"{name:88} {ratio:6.2f}  {verdict}")
