"""Applies a configuration by stdlib's own ``dictConfig``, once all of it was checked."""

from __future__ import annotations

import re
from collections.abc import Mapping

from ..exceptions import ConfigurationError
from .checking import check_config
from .files import Source, load_config

__all__ = ["apply_config"]

_UNABLE = re.compile(r"Unable to configure handler '(.+)'")  # dictConfig's words


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
        raise ConfigurationError(problems)
    config.setdefault("disable_existing_loggers", False)
    from logging.config import dictConfig  # costs 20 ms, so only who configures through us pays

    try:
        dictConfig(config)
    except ValueError as error:
        raise ConfigurationError(_causes(error)) from error
    handlers = config.get("handlers", {})
    return list(handlers) if isinstance(handlers, Mapping) else []


def _causes(error: BaseException) -> list[str]:
    """Return what dictConfig stopped at, by its path where a handler of ours says what is wrong."""
    parts: list[str] = []
    path = "handlers"
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, ConfigurationError):
            return [f"{path}.{problem.partition('.')[2]}" for problem in link.problems]
        text = str(link) or type(link).__name__
        if match := _UNABLE.fullmatch(text):
            path = f"handlers.{match[1]}"
        if text not in parts:
            parts.append(text)
        link = link.__cause__
    return [": ".join(parts)]
