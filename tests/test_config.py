"""Configuration: every problem at once, each with its path and cure."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from zotify_logging import ConfigurationError, LoggingService, registry
from zotify_logging.config import apply_config, check_config, load_config
from zotify_logging.config.files import MAX_BYTES


def config(tmp_path: Path, **handler: object) -> dict[str, object]:
    app = {
        "class": "zotify_logging.FileStreamHandler",
        "filename": str(tmp_path / "app.log"),
        **handler,
    }
    return {
        "version": 1,
        "handlers": {"app": app},
        "loggers": {"configured": {"handlers": ["app"], "level": "INFO"}},
    }


def test_a_misspelt_option_is_named_with_its_path(tmp_path: Path) -> None:
    """Path, rule and near match, and no file is made."""
    assert check_config(config(tmp_path, max_byte="10 MB")) == [
        "handlers.app.max_byte: unknown option; did you mean max_bytes?"
    ]
    assert list(tmp_path.iterdir()) == []


def test_every_problem_is_found_at_once(tmp_path: Path) -> None:
    """Sections, levels, names, classes and options of all handlers."""
    wrong: dict[str, object] = {
        "version": 2,
        "handlres": {},
        "formatters": {"plain": {}},
        "filters": {"some": {}},
        "handlers": {
            "app": {"class": "zotify_logging.FileStreamHandler", "keep": -1, "fielname": "x"},
            "db": {"class": "zotify_logging.DatabaseJobLogHandlr"},
            "gone": {"class": "no_such_package.Handler"},
            "none": {"formatter": "plian", "level": "LOUD", "filters": ["smoe"]},
            "text": "app",
        },
        "loggers": {
            "a": {"handlers": ["ap"], "levle": "INFO", "level": "info"},
            "b": {"handlers": "app"},
            "c": "app",
        },
        "root": {"filters": ["nothing"]},
    }
    assert set(check_config(wrong)) == {
        "handlres: unknown section; did you mean handlers?",
        "version: must be 1, is 2",
        "handlers.app.filename: is required",
        "handlers.app.keep: -1 is below the minimum of 0",
        "handlers.app.fielname: unknown option; did you mean filename?",
        "handlers.db.class: cannot load 'zotify_logging.DatabaseJobLogHandlr':"
        " zotify_logging has no DatabaseJobLogHandlr; did you mean DatabaseJobLogHandler?",
        "handlers.gone.class: cannot load 'no_such_package.Handler':"
        " No module named 'no_such_package'",
        "handlers.none: needs a class, such as zotify_logging.FileStreamHandler",
        "handlers.none.formatter: no formatter named 'plian'; did you mean plain?",
        "handlers.none.level: 'LOUD' is not a level",
        "handlers.none.filters: no filter named 'smoe'; did you mean some?",
        "handlers.text: must be a mapping, not str",
        "loggers.a.handlers: no handler named 'ap'; did you mean app?",
        "loggers.a.levle: unknown option; did you mean level?",
        "loggers.a.level: 'info' is not a level; did you mean INFO?",
        "loggers.b.handlers: 'app' is not a list of names; write it as ['app']",
        "loggers.c: must be a mapping, not str",
        "root.filters: no filter named 'nothing'",
    }


TOML = """
version = 1
[handlers.app]
class = "zotify_logging.FileStreamHandler"
filename = "{0}/app.log"
[loggers.configured]
level = "INFO"
handlers = ["app"]
"""
YAML = """
version: 1
handlers:
  app: {{class: zotify_logging.FileStreamHandler, filename: "{0}/app.log"}}
loggers:
  configured: {{level: INFO, handlers: [app]}}
