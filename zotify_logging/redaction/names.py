"""Field names that say: what is filed under me is a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable

__all__ = ["SECRET_NAMES", "SecretNames"]

_MAX_NAMES = 4096  # names whose answer is remembered

SECRET_NAMES = (
    "access_key",
    "access_token",
    "api_key",
    "api_keys",
    "apikey",
    "auth_token",
    "authorization",
    "client_secret",
    "cookie",
    "cookies",
    "credential",
    "credentials",
    "csrf_token",
    "id_token",
    "passphrase",
    "passwd",
    "password",
    "passwords",
    "private_key",
    "proxy_authorization",
    "pwd",
    "refresh_token",
    "secret",
    "secret_key",
    "secrets",
    "session_token",
    "set_cookie",
    "signing_key",
    "token",
    "x_api_key",
)
"""Field names whose values are secrets, compared without case, ``_``, ``-``, ``.`` and spaces."""

# A longer name that ends in one of these is secret too: db_password, stripeApiKey, GITHUB_TOKEN.
_SECRET_ENDINGS = ("apikey", "passphrase", "passwd", "password", "privatekey", "secret", "token")

_SEPARATORS = re.compile(r"[_\-. ]")


class SecretNames:
    """The built-in names and those of one redactor; shared by threads.

    Args:
        names: secret here besides the built-in ones.
        endings: a longer name that ends like a built-in one is secret too.
    """

    def __init__(self, names: Iterable[str] = (), *, endings: bool = True) -> None:
        self._names = frozenset(_plain(name) for name in (*SECRET_NAMES, *names))
        self._endings = endings
        self._known: dict[str, bool] = {}

    def __contains__(self, name: str) -> bool:
        """Tell whether a field of that name holds a secret."""
        known = self._known.get(name)
        if known is None:
            plain = _plain(name)
            known = plain in self._names or (self._endings and plain.endswith(_SECRET_ENDINGS))
            if len(self._known) >= _MAX_NAMES:  # names made of requests must not grow for ever
                self._known.clear()
            self._known[name] = known
        return known


def _plain(name: str) -> str:
    return _SEPARATORS.sub("", name).lower()
