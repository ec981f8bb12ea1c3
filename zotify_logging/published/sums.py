"""The handlers of all processes taken together."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from .run_file import WorkerReport

__all__ = ["sum_of"]

_RUNNING = ("live", "stale")
_WORST = ("ok", "degraded", "failing")


def sum_of(reports: Iterable[WorkerReport]) -> dict[str, dict[str, object]]:
    """Return each handler once, over all processes that run: its counters added up.

    ``level`` and ``enabled`` are what the processes agree on, else ``None``; ``health`` is the
    worst of theirs with the reasons of all; ``last_error`` is that of any; ``workers`` counts them.
    """
    sums: dict[str, dict[str, Any]] = {}
    for report in reports:
        if report.state not in _RUNNING:
            continue
        for name, one in report.handlers.items():
            _add(sums, name, one)
    return {name: dict(one) for name, one in sorted(sums.items())}


def _add(sums: dict[str, dict[str, Any]], name: str, one: Mapping[str, object]) -> None:
    health = _mapping(one.get("health"))
    status = health.get("status")
    reasons = health.get("reasons")
    total = sums.get(name)
    if total is None:
        total = sums[name] = {
            "kind": one.get("kind"),
            "level": one.get("level"),
            "enabled": one.get("enabled"),
            "health": {"status": "ok", "reasons": []},
            "workers": 0,
            "statistics": {},
        }
    total["workers"] += 1
    for key in ("kind", "level", "enabled"):
        if total[key] != one.get(key):
            total[key] = None
    if status in _WORST and _WORST.index(status) > _WORST.index(total["health"]["status"]):
        total["health"]["status"] = status
    for reason in reasons if isinstance(reasons, list) else ():
        if reason not in total["health"]["reasons"]:
            total["health"]["reasons"].append(reason)
    _add_statistics(total["statistics"], _mapping(one.get("statistics")))


def _add_statistics(total: dict[str, Any], one: Mapping[str, object]) -> None:
    """Add what can be added; of another version's other forms the first one stays."""
    for key, value in one.items():
        known = total.get(key)
        if isinstance(value, Mapping):
            if isinstance(reasons := total.setdefault(key, {}), dict):
                for reason, count in value.items():
                    if isinstance(count, int):
                        reasons[reason] = reasons.get(reason, 0) + count
        elif isinstance(value, int) and isinstance(known, (int, type(None))):
            total[key] = (known or 0) + value
        elif known is None:
            total[key] = value


def _mapping(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}
