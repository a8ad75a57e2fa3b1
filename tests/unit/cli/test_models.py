"""`launch.py models` shows the licence first, fetches from a mirror, and says where things lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from modules.backends import known_models
from modules.cli import models
from tests.unit.runtime.downloads.hub_stand_in import HubStandIn, serving
from tests.unit.runtime.downloads.test_downloads import DATA, MODEL


@pytest.fixture(autouse=True)
def known(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (known_models, models):
        monkeypatch.setattr(module, "KNOWN_MODELS", (MODEL,))


def run(folder: Path, *words: str, agrees: bool = False) -> int:
    return models.main(["--data-dir", str(folder), *words], lambda question: agrees)


def test_a_model_is_fetched_once_its_licence_is_agreed_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    place = tmp_path / "models" / "Stable-diffusion" / MODEL.name
    with serving(HubStandIn(MODEL.repo, {MODEL.name: DATA})) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint + "/")
        assert run(tmp_path, "get", "wee") == 1
        said = capsys.readouterr()
        assert "Apache License 2.0" in said.out and f"{hub.endpoint}/Qwen" in said.out and "did not agree" in said.err
        assert hub.asked == [] and not place.exists()
        assert run(tmp_path, "get", "wee", agrees=True) == 0
        assert place.read_bytes() == DATA and str(place) in capsys.readouterr().out
        assert run(tmp_path, "get", "tiny", "--agree") == 0 and "Already there" in capsys.readouterr().out
    assert run(tmp_path, "list") == 0 and "; there)" in capsys.readouterr().out


def test_errors_and_places_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "path", "tiny.ckpt") == 0
    assert capsys.readouterr().out.strip() == str(tmp_path / "models" / "Stable-diffusion" / MODEL.name)
    assert run(tmp_path, "get", "dreams.safetensors") == 1 and MODEL.name in capsys.readouterr().err
    with serving(HubStandIn(MODEL.repo, {MODEL.name: DATA}, status=404, error_code="RepoNotFound")) as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        assert run(tmp_path, "get", "tiny", "--agree") == 1
    assert "is not on" in capsys.readouterr().err and run(tmp_path, "list") == 0 and "not there" in capsys.readouterr().out
