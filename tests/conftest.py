"""Every test leaves the logging tree as it found it, and no thread of ours behind."""

from __future__ import annotations

import logging
import signal
import threading
from collections.abc import Iterator

import pytest
from waiting import wait_until

#: Threads of the library carry this at the start of their names.
# A shell that runs the tests in the background has them ignore Ctrl-C, and their children as well.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

THREAD_PREFIX = "zotify"


def loggers() -> list[logging.Logger]:
    """Return the root logger and all that exist below it."""
    known = list(logging.Logger.manager.loggerDict.values())
    return [logging.root, *(entry for entry in known if isinstance(entry, logging.Logger))]


def our_threads() -> set[threading.Thread]:
    """Return the living threads that the library started."""
    return {thread for thread in threading.enumerate() if thread.name.startswith(THREAD_PREFIX)}


def live_handlers() -> list[logging.Handler]:
    """Return the handlers that stdlib would close at exit, the newest last."""
    references = list(logging._handlerList)  # type: ignore[attr-defined] # the one list there is
    return [handler for reference in references if (handler := reference()) is not None]


@pytest.fixture(autouse=True)
def logging_tree() -> Iterator[None]:
    """Put handlers, filters, levels, flags and classes of ``logging`` back; close what is new."""
    before = {
        logger: (
            logger.level,
            logger.propagate,
            logger.disabled,
            list(logger.handlers),
            list(logger.filters),
        )
        for logger in loggers()
    }
    handlers, threads = live_handlers(), our_threads()
    names = dict(logging._handlers)  # type: ignore[attr-defined] # handlers by name, for dictConfig
    flags = (logging.raiseExceptions, logging.lastResort, logging.root.manager.disable)
    logger_class, record_factory = logging.getLoggerClass(), logging.getLogRecordFactory()
    yield
    logging.raiseExceptions, logging.lastResort, logging.root.manager.disable = flags
    logging.setLoggerClass(logger_class)
    logging.setLogRecordFactory(record_factory)
    for logger in loggers():
        state = before.get(logger, (logging.NOTSET, True, False, [], []))
        logger.propagate, logger.disabled = state[1], state[2]
        logger.handlers[:], logger.filters[:] = state[3], state[4]
        logger.setLevel(state[0])  # also empties the cache of enabled levels
    for handler in reversed(live_handlers()):
        if not any(handler is old for old in handlers):
            handler.close()
    by_name = logging._handlers  # type: ignore[attr-defined] # see above
    for name in set(by_name) - set(names):
        del by_name[name]
    wait_until(lambda: our_threads() <= threads, timeout=5.0)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of every module that has two sizes, so that ``-m endurance`` finds them."""
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item.module, "sized"):
            item.add_marker(pytest.mark.endurance)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Let ``-m services`` and ``-m endurance`` pass, and say so, while no test carries the mark."""
    wanted = session.config.getoption("markexpr")
    if exitstatus == pytest.ExitCode.NO_TESTS_COLLECTED and wanted in ("services", "endurance"):
        print(f"\nno test carries the mark {wanted!r}: nothing to run")
        session.exitstatus = pytest.ExitCode.OK