"""


@pytest.mark.parametrize("kind", ["toml", "json", "yaml", "YML", "mapping"])
def test_all_kinds_of_files_are_applied(tmp_path: Path, kind: str) -> None:
    """The handler writes, and loggers that were there stay enabled."""
    before = logging.getLogger("before")
    path = tmp_path / f"logging.{kind}"
    if kind != "mapping":
        texts = {"toml": TOML.format(tmp_path), "json": json.dumps(config(tmp_path))}
        path.write_text(texts.get(kind) or YAML.format(tmp_path))
    assert apply_config(config(tmp_path) if kind == "mapping" else path) == ["app"]
    logging.getLogger("configured").info("written")
    assert (tmp_path / "app.log").read_text().endswith("INFO configured written\n")
    assert before.disabled is False and "app" in registry.names()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("a.toml", b"version = \n", "line 1"),
        ("a.json", b"{", "line 1"),
        ("a.yaml", b"a: [", "line 1"),
        (
            "b.yaml",
            b"a: 1\nb: [2\nc: 3\n",
            "expected ',' or ']', but got ':' (at line 3, column 2)",
        ),
        ("c.yaml", b"a: \x00", "special characters are not allowed"),
        ("a.json", b"[" * 100_000, "is nested too deeply"),
        ("a.json", b"[]", "must hold a mapping"),
        ("a.toml", b"\xff", "utf-8"),
        ("a.ini", b"", "unknown kind of file"),
        ("missing.toml", None, "No such file"),
    ],
)
def test_a_file_that_cannot_be_read_says_where(
    tmp_path: Path, name: str, content: bytes | None, says: str
) -> None:
    """One kind of error, whatever is wrong with the file."""
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(ConfigurationError, match=name) as caught:
        load_config(tmp_path / name)
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_only_regular_files_of_some_length_are_read(tmp_path: Path) -> None:
    """A pipe to which nobody writes and a device without end are refused, not waited for."""
    os.mkfifo(tmp_path / "pipe.json")
    (tmp_path / "zero.toml").symlink_to("/dev/zero")
    (tmp_path / "long.json").write_bytes(b" " * (MAX_BYTES + 1))
    (tmp_path / "folder.yaml").mkdir()
    for name, says in (
        ("pipe.json", "is no regular file"),
        ("zero.toml", "is no regular file"),
        ("long.json", f"is longer than {MAX_BYTES} bytes"),
        ("folder.yaml", "cannot be read: Is a directory"),
    ):
        with pytest.raises(ConfigurationError, match=f"{name}: {says}"):
            load_config(tmp_path / name)


def test_a_missing_version_is_told_with_what_to_write(tmp_path: Path) -> None:
    """At no line: there is none, and a key of that name elsewhere is another thing."""
    path = tmp_path / "a.yaml"
    path.write_text("formatters:\n  a:\n    version: 2\n")
    with pytest.raises(ConfigurationError) as caught:
        apply_config(path)
    assert caught.value.problems[0] == (
        f'{path}: version: is required; write version = 1 (YAML: version: 1, JSON: "version": 1)'
    )


def test_a_wrong_configuration_changes_nothing(tmp_path: Path) -> None:
    """The tree that was there goes on writing."""
    apply_config(config(tmp_path))
    with pytest.raises(ConfigurationError, match="did you mean max_bytes"):
        apply_config(config(tmp_path, max_byte=1))
    logging.getLogger("configured").info("still here")
    assert "still here" in (tmp_path / "app.log").read_text()


def test_what_shows_only_at_opening_is_an_error_of_ours_too(tmp_path: Path) -> None:
    """A path that is a folder names itself."""
    with pytest.raises(ConfigurationError) as caught:
        apply_config(config(tmp_path, filename=str(tmp_path)))
    assert "app" in str(caught.value) and str(tmp_path) in str(caught.value)


def test_a_misspelt_target_is_found(tmp_path: Path) -> None:
    """failover and dispatch name handlers, so a name that nobody has is a problem by its path."""
    config = {
        "version": 1,
        "handlers": {
            "app": {
                "class": "zotify_logging.FileStreamHandler",
                "filename": str(tmp_path / "app.log"),
                "failover": "bakcup",
            },
            "backup": {
                "class": "zotify_logging.FileStreamHandler",
                "filename": str(tmp_path / "backup.log"),
            },
            "both": {"class": "zotify_logging.LoggingService", "dispatch": ["app", "aduit"]},
        },
    }
    assert check_config(config) == [
        "handlers.app.failover: no handler named 'bakcup'; did you mean backup?",
        "handlers.both.dispatch: no handler named 'aduit'",
    ]


def test_what_opening_finds_is_said_once_by_its_path(tmp_path: Path) -> None:
    """dictConfig's own wording around it is left out."""
    (tmp_path / "file").write_text("")
    config = {
        "version": 1,
        "handlers": {
            "app": {
                "class": "zotify_logging.FileStreamHandler",
                "filename": str(tmp_path / "file" / "app.log"),
            }
        },
    }
    with pytest.raises(ConfigurationError) as caught:
        apply_config(config)
    assert caught.value.problems == (
        f"handlers.app.filename: cannot open '{tmp_path}/file/app.log': '{tmp_path}/file' is a"
        " file; name a folder in its place",
    )


