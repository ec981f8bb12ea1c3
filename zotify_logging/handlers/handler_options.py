"""The options that every handler takes: what they are called, and what they mean once read."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypedDict, cast

from ..options import OptionReader
from ..redaction import Redactor
from ..worker import OVERFLOW_POLICIES, Overflow

__all__ = ["HandlerOptions", "HandlerSetup", "read_options"]


class HandlerOptions(TypedDict, total=False):
    """Options that every handler takes, all of them plain scalars for dictConfig, TOML and YAML.

    ``level``, ``filters``, ``formatter``: as in stdlib (dictConfig sets them by itself).
    ``delivery``: ``direct`` writes in the caller's thread, ``queued`` through a bounded queue and
    one writer thread. ``redact``: more field names to hide; ``False`` switches value patterns off.
    ``failover``: name of the handler that receives what this one could not keep.
    ``max_queue_size`` (10,000 entries), ``max_queue_bytes`` (16 MB), ``max_batch_size`` (500),
    ``flush_interval`` (0.5 s), ``overflow`` (``block``, ``drop_oldest``, ``drop_new``, and
    ``spill`` where the handler has a spool): the queue.
    ``close_timeout`` (5 s): for flush and close. ``lock_timeout`` (1 s): wait for a lock that
    another process holds. ``file_mode`` (``"0640"``): of files made here.
    ``multiline``: keep the newlines of your own formatter's output, indented by two spaces.
    """

    level: int | str
    filters: Iterable[logging.Filter]
    formatter: logging.Formatter | None
    delivery: str
    redact: bool | str | Iterable[str]
    failover: str | None
    max_queue_size: int
    max_queue_bytes: int | str
    max_batch_size: int
    flush_interval: float | str
    overflow: str
    close_timeout: float | str
    lock_timeout: float | str
    file_mode: str
    multiline: bool


@dataclass(frozen=True)
class HandlerSetup:
    """The options of one handler as they hold: complete, checked, sizes in bytes, times in s."""

    level: int
    filters: list[logging.Filter]
    formatter: logging.Formatter | None
    queued: bool
    redactor: Redactor
    failover: str | None
    max_queue_size: int
    max_queue_bytes: int
    max_batch_size: int
    flush_interval: float
    overflow: Overflow
    close_timeout: float
    lock_timeout: float
    file_mode: int
    multiline: bool


def read_options(
    reader: OptionReader,
    options: HandlerOptions,
    *,
    delivery: str,
    max_batch_size: int,
    can_spill: bool = False,
) -> HandlerSetup:
    """Read and check every option, the subclass's own included.

    Args:
        reader: has read the subclass's own options, and is finished here.
        options: those of every handler.
        delivery: where none is given.
        max_batch_size: where none is given.
        can_spill: the handler has a place for what its queue has no room for.

    Raises:
        OptionError: one or more options are wrong; all are named, with near matches.
    """
    reader.known(*HandlerOptions.__annotations__)
    reader.unknown(options)
    get = options.get
    setup = HandlerSetup(
        level=reader.level("level", get("level", logging.NOTSET)),
        queued=reader.choice("delivery", get("delivery", delivery), ("direct", "queued"))
        == "queued",
        redactor=_read_redactor(reader, get("redact", True)),
        failover=reader.text("failover", get("failover"), optional=True),
        close_timeout=reader.duration("close_timeout", get("close_timeout", 5.0)),
        lock_timeout=reader.duration("lock_timeout", get("lock_timeout", 1.0)),
        file_mode=reader.mode("file_mode", get("file_mode", "0640")),
        multiline=reader.boolean("multiline", get("multiline", False)),
        max_queue_size=reader.integer("max_queue_size", get("max_queue_size", 10_000), minimum=1),
        max_queue_bytes=reader.size("max_queue_bytes", get("max_queue_bytes", "16 MB"), minimum=1),
        max_batch_size=reader.integer(
            "max_batch_size", get("max_batch_size", max_batch_size), minimum=1
        ),
        flush_interval=reader.duration("flush_interval", get("flush_interval", 0.5)),
        overflow=_read_overflow(reader, get("overflow", "block"), can_spill),
        filters=_read_filters(reader, options.get("filters")),
        formatter=_read_formatter(reader, options.get("formatter")),
    )
    reader.finish()
    return setup


def _read_overflow(reader: OptionReader, value: object, can_spill: bool) -> Overflow:
    if value == "spill" and not can_spill:
        reader.problem(
            "overflow",
            "'spill' needs a spool, which this handler does not have (it would implement"
            " spill(entry)); use block, drop_oldest or drop_new",
        )
        return "block"
    policies = tuple(policy for policy in OVERFLOW_POLICIES if policy != "spill" or can_spill)
    return cast(Overflow, reader.choice("overflow", value, policies))


def _read_formatter(
    reader: OptionReader, value: logging.Formatter | None
) -> logging.Formatter | None:
    usable = callable(getattr(value, "format", None)) and not isinstance(value, str)
    if value is not None and not usable:
        reader.problem("formatter", f"{value!r:.80} is not a logging.Formatter")
    return value


def _read_redactor(reader: OptionReader, value: object) -> Redactor:
    if isinstance(value, bool):
        return Redactor(patterns=value)
    if isinstance(value, str):
        return Redactor(value.replace(",", " ").split())
    if isinstance(value, Iterable):
        names = list(value)
        if all(isinstance(name, str) for name in names):
            return Redactor(names)
    reader.problem("redact", f"{value!r} is not true, false or a list of field names")
    return Redactor()


def _read_filters(
    reader: OptionReader, value: Iterable[logging.Filter] | None
) -> list[logging.Filter]:
    if value is None:
        return []
    try:
        filters = list(value)
    except TypeError:
        reader.problem("filters", f"{value!r:.80} is not a list of filters")
        return []
    for one in filters:
        if not callable(one) and not callable(getattr(one, "filter", None)):
            reader.problem("filters", f"{one!r:.80} is not a logging.Filter or a function")
    return filters
