"""Reads a configuration from a TOML, JSON or YAML file."""

from __future__ import annotations

import errno
import json
import os
import stat
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from ..exceptions import ConfigurationError, MissingDependencyError

__all__ = ["MAX_BYTES", "Source", "load_config"]

MAX_BYTES = 4_194_304
"""Bytes of a configuration that are read; a longer file is none."""

Source = Mapping[str, object] | str | os.PathLike[str]


def load_config(source: Source) -> dict[str, object]:
    """Return the configuration as a mapping.

    Args:
        source: a mapping, or the path of a ``.toml``, ``.json``, ``.yaml`` or ``.yml`` file.

    Raises:
        ConfigurationError: the file cannot be read or is no mapping; names file, place and cure.
        MissingDependencyError: a YAML file without the ``yaml`` extra.
    """
    if isinstance(source, Mapping):
        return dict(source)
    path = Path(source)
    parse = _parser(path)
    try:
        loaded = parse(_read(path).decode("utf-8"))
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read: {error.strerror}"]) from error
    except RecursionError:
        raise ConfigurationError([f"{path}: is nested too deeply"]) from None
    except ValueError as error:  # TOMLDecodeError and JSONDecodeError say line and column
        raise ConfigurationError([f"{path}: {error}"]) from error
    if not isinstance(loaded, dict):
        raise ConfigurationError([f"{path}: must hold a mapping, not {type(loaded).__name__}"])
    return loaded


def _read(path: Path) -> bytes:
    """Read a regular file whole; a pipe or device, which may have no end, is not begun with."""
    # Opened without waiting: of a pipe nobody may ever write to.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as stream:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
        if not stat.S_ISREG(mode):
            raise ValueError("is no regular file; name the file that holds the configuration")
        data = stream.read(MAX_BYTES + 1)
    if len(data) > MAX_BYTES:
        raise ValueError(f"is longer than {MAX_BYTES} bytes; name a file of a configuration")
    return data


def _parser(path: Path) -> Callable[[str], object]:
    kind = path.suffix.lower()
    if kind == ".toml":
        return tomllib.loads
    if kind == ".json":
        return json.loads
    if kind in (".yaml", ".yml"):
        return _load_yaml
    raise ConfigurationError([f"{path}: unknown kind of file; name it .toml, .json or .yaml"])


def _load_yaml(text: str) -> object:
    try:
        import yaml
    except ImportError:
        raise MissingDependencyError("a YAML configuration", "PyYAML", "yaml") from None
    try:
        return yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = "" if mark is None else f" (at line {mark.line + 1}, column {mark.column + 1})"
        said = ", ".join(filter(None, (error.context, error.problem)))
        raise ValueError(f"{said}{place}") from error
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error