def test_references_are_left_to_dictconfig(tmp_path: Path) -> None:
    """ext:// stands for a value, so nothing is missing and nothing is judged."""
    assert check_config(config(tmp_path, filename="ext://os.devnull", keep="cfg://keep")) == []
    factory = {"handlers": {"x": {"()": "ext://logging.NullHandler"}}, "version": 1}
    assert check_config(factory) == []
    nested = {"handlers": {"x": {"class": "logging.handlers.MemoryHandler"}}, "version": 1}
    assert check_config(nested) == []


def test_an_incremental_configuration_needs_no_classes() -> None:
    """It changes levels of what is there."""
    change = {"version": 1, "incremental": True, "handlers": {"app": {"level": "DEBUG"}}}
    assert check_config(change) == []


def test_applied_five_times_the_mapping_stays_as_it_is(tmp_path: Path) -> None:
    """dictConfig consumes copies, and each record is written once."""
    mapping = config(tmp_path)
    before = json.dumps(mapping)
    for number in range(5):
        apply_config(mapping)
        logging.getLogger("configured").info("round %d", number)
    assert json.dumps(mapping) == before
    assert len((tmp_path / "app.log").read_text().splitlines()) == 5


WRONG_TOML = """version = 1
[handlers.app]
class = "zotify_logging.FileStreamHandler"
max_byte = 1
[handlers.db]
class = "zotify_logging.FileStreamHandler"
filename = "x"
keep = -1
[root]
handlers = ["ap"]
"""
WRONG_JSON = """{
  "version": 1,
  "handlers": {
    "app": {"class": "zotify_logging.FileStreamHandler",
            "max_byte": 1},
    "db": {"class": "zotify_logging.FileStreamHandler", "filename": "x",
           "keep": -1}
  },
  "root": {"handlers": ["ap"]}
}
"""
WRONG_YAML = """version: 1
handlers:
  app:
    class: zotify_logging.FileStreamHandler
    max_byte: 1
  db: {class: zotify_logging.FileStreamHandler, filename: x,
       keep: -1}
root:
  handlers: [ap]
"""


@pytest.mark.parametrize(
    ("kind", "text", "lines"),
    [
        ("toml", WRONG_TOML, (2, 4, 8, 10)),
        ("json", WRONG_JSON, (4, 5, 7, 9)),
        ("yaml", WRONG_YAML, (3, 5, 7, 8)),
    ],
)
@pytest.mark.parametrize("how", [apply_config, LoggingService.from_config])
def test_what_is_wrong_in_a_file_is_told_with_file_and_line(
    tmp_path: Path,
    kind: str,
    text: str,
    lines: tuple[int, ...],
    how: Callable[[Path], object],
) -> None:
    """The line of the option, or that of what it should stand in; never a wrong one."""
    path = tmp_path / f"logging.{kind}"
    path.write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        how(path)
    problems = [
        "handlers.app.filename: is required",
        "handlers.app.max_byte: unknown option; did you mean max_bytes?",
        "handlers.db.keep: -1 is below the minimum of 0",
        "root.handlers: no handler named 'ap'; did you mean app?",
    ]
    assert list(caught.value.problems) == [
        f"{path}:{line}: {problem}" for line, problem in zip(lines, problems, strict=True)
    ]


def test_a_line_that_cannot_be_told_is_left_out(tmp_path: Path) -> None:
    """Rather none than one of two."""
    path = tmp_path / "logging.toml"
    path.write_text(
        "version = 1\n"
        "handlers.a = {class = 'zotify_logging.FileStreamHandler', keep = -1, filename = 'x'}\n"
        "handlers.b = {class = 'zotify_logging.FileStreamHandler', keep = 0, filename = 'y'}\n"
    )
    with pytest.raises(ConfigurationError) as caught:
        apply_config(path)
    assert caught.value.problems == (f"{path}: handlers.a.keep: -1 is below the minimum of 0",)
