"""Settings: sources, near matches, and the rules of the chosen key."""

from __future__ import annotations

from pathlib import Path

import pytest

from zotify_api.settings import Settings, SettingsError, load_settings


@pytest.fixture(autouse=True)
def empty_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ``zotify.toml`` and no ``ZOTIFY_*`` but the test's own."""
    import os

    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith("ZOTIFY_"):
            monkeypatch.delenv(name)


def test_no_configuration_is_needed() -> None:
    """Without any source the defaults serve on localhost from ./zotify-data."""
    settings = load_settings()
    assert (settings.host, settings.port) == ("127.0.0.1", 8000)
    assert settings.data_dir == Path("zotify-data")
    assert settings.own_database_url == "sqlite:///zotify-data/api.db"


def test_environment_wins_over_file_and_code_over_both(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Sources are asked in order: code, environment, zotify.toml."""
    (tmp_path / "zotify.toml").write_text('port = 1111\nhost = "0.0.0.0"\nmax_streams = 7\n')
    monkeypatch.setenv("ZOTIFY_PORT", "2222")
    settings = load_settings(host="127.0.0.9")
    assert (settings.port, settings.host, settings.max_streams) == (2222, "127.0.0.9", 7)


def test_misspelt_names_are_refused_with_the_nearest_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A name nobody knows is an error in both sources, and all are told at once."""
    (tmp_path / "zotify.toml").write_text("max_steams = 7\n")
    monkeypatch.setenv("ZOTIFY_DATADIR", "x")
    with pytest.raises(SettingsError) as caught:
        load_settings()
    text = str(caught.value)
    assert "environment: ZOTIFY_DATADIR: unknown setting; did you mean ZOTIFY_DATA_DIR?" in text
    assert "zotify.toml: max_steams: unknown setting; did you mean max_streams?" in text


@pytest.mark.parametrize(
    ("key", "rule"),
    [
        ("short", "has 5 characters; use 20 or more"),
        ("nineteen-characters", "has 19 characters"),
        ("twenty-two-characters\x07", "printable"),
        ("a key with some spaces in it", "without spaces"),
        ("schlüssel-mit-umlaut-äöü", "printable ASCII"),
    ],
)
def test_a_weak_or_unsendable_key_is_refused_without_being_shown(
    key: str, rule: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The message names the variable and the rule, never the key."""
    monkeypatch.setenv("ZOTIFY_API_KEY", key)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "ZOTIFY_API_KEY" in str(caught.value)
    assert rule in str(caught.value)
    assert key not in str(caught.value)


def test_the_key_is_not_in_the_representation(monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings can be printed without showing the key."""
    monkeypatch.setenv("ZOTIFY_API_KEY", "k" * 32)
    assert "k" * 32 not in repr(load_settings())


def test_wrong_values_name_their_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several wrong values are told at once, each with its variable."""
    monkeypatch.setenv("ZOTIFY_PORT", "99999")
    monkeypatch.setenv("ZOTIFY_TRUSTED_PROXIES", '["proxy.example"]')
    with pytest.raises(SettingsError) as caught:
        load_settings()
    assert "ZOTIFY_PORT: " in str(caught.value)
    assert "ZOTIFY_TRUSTED_PROXIES: 'proxy.example' is not an address" in str(caught.value)


def test_a_broken_file_is_named(tmp_path: Path) -> None:
    """TOML that cannot be parsed is an error of the file, not a traceback."""
    (tmp_path / "zotify.toml").write_text("port = \n")
    with pytest.raises(SettingsError, match=r"zotify\.toml: cannot be read"):
        load_settings()


def test_every_setting_is_documented() -> None:
    """Each field says what it means."""
    undocumented = [name for name, field in Settings.model_fields.items() if not field.description]
    assert undocumented == []
