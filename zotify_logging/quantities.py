"""Sizes and durations as people write them in a configuration file: ``"10 MB"``, ``"30 s"``.

Plain numbers pass through (bytes, seconds), so that dictConfig, TOML and YAML can carry either.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from fractions import Fraction

__all__ = ["MAX_DURATION", "MAX_SIZE", "parse_duration", "parse_size"]

MAX_SIZE = 2**63 - 1
"""Bytes in a size, at most: what a file offset can say."""

MAX_DURATION = 100 * 365 * 86400.0
"""Seconds in a duration, at most (100 years): the system's timed waits take no more than 292."""

_QUANTITY = re.compile(r"\s*(\d{1,20}(?:\.\d{1,9})?)\s*([A-Za-z]*)\s*", re.ASCII)

# One MB is 2**20 bytes here, as in every log rotator that reads "10M"; decimal units would make
# "10 MB" rotate earlier than RotatingFileHandler's usual maxBytes=10 * 1024 * 1024.
_SIZES = {
    unit: Fraction(size)
    for size, units in (
        (1, ("", "b")),
        (2**10, ("k", "kb", "kib")),
        (2**20, ("m", "mb", "mib")),
        (2**30, ("g", "gb", "gib")),
    )
    for unit in units
}
_SECONDS = {
    "": Fraction(1),
    "ms": Fraction(1, 1000),
    "s": Fraction(1),
    "sec": Fraction(1),
    "m": Fraction(60),
    "min": Fraction(60),
    "h": Fraction(3600),
    "d": Fraction(86400),
    "w": Fraction(604800),
}


def parse_size(value: object) -> int:
    """Return a number of bytes from an ``int`` or a text such as ``"64 KiB"`` or ``"10 MB"``.

    Raises:
        ValueError: the text is no size, or the number is negative, not whole or above
            :data:`MAX_SIZE`.
    """
    number = _number(value, _SIZES, "a size such as 1048576, '64 KiB' or '10 MB'")
    if number > MAX_SIZE:
        raise ValueError(f"{_shown(value)} is above the maximum of {MAX_SIZE} bytes")
    if number.denominator != 1:
        raise ValueError(f"{_shown(value)} is not a whole number of bytes")
    return int(number)


def parse_duration(value: object) -> float:
    """Return seconds from a number or a text such as ``"250 ms"``, ``"30 s"`` or ``"2 w"``.

    Raises:
        ValueError: the text is no duration, or the number is negative, not finite or above
            :data:`MAX_DURATION`.
    """
    number = _number(value, _SECONDS, "a duration such as 0.5, '250 ms', '30 s' or '1 h'")
    if number > MAX_DURATION:
        raise ValueError(f"{_shown(value)} is above the maximum of {MAX_DURATION:.0f} seconds")
    return float(number)


def _number(value: object, units: Mapping[str, Fraction], rule: str) -> Fraction:
    # Fractions: 2**53 + 1 bytes must not become 2**53, nor a 400-digit integer an OverflowError.
    if isinstance(value, str) and (match := _QUANTITY.fullmatch(value)):
        unit = units.get(match[2].lower())
        if unit is not None:
            return Fraction(match[1]) * unit
    elif isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Fraction(value)
    elif isinstance(value, float) and math.isfinite(value) and value >= 0:
        return Fraction(value)
    raise ValueError(f"{_shown(value)} is not {rule}")


def _shown(value: object) -> str:
    try:
        return f"{value!r:.80}"
    except Exception:  # a 5,000-digit integer has no decimal text
        return f"a {type(value).__name__}"
