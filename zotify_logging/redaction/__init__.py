"""Hides secrets: by the name they are filed under, by their shape, and by value once registered.

Three rules, each replacing the whole value by ``[REDACTED]``, never a part of it:

1. fields by key name at any depth (``password``, ``api_key``, … in any case and style);
2. in text, what looks like one: Bearer and Basic credentials, JWTs (RFC 7519), URL userinfo
   (RFC 3986 §3.2.1), PEM blocks (RFC 7468), tokens with well-known prefixes, and
   ``name=value`` / ``name: value`` pairs of the built-in names;
3. in text, every value given to :func:`register_secret`, also JSON-escaped and percent-encoded.

What this cannot do: find a secret that has no such name or shape and was not registered, one
that is split over two records, one in an encoding not listed (base64 of a registered value), or
the rest of an unquoted value after a space. A value in brackets is hidden to the first closing one.
"""

from .names import SECRET_NAMES
from .patterns import REDACTED
from .redactor import MAX_ITEMS, Redactor
from .secrets import MIN_SECRET, register_secret

__all__ = ["MAX_ITEMS", "MIN_SECRET", "REDACTED", "SECRET_NAMES", "Redactor", "register_secret"]
