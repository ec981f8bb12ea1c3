"""A sink that takes nothing until it is released: a real pipe that is full."""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from typing import Self, TextIO

__all__ = ["StuckSink"]

_FILLER = b"\0"


class StuckSink:
    """A pipe filled to the brim, so that ``write(2)`` into it hangs as it does on a dead disk.

    Use its :attr:`stream` for a ``logging.StreamHandler``, or :meth:`wait` inside a handler's
    write: ``CapturingHandler(during=sink.wait, delivery="queued")``. Use it in a ``with`` block:
    its end releases whoever hangs.

    Attributes:
        stream: the writing end as a text file; each line is one ``write(2)``.
    """

    def __init__(self) -> None:
        self._reading, self._writing = os.pipe()
        self._got = bytearray()
        self._reader: threading.Thread | None = None
        os.set_blocking(self._writing, False)
        for size in (4096, 1):
            with suppress(BlockingIOError):
                while True:
                    os.write(self._writing, _FILLER * size)
        os.set_blocking(self._writing, True)
        self.stream: TextIO = open(self._writing, "w", 1, "utf-8", closefd=False)

    def __enter__(self) -> Self:
        """Return the sink, which is stuck."""
        return self

    def __exit__(self, *exc_info: object) -> None:
        """Release whoever hangs, and close the pipe."""
        self.release()
        self.stream.close()
        os.close(self._writing)
        if self._reader is not None:
            self._reader.join()

    def wait(self) -> None:
        """Hang in ``write(2)`` until the sink is released."""
        os.write(self._writing, _FILLER)

    def release(self) -> None:
        """Take everything from now on; what hangs goes on."""
        if self._reader is None:
            self._reader = threading.Thread(target=self._drain, name="stuck-sink", daemon=True)
            self._reader.start()

    @property
    def lines(self) -> list[str]:
        """What was written and has come out since the release."""
        return bytes(self._got).replace(_FILLER, b"").decode("utf-8", "replace").splitlines()

    def _drain(self) -> None:
        while data := os.read(self._reading, 65536):
            self._got += data
        os.close(self._reading)
