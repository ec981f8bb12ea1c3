"""Reads a configuration from a TOML, JSON or YAML file."""

from __future__ import annotations

import json
import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path

from ..exceptions import ConfigurationError, MissingDependencyError

__all__ = ["Source", "load_config"]

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
        loaded = parse(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigurationError([f"{path}: cannot be read: {error.strerror}"]) from error
    except ValueError as error:  # TOMLDecodeError and JSONDecodeError say line and column
        raise ConfigurationError([f"{path}: {error}"]) from error
    if not isinstance(loaded, dict):
        raise ConfigurationError([f"{path}: must hold a mapping, not {type(loaded).__name__}"])
    return loaded


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
    except yaml.YAMLError as error:
        raise ValueError(str(error)) from error
