"""Makes any text safe for one line, for a database, and for a number of bytes.

Clean text pays one ``str.isprintable()``; only what fails it is looked at closely. What is hidden
from the eye or ends a line somewhere is shown escaped: C0 and C1 controls but for the tab,
U+0085/2028/2029, bidi controls (Trojan Source, CVE-2021-42574) and lone surrogates. A backslash in
the text itself is left alone, so that paths stay readable; the price is that an escaped newline and
a literal ``\\n`` look the same.
"""

from __future__ import annotations

import json
import re

__all__ = [
    "cut_text",
    "escape_ascii",
    "escape_line",
    "indent_lines",
    "safe_str",
    "show_escaped",
    "storable",
    "unfold_line",
]

_HIDDEN = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f"
    "\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_NON_ASCII = re.compile("[^\x00-\x7f]")
_SHORT = {"\n": "\\n", "\r": "\\r"}


def show_escaped(match: re.Match[str]) -> str:
    """Return the matched character as the escape that stands for it, for ``re.sub``."""
    # Each form is also a valid JSON escape: a line of somebody's JSON formatter stays JSON.
    character = match[0]
    return _SHORT.get(character) or f"\\u{ord(character):04x}"


def escape_line(text: str) -> str:
    """Return ``text`` as one line: what ends a line or hides from the eye is shown escaped."""
    return text if text.isprintable() else _HIDDEN.sub(show_escaped, text)


def escape_ascii(text: str) -> str:
    """Return ``text`` in ASCII: everything else as ``\\uXXXX``, which is JSON's own escape too."""
    return _NON_ASCII.sub(lambda match: json.dumps(match[0])[1:-1], text)


def indent_lines(text: str) -> str:
    """Return ``text`` with its newlines kept and continuation lines indented by two spaces."""
    return "\n  ".join(escape_line(line) for line in text.splitlines()) if text else text


def unfold_line(text: str) -> str:
    """Return a line of ours with escaped newlines broken again, for a person's eyes."""
    return text.replace("\\n", "\n")


def storable(text: str) -> str:
    """Return ``text`` with NUL and lone surrogates escaped, which no database takes."""
    return text if text.isprintable() else _UNSTORABLE.sub(show_escaped, text)


def cut_text(text: str, max_bytes: int) -> tuple[str, int]:
    """Cut ``text`` to at most ``max_bytes`` of UTF-8, on code points, keeping head and tail.

    Returns:
        The text, with a note of how many bytes are missing where they are (unless ``max_bytes`` has
        no room even for that), and the original number of bytes if it was cut, else 0.
    """
    if len(text) * 4 <= max_bytes:
        return text, 0
    data = text.encode("utf-8", "backslashreplace")
    if len(data) <= max_bytes:
        return text, 0
    note = f" …[{len(data) - max_bytes} bytes cut]… "
    room = max_bytes - len(note.encode())
    if room < 0:
        return data[: max(0, max_bytes)].decode("utf-8", "ignore"), len(data)
    head = data[: room - room // 4].decode("utf-8", "ignore")
    tail = data[len(data) - room // 4 :].decode("utf-8", "ignore")
    return head + note + tail, len(data)


def safe_str(value: object) -> str:
    """Return ``str(value)``, or a text that says why there is none; raises no ``Exception``."""
    try:
        return str.__str__(str(value))  # str() may return a subclass with ideas of its own
    except Exception as error:
        return f"<unprintable {type(value).__name__}: {type(error).__name__}>"
