"""The guide of words in a checkpoint: read, or left out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from modules.backends.header import read_header
from modules.backends.word_guides import PIXELS, PREFIX, THINGS, load_word_guide
from modules.engine.pixel_range import PixelRange
from modules.engine.word_guide import WordGuide

FITS = (4, 6, torch.device("cpu"))
NAMES = ["apple", "sea"]
WIDTH = 6


def write(path: Path, names: object = NAMES, left_out: str = "") -> WordGuide:
    torch.manual_seed(0)
    guide = WordGuide(4, len(NAMES), WIDTH).eval()
    tensors = {PREFIX + name: tensor.half() for name, tensor in guide.state_dict().items() if name != left_out}
    save_file(tensors or {"x": torch.zeros(1)}, path, {THINGS: json.dumps(names)})
    return guide


def test_a_guide_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    written = write(path)
    guide = load_word_guide(read_header(path), *FITS)
    assert guide is not None
    assert guide.things == ("apple", "sea")
    assert next(guide.parameters()).dtype == torch.float32
    x, step = torch.randn(1, 4, 8, 8), torch.tensor([300.0])
    assert torch.allclose(guide(x, step), written(x, step), atol=1e-2)


def test_the_range_of_pixels_comes_back_where_there_is_one(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write(path)
    guide = load_word_guide(read_header(path), *FITS)
    assert guide is not None
    assert guide.pixels is None
    pixels = {PIXELS + name: torch.rand_like(tensor) for name, tensor in PixelRange(4).state_dict().items()}
    save_file(load_file(path) | pixels, path)
    guide = load_word_guide(read_header(path), *FITS)
    assert guide is not None
    assert guide.pixels is not None
    assert torch.equal(guide.pixels.mean, pixels[PIXELS + "mean"])
    save_file({name: tensor for name, tensor in load_file(path).items() if name != PIXELS + "mean"}, path)
    assert load_word_guide(read_header(path), *FITS) is None


def test_most_checkpoints_have_none(tmp_path: Path) -> None:
    save_file({"model.x": torch.zeros(1)}, tmp_path / "model.safetensors")
    assert load_word_guide(read_header(tmp_path / "model.safetensors"), *FITS) is None


@pytest.mark.parametrize("left_out", ["head.weight", "stem.bias"])
def test_incomplete_ones_are_left_out_aloud(tmp_path: Path, left_out: str, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "model.safetensors"
    write(path, left_out=left_out)
    assert load_word_guide(read_header(path), *FITS) is None
    assert left_out in caplog.text


def test_one_of_another_text_encoder_is_left_out_aloud(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "model.safetensors"
    write(path)
    assert load_word_guide(read_header(path), 4, 8, torch.device("cpu")) is None
    assert "words.weight has shape [3, 6], wanted [3, 8]" in caplog.text


@pytest.mark.parametrize("names", [None, ["apple"], "apple", ["apple", 1]])
def test_wrong_names_are_told(tmp_path: Path, names: object, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "model.safetensors"
    write(path, names)
    assert load_word_guide(read_header(path), *FITS) is None
    assert f"{THINGS} is no list of 2 names" in caplog.text


def test_names_may_be_lost(tmp_path: Path) -> None:
    path, again = tmp_path / "model.safetensors", tmp_path / "again.safetensors"
    write(path)
    save_file(load_file(path), again)
    guide = load_word_guide(read_header(again), *FITS)
    assert guide is not None
    assert guide.things == ()
