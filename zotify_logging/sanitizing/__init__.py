"""Makes any text safe for one line, and any value safe for strict JSON."""

from .json_values import MAX_JSON_BYTES, MAX_JSON_DEPTH, JsonValue, dump_json, json_safe
from .text import (
    cut_text,
    escape_ascii,
    escape_line,
    indent_lines,
    safe_str,
    storable,
    unfold_line,
)

__all__ = [
    "MAX_JSON_BYTES",
    "MAX_JSON_DEPTH",
    "JsonValue",
    "cut_text",
    "dump_json",
    "escape_ascii",
    "escape_line",
    "indent_lines",
    "json_safe",
    "safe_str",
    "storable",
    "unfold_line",
]
