"""Settings from the environment (``ZOTIFY_*``) and ``zotify.toml``, each with meaning and default.

The environment wins over the file. A name that nobody knows is refused in both, with the nearest
name that exists: a misspelt setting must not silently keep its default.
"""

from __future__ import annotations

import difflib
import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

__all__ = ["MIN_API_KEY", "Settings", "SettingsError", "load_settings"]

MIN_API_KEY = 20
"""Characters in ``ZOTIFY_API_KEY``, at least."""

_URLS = "write it as sqlite:///folder/file.db or postgresql+psycopg://user:password@host/name"

_PREFIX = "ZOTIFY_"
_FILE = "zotify.toml"


class SettingsError(Exception):
    """Settings that cannot be used; ``problems`` names each with place, value, rule and cure."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(problems))


class Settings(BaseSettings):
    """Everything that can be set, with defaults that need no configuration.

    As environment variables the names are upper case after ``ZOTIFY_`` (``ZOTIFY_DATA_DIR``); in
    ``zotify.toml`` they are written as here. Lists are JSON in the environment.
    """

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, extra="forbid", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(
        Path("zotify-data"),
        description="Folder of the database, log files and keys; created with mode 0700.",
    )
    host: str = Field("127.0.0.1", min_length=1, description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(
        1, ge=1, le=64, description="Processes that serve; limits of streams and keys are each's."
    )
    database_url: str | None = Field(
        None,
        description="SQLAlchemy URL of the API's own tables; default is api.db in the data folder.",
    )
    job_log_url: str | None = Field(
        None,
        description="SQLAlchemy URL of the job logs; default logs/job_logs.db in the data folder.",
    )
    api_key: SecretStr | None = Field(
        None,
        description="A key chosen by you, beside the stored ones and never stored: printable"
        " text of 20 characters or more. It has the scopes admin and audit:read.",
    )
    trusted_proxies: list[str] = Field(
        default_factory=list,
        description="Addresses or networks whose X-Forwarded-For is believed; default none.",
    )
    max_streams: int = Field(
        100, ge=1, description="Log streams open at once in this process; then 429."
    )
    streams_per_key: int = Field(
        5, ge=1, description="Log streams open at once with one key; then 429."
    )
    stream_max_age: float = Field(
        3600.0,
        gt=0,
        description="Seconds after which a stream ends cleanly, give or take 10 %.",
    )
    stream_send_timeout: float = Field(
        30.0, gt=0, description="Seconds that one send to a reader may take before it is cut."
    )
    wrong_keys_per_minute: int = Field(
        30, ge=1, description="Wrong keys from one address in a minute before they get 429."
    )
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"] = Field(
        "INFO", description="Least level of the system log."
    )
    log_format: Literal["json", "text"] = Field(
        "json", description="Lines of the system log: JSON with all fields, or text without."
    )

    @field_validator("api_key")
    @classmethod
    def _check_api_key(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        key = value.get_secret_value()
        if not (key.isascii() and key.isprintable()) or " " in key:
            raise ValueError("must be printable ASCII without spaces, to fit in an HTTP header")
        if len(key) < MIN_API_KEY:
            raise ValueError(
                f"has {len(key)} characters; use {MIN_API_KEY} or more, for example the output of:"
                " python -c 'import secrets; print(secrets.token_urlsafe(32))'"
            )
        return value

    @field_validator("database_url", "job_log_url")
    @classmethod
    def _check_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parsed = make_url(value)
        except (ArgumentError, ValueError):
            # Not shown: it may hold a password that no parser could find.
            raise ValueError(f"is not a database URL; {_URLS}") from None
        try:
            parsed.get_dialect()
        except NoSuchModuleError:
            raise ValueError(
                f"there is no kind of database {parsed.drivername!r}; {_URLS}"
            ) from None
        except ImportError:
            pass  # the driver; whoever opens it names the extra that brings it
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _check_proxies(cls, value: list[str]) -> list[str]:
        for item in value:
            try:
                ipaddress.ip_network(item, strict=False)
            except ValueError:
                raise ValueError(
                    f"{item!r} is not an address or network such as 10.0.0.0/8"
                ) from None
        return value

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order the sources: given by code, then the environment, then the file."""
        return (init_settings, env_settings, InitSettingsSource(settings_cls, _read_file()))

    @property
    def logs_dir(self) -> Path:
        """Folder of the three logs."""
        return self.data_dir / "logs"

    @property
    def system_log(self) -> Path:
        """The main log, followed by ``GET /api/logs/system/stream``."""
        return self.logs_dir / "system.log"

    @property
    def audit_trail(self) -> Path:
        """The audit trail's live file."""
        return self.logs_dir / "audit.jsonl"

    @property
    def admin_key_file(self) -> Path:
        """Where the key made at first start is written, mode 0600."""
        return self.data_dir / "admin.key"

    @property
    def run_dir(self) -> Path:
        """Where workers publish their handlers, and lock files of running jobs lie."""
        return self.data_dir / "run"

    @property
    def control_file(self) -> Path:
        """What was changed of handlers and loggers at run time, for all workers."""
        return self.data_dir / "control.json"

    @property
    def own_database_url(self) -> str:
        """SQLAlchemy URL of the API's own tables."""
        return self.database_url or f"sqlite:///{self.data_dir / 'api.db'}"

    @property
    def job_database_url(self) -> str:
        """SQLAlchemy URL of the job logs."""
        return self.job_log_url or f"sqlite:///{self.logs_dir / 'job_logs.db'}"


def load_settings(**given: object) -> Settings:
    """Read all sources; what is ``given`` by code (not ``None``) wins.

    Raises:
        SettingsError: unknown names or wrong values, all of them at once. Never shows a key.
    """
    problems = _unknown_names("environment", os.environ, _PREFIX)
    try:
        problems += _unknown_names(_FILE, _read_file(), "")
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError([f"{_FILE}: cannot be read: {error}"]) from None
    try:
        chosen = {name: value for name, value in given.items() if value is not None}
        settings = Settings(**chosen)  # type: ignore[arg-type]  # it validates
    except ValidationError as error:
        for finding in error.errors(include_url=False, include_input=False, include_context=False):
            if finding["type"] == "extra_forbidden":
                continue  # already named with its near match
            name = str(finding["loc"][0]) if finding["loc"] else "settings"
            problems.append(f"{_where(name)}: {finding['msg'].removeprefix('Value error, ')}")
        raise SettingsError(problems or [str(error)]) from None
    except ValueError as error:  # a list that is not JSON in the environment
        raise SettingsError([*problems, str(error)]) from None
    if problems:
        raise SettingsError(problems)
    return settings


def _where(name: str) -> str:
    variable = _PREFIX + name.upper()
    return variable if variable in os.environ else f"{name} ({variable} or {_FILE})"


def _read_file() -> dict[str, object]:
    path = Path(_FILE)
    if not path.exists():
        return {}
    with path.open("rb") as file:
        return tomllib.load(file)


def _unknown_names(place: str, names: Mapping[str, object], prefix: str) -> list[str]:
    known = [prefix + (name.upper() if prefix else name) for name in Settings.model_fields]
    problems = []
    for name in names:
        if name.startswith(prefix) and name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"; did you mean {near[0]}?" if near else f"; known are {', '.join(known)}"
            problems.append(f"{place}: {name}: unknown setting{hint}")
    return problems
