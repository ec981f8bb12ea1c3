"""Handlers of other distributions, installed for real: found by name, loaded when used."""

from __future__ import annotations

import logging
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from zotify_logging import ConfigurationError, LoggingService, UnknownNameError
from zotify_logging.config import check_config, factory_names, find_factory

MODULE = """
from zotify_logging import BaseLogHandler
from zotify_logging.options import OptionReader

class Handler(BaseLogHandler):
    def __init__(self, *, colour="red", **options):
        reader = OptionReader(type(self).__name__)
        self.colour = reader.choice("colour", colour, ("red", "blue"))
        super().__init__(reader=reader, **options)
        self.messages = []

    def write(self, entries):
        self.messages += [entry.message for entry in entries]

def null():
    import logging
    return logging.NullHandler()

constant = 5
"""

Install = Callable[..., None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a distribution that announces handlers, as pip would."""

    def installed(distribution: str, **entries: str) -> None:
        module = distribution.replace("-", "_")
        folder = tmp_path / distribution
        metadata = folder / f"{module}-1.0.dist-info"
        metadata.mkdir(parents=True)
        (folder / f"{module}.py").write_text(MODULE)
        (metadata / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n"
        )
        lines = [f"{name} = {value}" for name, value in entries.items()]
        (metadata / "entry_points.txt").write_text(
            "\n".join(["[zotify_logging.handlers]", *lines, ""])
        )
        monkeypatch.syspath_prepend(folder)
        monkeypatch.delitem(sys.modules, module, raising=False)

    return installed


def test_a_configuration_names_it_as_its_class(install: Install) -> None:
    """In from_config and in reconfigure, with options like any other."""
    install("paper-handler", paper="paper_handler:Handler")
    assert "paper" in factory_names()
    config = {
        "version": 1,
        "handlers": {"out": {"class": "paper", "colour": "blue", "level": "INFO"}},
        "loggers": {"papers": {"handlers": ["out"], "level": "DEBUG"}},
    }
    service = LoggingService.from_config(config)
    logging.getLogger("papers").info("printed")
    assert service.statistics()["out"].written == 1
    config["handlers"] = {"out": {"class": "paper", "colour": "red"}}
    assert str(service.reconfigure(config)).startswith("~ handler out: colour: 'blue' -> 'red'")


def test_a_service_makes_it_by_name(install: Install) -> None:
    """register() takes the name and the options, and returns the handler under its own name."""
    install("paper-handler", paper="paper_handler:Handler")
    service = LoggingService()
    handler = service.register("out", "paper", colour="blue")
    assert service.get("out") is handler and getattr(handler, "name", None) == "out"
    with pytest.raises(ConfigurationError, match="is registered already"):
        service.register("out", "paper")


def test_wrong_options_are_told_by_the_handlers_name(install: Install) -> None:
    """All of them, as the handler has them."""
    install("paper-handler", paper="paper_handler:Handler")
    with pytest.raises(ConfigurationError) as caught:
        LoggingService().register("out", "paper", colour="green", clour=1)
    assert caught.value.problems == (
        "out.colour: 'green' is not one of red, blue",
        "out.clour: unknown option; did you mean colour?",
    )


def test_an_unknown_name_has_near_matches(install: Install) -> None:
    """And without any the error says what is installed."""
    install("paper-handler", paper="paper_handler:Handler")
    with pytest.raises(UnknownNameError, match="did you mean paper"):
        LoggingService().register("out", "papr")
    with pytest.raises(UnknownNameError, match="installed: .*paper"):
        find_factory("xyzzy")
    (problem,) = check_config({"version": 1, "handlers": {"out": {"class": "papr"}}})
    assert problem.startswith("handlers.out.class: cannot load 'papr'")
    assert problem.endswith("did you mean paper?")


def test_what_cannot_be_used_says_whose_it_is(install: Install) -> None:
    """Not there, not to be called, without a ledger; the others of that distribution work."""
    install(
        "paper-handler",
        gone="paper_handler:Gone",
        number="paper_handler:constant",
        null="paper_handler:null",
        paper="paper_handler:Handler",
    )
    with pytest.raises(ConfigurationError, match="'gone' of paper-handler cannot be loaded"):
        find_factory("gone")
    with pytest.raises(ConfigurationError, match="'number' of paper-handler .* cannot be called"):
        find_factory("number")
    with pytest.raises(ConfigurationError, match="NullHandler has no ledger"):
        LoggingService().register("out", "null")
    assert find_factory("paper").__name__ == "Handler"


def test_one_name_of_two_distributions_is_ambiguous(install: Install) -> None:
    """Neither wins by chance; the error names both, and how to say which."""
    install("paper-handler", paper="paper_handler:Handler")
    install("rock-handler", paper="rock_handler:Handler")
    with pytest.raises(ConfigurationError) as caught:
        find_factory("paper")
    assert caught.value.problems == (
        "'paper' is announced by several distributions: paper-handler (paper_handler:Handler),"
        " rock-handler (rock_handler:Handler); write package.Class",
    )


def test_metadata_is_read_only_when_a_name_is_looked_up() -> None:
    """A service without such names does not pay for it."""
    code = (
        "import sys; from zotify_logging import LoggingService;"
        "s = LoggingService.from_config({'version': 1, 'handlers': {'n':"
        " {'class': 'logging.NullHandler'}}}); print('importlib.metadata' in sys.modules)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (result.stdout, result.stderr) == ("False\n", "")
