"""Chooses the form of an answer from ``Accept`` with its q-values (RFC 9110, 12.5.1)."""

from __future__ import annotations

from collections.abc import Mapping

from zotify_api.errors import ProblemError

__all__ = ["choose_form"]


def choose_form(accept: str | None, offers: Mapping[str, str]) -> str:
    """Return the form whose media type the client likes best.

    Args:
        accept: the header, or ``None``, which means anything.
        offers: media type to form, the most preferred first; it wins among equals.

    Raises:
        ProblemError: 406 when the client accepts none of them.
    """
    if accept is None or not accept.strip():
        return next(iter(offers.values()))
    ranges = [_media_range(part) for part in accept.split(",") if part.strip()]
    best: tuple[float, str] | None = None
    for media_type, form in offers.items():
        quality = _quality(media_type, ranges)
        if quality > 0 and (best is None or quality > best[0]):
            best = (quality, form)
    if best is None:
        raise ProblemError(
            406, f"nothing acceptable; this is offered: {', '.join(dict.fromkeys(offers))}"
        )
    return best[1]


def _media_range(part: str) -> tuple[str, float]:
    media_type, *parameters = (piece.strip().lower() for piece in part.split(";"))
    quality = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                quality = min(1.0, max(0.0, float(value)))
            except ValueError:
                quality = 0.0
    return media_type, quality


def _quality(media_type: str, ranges: list[tuple[str, float]]) -> float:
    """Return the quality by the most specific range that matches."""
    main = media_type.partition("/")[0]
    for candidate in (media_type, f"{main}/*", "*/*"):
        matching = [quality for name, quality in ranges if name == candidate]
        if matching:
            return max(matching)
    return 0.0
