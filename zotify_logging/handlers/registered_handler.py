"""A handler that is known by its name, and that speaks of its own errors under it."""

from __future__ import annotations

import logging
import sys
from typing import NoReturn, cast

from .. import registry
from ..redaction import Redactor
from ..sanitizing import safe_str
from .error_ring import report

__all__ = ["RegisteredHandler"]


class RegisteredHandler(logging.Handler):
    """Part of the base handler: its name in the registry, and ``handleError``.

    What the registry wants besides, the base handler has.

    Attributes:
        redactor: hides secrets in whatever is said about an error.
    """

    redactor: Redactor

    def get_name(self) -> str | None:  # type: ignore[override]  # as typeshed's own `name` has it
        """Return the name under which the registry knows this handler."""
        return super().get_name()

    def set_name(self, name: str | None) -> None:
        """Set the name (dictConfig does) and make the handler reachable by it."""
        if earlier := self.get_name():
            registry.unregister(earlier, cast(registry.Registered, self))
        super().set_name(name)  # type: ignore[arg-type]  # stdlib takes None; its stub does not say
        if name:
            registry.register(name, cast(registry.Registered, self))

    name = property(get_name, set_name)

    def _unregister(self) -> None:
        if name := self.get_name():
            registry.unregister(name, cast(registry.Registered, self), closed=True)

    def __getstate__(self) -> NoReturn:
        """Refuse to be pickled or copied.

        Raises:
            TypeError: always; a copy would share the sink behind the original's back.
        """
        raise TypeError(
            f"{type(self).__name__} cannot be pickled or copied: it holds a sink and a lock; "
            "configure logging in the other process, and pass its name or a logger's"
        )

    def handleError(self, record: logging.LogRecord) -> None:
        """Report the exception being handled: to the error ring, at most once in 30 s to stderr."""
        error = sys.exc_info()[1]
        text = f"{type(error).__name__}: {safe_str(error)}" if error else "record not written"
        report(self._label(), self.redactor.text(text))

    def _tell(self, record: logging.LogRecord) -> None:
        """Call handleError, which may be somebody else's."""
        try:
            self.handleError(record)
        except Exception as error:
            text = f"handleError raised {type(error).__name__}: {safe_str(error)}"
            report(self._label(), self.redactor.text(text))

    def _label(self) -> str:
        return self.get_name() or type(self).__name__
