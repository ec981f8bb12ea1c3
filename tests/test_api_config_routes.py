"""The configuration over HTTP: closed, typed, persistent, audited."""

from __future__ import annotations

from pathlib import Path

import pytest
from api_server import serving


def test_configuration_from_default_to_restart(tmp_path: Path) -> None:
    """Defaults, a change, what cannot be, what is audited, and what a restart finds."""
    library = tmp_path / "music"
    library.mkdir()
    (tmp_path / "a file").write_text("")
    with serving(tmp_path / "data") as server, server.client() as client:
        assert client.get("/api/config").json() == {
            "library_path": None,
            "scan_on_startup": False,
        }
        patched = client.patch("/api/config", json={"library_path": f"{library}/"})
        assert patched.json() == {"library_path": str(library), "scan_on_startup": False}

        for body, named in [
            ({"library_path": str(tmp_path / "missing")}, "library_path"),
            ({"library_path": str(tmp_path / "a file")}, "library_path"),
            ({"library_path": "music"}, "library_path"),
            ({"library_path": "/\0"}, "library_path"),
            ({"library_path": ""}, "library_path"),
            ({"library_path": 7}, "library_path"),
            ({"scan_on_startup": "yes"}, "scan_on_startup"),
            ({"scan_on_startup": None}, "scan_on_startup"),
            ({"libary_path": str(library)}, "libary_path"),
            ({"scan_on_startup": True, "class": "os.system"}, "class"),
        ]:
            refused = client.patch("/api/config", json=body)
            assert refused.status_code == 422, (body, refused.text)
            assert [problem["name"] for problem in refused.json()["errors"]] == [named]
        assert client.patch("/api/config", json=[1]).status_code == 422
        assert client.get("/api/config").json()["scan_on_startup"] is False

        client.patch("/api/config", json={"scan_on_startup": False})  # changes nothing
        events = client.get("/api/logs/audit?event_type=config.update&outcome=success").json()
        (event,) = events["events"]
        assert event["details"]["old"] == {"library_path": None}
        assert event["details"]["new"] == {"library_path": str(library)}
        assert event["user_id"] == "admin"
    with serving(tmp_path / "data") as server, server.client() as client:
        assert client.get("/api/config").json()["library_path"] == str(library)


@pytest.mark.parametrize("path", ["/etc/zotify-nonsense", "relative/path"])
def test_the_message_names_value_and_rule(tmp_path: Path, path: str) -> None:
    """A person can act on it."""
    from zotify_api.db.config_store import ConfigStore
    from zotify_api.db.database import Database
    from zotify_api.models.config import ConfigPatch
    from zotify_api.services.config_service import ConfigService, ConfigValueError

    database = Database(f"sqlite:///{tmp_path / 'api.db'}")
    try:
        with pytest.raises(ConfigValueError, match=path):
            ConfigService(ConfigStore(database)).change(
                ConfigPatch.model_validate({"library_path": path})
            )
    finally:
        database.close()
