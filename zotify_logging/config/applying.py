"""Applies a configuration by stdlib's own ``dictConfig``, once all of it was checked."""

from __future__ import annotations

from collections.abc import Mapping

from .checking import check_config
from .files import Source, load_config
from .places import placed_in
from .problems import problems_of

__all__ = ["apply_config"]


def apply_config(source: Source) -> list[str]:
    """Check a configuration, apply it, and return the names of its handlers.

    Raises:
        ConfigurationError: everything that is wrong with it, at once; nothing was changed if the
            check found it. What only shows at opening (a folder that cannot be written) is found by
            ``dictConfig`` itself, which stops there.
    """
    config = load_config(source)
    problems = check_config(config)
    if problems:
        raise placed_in(source, problems)
    config.setdefault("disable_existing_loggers", False)
    from logging.config import dictConfig  # costs 20 ms, so only who configures through us pays

    try:
        dictConfig(config)
    except ValueError as error:
        raise placed_in(source, problems_of(error, "handlers")) from error
    handlers = config.get("handlers", {})
    return list(handlers) if isinstance(handlers, Mapping) else []
