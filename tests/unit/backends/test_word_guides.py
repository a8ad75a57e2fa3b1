"""The guide of words in a checkpoint: read, and refused."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import save_file

from modules.backends.header import read_header
from modules.backends.word_guides import PREFIX, THINGS, load_word_guide
from modules.base.errors import BrokenCheckpoint
from modules.engine.word_guide import WordGuide

MODEL: Any = SimpleNamespace(latent_channels=4, device=torch.device("cpu"))
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
    guide = load_word_guide(read_header(path), MODEL, WIDTH)
    assert guide is not None
    assert guide.things == ("apple", "sea")
    assert next(guide.parameters()).dtype == torch.float32
    x, step = torch.randn(1, 4, 8, 8), torch.tensor([300.0])
    assert torch.allclose(guide(x, step), written(x, step), atol=1e-2)


def test_most_checkpoints_have_none(tmp_path: Path) -> None:
    save_file({"model.x": torch.zeros(1)}, tmp_path / "model.safetensors")
    assert load_word_guide(read_header(tmp_path / "model.safetensors"), MODEL, WIDTH) is None


@pytest.mark.parametrize("left_out", ["head.weight", "stem.bias"])
def test_incomplete_ones_are_refused(tmp_path: Path, left_out: str) -> None:
    path = tmp_path / "model.safetensors"
    write(path, left_out=left_out)
    with pytest.raises(BrokenCheckpoint, match=left_out):
        load_word_guide(read_header(path), MODEL, WIDTH)


def test_one_of_another_text_encoder_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.safetensors"
    write(path)
    with pytest.raises(BrokenCheckpoint, match=r"words\.weight has shape \[3, 6\], wanted \[3, 8\]"):
        load_word_guide(read_header(path), MODEL, 8)


@pytest.mark.parametrize("names", [None, ["apple"], "apple", ["apple", 1]])
def test_names_must_be_told(tmp_path: Path, names: object) -> None:
    path = tmp_path / "model.safetensors"
    write(path, names)
    with pytest.raises(BrokenCheckpoint, match=f"{THINGS} is no list of 2 names"):
        load_word_guide(read_header(path), MODEL, WIDTH)
