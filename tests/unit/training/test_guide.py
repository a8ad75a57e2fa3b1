"""Training the guide of words: what it is shown and told, that a run goes on, and that the studio reads what is exported."""

from __future__ import annotations

import json
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from models.training import classifier, export, guide, sitting
from models.training.basis import Basis, fit_basis
from models.training.data import write_pack
from models.training.state import write_safely
from modules.backends.header import read_header
from modules.backends.word_guides import THINGS, load_word_guide
from tests.unit.training.test_sitting import ThreeSteps

CHANNELS = 4
COLOURS = {"the sea": (40, 60, 200), "a dog": (180, 140, 60), "a thing of no class": (120, 120, 120)}


@pytest.fixture(scope="module")
def pack(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder, rng = tmp_path_factory.mktemp("pack"), np.random.default_rng(0)
    names = [name for name, count in (("the sea", 80), ("a dog", 80), ("a thing of no class", 5)) for _ in range(count)]
    photos = [(np.clip(rng.normal(COLOURS[name], 12, (40, 44, 3)), 0, 255).astype(np.uint8), name, "x") for name in names]
    write_pack(folder, "photos", photos)
    return folder


@pytest.fixture(scope="module")
def basis() -> Basis:
    patches = torch.randn(600, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.1
    return fit_basis((patches + torch.randn(600, 3, 1, 1, generator=torch.Generator().manual_seed(1)) * 0.3).flatten(1), CHANNELS)


class Vectors:
    """Says of a text whether it has "dog", "sea" or neither in it."""

    def __init__(self, *_: object) -> None:
        pass

    def __call__(self, captions: list[str]) -> torch.Tensor:
        marks = [[float("dog" in text), float("sea" in text), 1.0] + [0.0] * (guide.TEXT_WIDTH - 3) for text in captions]
        return torch.tensor(marks)[:, None].repeat(1, 77, 1)


def wordings() -> guide.Wordings:
    return guide.Wordings(["a dog", "the sea", "a thing of no class"], ["dog", "sea"], ["puppy", "rocket", "dog kennel", "a car"])


def test_words_of_captions_never_count_as_anything_else() -> None:
    assert wordings().others == ["rocket", "a car"]


def test_texts_mean_what_they_are_said_to() -> None:
    found, rng = wordings(), np.random.default_rng(0)
    drawn = [found.draw(rng) for _ in range(600)]
    assert {label for _, label in drawn} == {0, 1, 2}
    assert 0.4 < np.mean([label == found.none for _, label in drawn]) < 0.6
    assert ("", found.none) in drawn
    assert any("狗" in text and label == 0 for text, label in drawn)
    assert any("puppy" in text and label == 0 for text, label in drawn)
    assert any("thing" in text for text, label in drawn if label == found.none)
    assert all(text for text, label in drawn if label != found.none)
    assert all(text not in guide.COLOURS for text, _ in drawn)


def test_latents_are_of_their_class(pack: Path, basis: Basis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guide, "BATCH", 12)
    photos = guide.Pack(pack, "photos")
    shown = classifier.Shown.of(photos, classifier.split_photos(photos)[0], ["dog", "sea"])
    latents, labels = guide.draw_latents(shown, shown.weights(), basis, 64, np.random.default_rng(0))
    assert latents.shape == (12, CHANNELS, 8, 8)
    middle = basis.decode(latents)[:, :, 24:40, 24:40].mean((2, 3))
    assert torch.equal((middle[:, 2] > middle[:, 0]).long(), labels)


def test_a_run_goes_on_and_the_studio_reads_what_is_exported(
    pack: Path, basis: Basis, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in {"Clock": ThreeSteps}.items():
        monkeypatch.setattr(sitting, name, value)
    for name, value in {"BATCH": 4, "SIDES_PX": (32, 40), "load_basis": lambda _: basis, "CaptionVectors": Vectors}.items():
        monkeypatch.setattr(guide, name, value)
    monkeypatch.setattr(guide, "list_other_words", lambda *_: ["rocket", "a car"])
    arguments: dict[str, Any] = {"pack": pack, "state": tmp_path / "state", "rate": 1e-3, "minutes": 1.0, "average": 0.9}
    for resume, step in ((False, 3), (True, 6)):
        guide.train(Namespace(**arguments, basis=None, text=None, vocabulary=None, resume=resume))
        assert json.loads((tmp_path / "state" / "progress.json").read_text())["step"] == step
    assert "texts: " in capsys.readouterr().out
    assert json.loads((tmp_path / "state" / guide.THINGS_FILE).read_text()) == ["dog", "sea"]
    tensors = export.read_guide(tmp_path / "state", basis)
    assert {tensor.dtype for tensor in tensors.values()} == {torch.float16}
    write_safely(tensors, tmp_path / "model.safetensors", {THINGS: json.dumps(["dog", "sea"])})
    found = load_word_guide(read_header(tmp_path / "model.safetensors"), CHANNELS, guide.TEXT_WIDTH, torch.device("cpu"))
    assert found is not None
    assert found.things == ("dog", "sea")
    average = load_file(tmp_path / "state" / "state.safetensors")["average.head.weight"]
    assert torch.allclose(found.head.weight, average, atol=1e-3)
    assert found.pixels is not None
    assert torch.allclose(found.pixels.synthesis, basis.synthesis, atol=1e-3)
