"""Extensions over HTTP: listed for everybody, changed from this machine alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.testclient import TestClient

CHANGES = {
    "enable": {"name": "wisher", "is_on": False},
    "add": {"source": "/tmp"},
    "install": {"name": "wisher"},
    "remove": {"name": "wisher"},
}


@pytest.fixture
def wisher(tmp_path: Path) -> Path:
    """A built-in one: with one of the person's own, the page would be built too."""
    folder = tmp_path / "extensions-builtin" / "wisher"
    (folder / "scripts").mkdir(parents=True)
    (folder / "scripts" / "bad.py").write_text("import no_such_module")
    (folder / "metadata.ini").write_text("[Extension]\nRequires = other")
    return folder


def listed(client: TestClient) -> dict[str, dict[str, object]]:
    return {entry["name"]: entry for entry in client.get("/api/extensions").json()["extensions"]}


def test_extensions_are_listed_with_what_is_broken(make_client: Callable[..., TestClient], wisher: Path) -> None:
    client = make_client()
    client.get("/sdapi/v1/scripts")
    (entry,) = client.get("/sdapi/v1/extensions").json()
    assert entry["name"] == "wisher" and entry["enabled"] is True
    assert entry.keys() == {"name", "remote", "branch", "commit_hash", "version", "commit_date", "enabled"}
    told = listed(client)["wisher"]
    assert told["missing"] == ["other"] and told["is_running"] and not told["has_installer"]
    assert [(part["file"], part["stage"]) for part in told["broken"]] == [("bad.py", "import")]  # type: ignore[index,attr-defined]


def test_a_switch_takes_effect_at_the_next_start(make_client: Callable[..., TestClient], wisher: Path) -> None:
    client = make_client()
    assert client.post("/api/extensions/enable", json={"name": "wisher", "is_on": False}).status_code == 200
    told = listed(client)["wisher"]
    assert (told["is_enabled"], told["is_running"], told["state"]) == (False, True, "disabled")
    assert client.get("/sdapi/v1/options").json()["disabled_extensions"] == ["wisher"]
    told = listed(make_client())["wisher"]
    assert (told["is_enabled"], told["is_running"]) == (False, False)
    assert client.post("/api/extensions/enable", json={"name": "wisher", "is_on": True}).status_code == 200
    assert listed(client)["wisher"]["state"] == "enabled"
    unknown = client.post("/api/extensions/enable", json={"name": "../wisher", "is_on": False})
    assert unknown.status_code == 422 and "wisher" in unknown.json()["detail"]


def test_adding_and_removing(make_client: Callable[..., TestClient], wisher: Path, tmp_path: Path) -> None:
    client = make_client()
    assert client.post("/api/extensions/add", json={"source": str(wisher), "name": "twin"}).json() == "twin"
    assert not listed(client)["twin"]["is_running"]
    assert client.post("/api/extensions/add", json={"source": str(wisher), "name": "twin"}).status_code == 422
    place = Path(client.post("/api/extensions/remove", json={"name": "twin"}).json())
    assert "twin" not in listed(client) and (place / "scripts" / "bad.py").is_file()
    assert client.post("/api/extensions/install", json={"name": "wisher"}).status_code == 422
    assert client.post("/api/extensions/remove", json={"name": "wisher"}).status_code == 422 and wisher.is_dir()
    assert client.post("/api/extensions/add", json={"source": str(wisher)}, headers={"Origin": "http://evil.example"}).status_code == 403


@pytest.mark.parametrize("action", CHANGES)
def test_beyond_loopback_nothing_is_changed(make_client: Callable[..., TestClient], wisher: Path, action: str) -> None:
    client = make_client(listen="0.0.0.0")
    before = client.get("/api/extensions").json()
    assert before["may_change"] is False and before["folder"] == ""
    reply = client.post(f"/api/extensions/{action}", json=CHANGES[action])
    assert reply.status_code == 403 and "launch.py extensions" in reply.json()["detail"]
    assert client.post("/sdapi/v1/options", json={"disabled_extensions": ["wisher"], "steps": 3, "tiling": True}).status_code == 200
    assert client.get("/sdapi/v1/options").json()["tiling"] is True
    assert client.get("/api/extensions").json() == before


@pytest.mark.parametrize("headers", [{"X-Forwarded-For": "192.0.2.1"}, {"Origin": "https://friend.example"}])
def test_proxies_and_pages_that_may_call_change_nothing_either(
    make_client: Callable[..., TestClient], wisher: Path, picture: str, headers: dict[str, str]
) -> None:
    client = make_client(cors_allow_origins="https://friend.example")
    for action, body in CHANGES.items():
        assert client.post(f"/api/extensions/{action}", json=body, headers=headers).status_code == 403
    changes = {"disabled_extensions": ["wisher"], "tiling": True}
    lasting = {"init_images": [picture], "override_settings": changes, "override_settings_restore_afterwards": False}
    for route, body in (("options", changes), ("img2img", lasting)):
        assert client.post(f"/sdapi/v1/{route}", json=body, headers=headers).status_code == 200
    options = client.get("/sdapi/v1/options").json()
    assert (options["disabled_extensions"], options["tiling"]) == ([], True)
