"""What one log call costs, and what the import costs.

Prints E1 (text), E2 (JSON lines), E4 (a disabled level) and I1 (the import), each with its peers in
the same run; in full also the growth of E1 and E2 at 10,000, 100,000 and 1,000,000 records.
``peers.py`` says how each peer is set up, ``harness.py`` how the figures are made.

Ours runs with its defaults: rotation on, redaction on, lines made safe; one row has redaction off.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from harness import (
    Figures,
    Goal,
    Peer,
    Plan,
    Target,
    machine_line,
    measure,
    print_goals,
    print_table,
    read_plan,
    take_turn,
)
from peers import KEEP, disabled, json_peers, stdlib_target, text_peers

from zotify_logging import FileStreamHandler

OURS = "FileStreamHandler"
OURS_OPEN = "FileStreamHandler, redaction off"
OURS_JSON = "FileStreamHandler, JSON"
PACKAGES = (
    "zotify-logging",
    "concurrent-log-handler",
    "loguru",
    "structlog",
    "picologging",
    "python-json-logger",
    "orjson",
    "msgspec",
)


def start_ours(
    max_bytes: int, *, layout: str = "text", redact: bool = True, disabled: bool = False
) -> Callable[[Path], Target]:
    """Return a start of our handler with rotation at ``max_bytes``."""

    def start(directory: Path) -> Target:
        path = directory / "app.log"
        if redact:
            handler = FileStreamHandler(path, max_bytes=max_bytes, keep=KEEP, format=layout)
        else:
            handler = FileStreamHandler(
                path, max_bytes=max_bytes, keep=KEEP, format=layout, redact=False
            )
        return stdlib_target(handler, disabled=disabled)

    return start


def emit_text(plan: Plan) -> None:
    """E1: one ``logger.info`` as a text line."""
    peers = text_peers(plan.max_bytes)
    ours = [
        Peer(OURS, start_ours(plan.max_bytes)),
        Peer(OURS_OPEN, start_ours(plan.max_bytes, redact=False)),
    ]
    figures = measure([*ours, *peers], plan)
    print_table(f"E1 one logger.info, text, rotation at {plan.max_bytes} bytes", figures)
    goals = {"FileHandler": 1.0, "RotatingFileHandler": 0.6, "concurrent-log-handler": 0.4}
    wanted = [Goal(OURS, peer.name, goals.get(peer.name)) for peer in peers]
    print_goals("E1", [*wanted, Goal(OURS_OPEN, "FileHandler", 0.85)], figures)


def emit_json(plan: Plan) -> None:
    """E2: one ``logger.info`` as a JSON line."""
    peers = json_peers()
    ours = Peer(OURS_JSON, start_ours(plan.max_bytes, layout="json"))
    figures = measure([ours, *peers], plan)
    print_table("E2 one logger.info, JSON lines", figures)
    goals = {"python-json-logger (json)": 0.9}
    print_goals("E2", [Goal(OURS_JSON, peer.name, goals.get(peer.name)) for peer in peers], figures)


def emit_disabled(plan: Plan) -> None:
    """E4: a ``logger.debug`` that the level refuses."""
    ours = Peer(OURS, start_ours(plan.max_bytes, disabled=True), writes=False)
    peer = Peer("FileHandler", disabled, writes=False)
    figures = measure([ours, peer], plan, records=plan.records * 10)
    print_table("E4 one logger.debug at level INFO", figures)
    print_goals("E4", [Goal(OURS, "FileHandler", 1.05)], figures)


def import_seconds(statement: str) -> float:
    """Return what ``statement`` takes in a new interpreter, start-up of that one not included.

    The interpreter runs without ``site``: what ``.pth`` files of this machine have loaded already
    would otherwise be a present to one side or the other.
    """
    code = (
        f"import sys, time; sys.path.extend({[place for place in sys.path if place]!r});"
        f"began = time.perf_counter(); {statement}; print(time.perf_counter() - began)"
    )
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], check=True, capture_output=True, text=True, cwd=os.sep
    )
    return float(done.stdout)


def time_imports(plan: Plan) -> None:
    """I1: ``import zotify_logging``, and the same with a handler, beside ``import structlog``."""
    statements = {
        "import zotify_logging": "import zotify_logging",
        "import structlog": "import structlog",
        "import logging (floor)": "import logging",
        "from zotify_logging import FileStreamHandler": (
            "from zotify_logging import FileStreamHandler"
        ),
    }
    figures = {name: Figures(name) for name in statements}
    for statement in statements.values():
        import_seconds(statement)  # the first import compiles and reads from the disk
    for _ in range(2 if plan.quick else 15):
        for name, statement in statements.items():
            figures[name].samples.append(import_seconds(statement))
    print_table("I1 import, in a new interpreter", figures, unit="ms", scale=1e3)
    print_goals("I1", [Goal("import zotify_logging", "import structlog", 0.6)], figures)
    milliseconds = figures["import zotify_logging"].median * 1e3
    verdict = "reached" if milliseconds <= 60 else "missed"
    print(f"{'  I1 import zotify_logging':88} {milliseconds:6.2f}  goal <= 60 ms  {verdict}")


def show_growth(plan: Plan, sizes: Sequence[int] = (10_000, 100_000, 1_000_000)) -> None:
    """Cost per record as the run gets longer; it must stay flat."""
    print("\nGrowth, µs per record (medians of 9, 5 and 1)")
    print(f"  {'records':>44} " + " ".join(f"{size:>12,}" for size in sizes))
    rows: dict[str, Callable[[Path], Target]] = {
        "E1 " + OURS: start_ours(10_000_000),
        "E2 " + OURS_JSON: start_ours(20_000_000, layout="json"),
    }
    for name, start in rows.items():
        peer = Peer(name, start)
        cells = [
            statistics.median(take_turn(peer, plan, size) for _ in range(turns))
            for size, turns in zip(sizes, (9, 5, 1), strict=True)
        ]
        print(f"  {name:44} " + " ".join(f"{cell * 1e6:12.2f}" for cell in cells))


def main(arguments: Sequence[str] | None = None) -> None:
    """Run all that this script measures."""
    plan = read_plan("What one log call costs, and what the import costs.", arguments)
    print(machine_line(PACKAGES))
    print(f"{plan.rounds} rounds of {plan.records} records each, files below {plan.directory}")
    if plan.rounds < 5:
        print("fewer than 5 rounds: this proves that the script runs, and nothing about speed")
    emit_text(plan)
    emit_json(plan)
    emit_disabled(plan)
    time_imports(plan)
    if not plan.quick:
        show_growth(plan)


if __name__ == "__main__":
    main()
