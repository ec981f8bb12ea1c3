"""Record in, one line of text out: the text layout and the JSON layout."""

from __future__ import annotations

from .json_formatter import JsonFormatter
from .line_formatter import LineFormatter
from .text_formatter import TextFormatter

__all__ = ["JsonFormatter", "LineFormatter", "TextFormatter"]
