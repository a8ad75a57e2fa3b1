"""Qwen-Image-Layered from a folder: with random weights of the same architecture, without its captioning processor."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest
from skimage import data

from modules.backends.layered.folder import fault_of, find_folders
from modules.backends.layered.qwen import QwenLayered
from modules.backends.layered.request import LayeredRequest, Offload
from modules.base.errors import BrokenCheckpoint, MissingModel
from tests.unit.backends.layered.small import save_small

QUICK = LayeredRequest(layers=1, steps=1, true_cfg_scale=1.0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_small(tmp_path_factory.mktemp("layered") / "small")


def picture() -> np.ndarray:
    photo = data.coffee()[::8, ::8]
    return np.dstack([photo, np.full(photo.shape[:2], 255, np.uint8)])


def test_a_picture_becomes_layers_at_the_working_size(folder: Path, tmp_path: Path) -> None:
    model, steps = QwenLayered(folder, use_cpu=True, cache=tmp_path), []
    asked = LayeredRequest(layers=2, steps=2, true_cfg_scale=2.0, seed=5, prompt="a cup")
    layers = model.run(picture(), asked, lambda step, total: steps.append((step, total)))
    assert layers is not None
    assert [layer.shape for layer in layers] == [(512, 768, 4)] * 2  # 640 squared, in steps of 32, as 50 x 75 is
    assert steps == [(1, 2), (2, 2)]
    assert all(layer.dtype == np.uint8 and layer.std() > 1 for layer in layers)


def test_the_seed_and_the_prompt_count(folder: Path, tmp_path: Path) -> None:
    model = QwenLayered(folder, use_cpu=True, cache=tmp_path)

    def run(seed: int, prompt: str) -> np.ndarray:
        layers = model.run(picture(), LayeredRequest(layers=1, steps=1, true_cfg_scale=1.0, seed=seed, prompt=prompt))
        assert layers is not None
        return layers[0]

    first = run(1, "")
    assert np.array_equal(first, run(1, ""))
    assert not np.array_equal(first, run(2, ""))


def test_weights_may_wait_on_disk(folder: Path, tmp_path: Path) -> None:
    plain = QwenLayered(folder, use_cpu=True, cache=tmp_path).run(picture(), QUICK)
    waiting = QwenLayered(folder, use_cpu=True, offload=Offload.DISK, cache=tmp_path).run(picture(), QUICK)
    assert plain is not None and waiting is not None
    assert np.array_equal(plain, waiting)
    assert any(tmp_path.rglob("*.safetensors"))


def test_an_interrupted_run_stops_after_its_step(folder: Path, tmp_path: Path) -> None:
    steps: list[int] = []
    asked = LayeredRequest(layers=1, steps=50, true_cfg_scale=1.0)
    assert QwenLayered(folder, use_cpu=True, cache=tmp_path).run(picture(), asked, lambda step, _: steps.append(step), lambda: True) is None
    assert steps == [1]


def test_it_needs_no_torchvision(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "torchvision", None)  # any import of it fails
    assert QwenLayered(folder, use_cpu=True, cache=tmp_path).run(picture(), QUICK) is not None


def test_folders_are_found_by_their_index(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "model_index.json").write_text('{"_class_name": "FluxPipeline"}')
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "model_index.json").write_text("[" * 100_000)
    assert find_folders([folder.parent, tmp_path, tmp_path / "none"]) == [folder]
    assert fault_of(folder) == ""


def test_an_index_cannot_name_other_classes(folder: Path, tmp_path: Path) -> None:
    bad = Path(shutil.copytree(folder, tmp_path / "bad"))
    index = json.loads((bad / "model_index.json").read_text())
    (bad / "model_index.json").write_text(json.dumps({**index, "vae": ["os", "system"]}))
    with pytest.raises(MissingModel, match=r"names \['os', 'system'\] as vae"):
        QwenLayered(bad, use_cpu=True, cache=tmp_path).run(picture(), QUICK)


def test_weights_in_other_formats_are_not_opened(folder: Path, tmp_path: Path) -> None:
    bad = Path(shutil.copytree(folder, tmp_path / "bad"))
    weights = next((bad / "vae").glob("*.safetensors"))
    weights.rename(weights.with_suffix(".bin"))
    assert "vae has no *.safetensors" in fault_of(bad)


def test_damaged_weights_are_named(folder: Path, tmp_path: Path) -> None:
    bad = Path(shutil.copytree(folder, tmp_path / "bad"))
    weights = next((bad / "transformer").glob("*.safetensors"))
    weights.write_bytes(weights.read_bytes()[:-200])
    with pytest.raises(BrokenCheckpoint, match="bad cannot be loaded"):
        QwenLayered(bad, use_cpu=True, cache=tmp_path).run(picture(), QUICK)
