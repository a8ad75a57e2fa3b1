"""The built-in model as it ships: what its guide of words hears in a prompt, and that it moves what is repainted, there alone."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from modules.backends.catalog import Catalog
from modules.backends.families.sd1 import StableDiffusion
from modules.backends.loader import load_checkpoint
from modules.engine.prompts.conditioning import encode_texts


@pytest.fixture(scope="module")
def model(project_root: Path, vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> StableDiffusion:
    catalog = Catalog([project_root / "models" / "Stable-diffusion"], tmp_path_factory.mktemp("cache") / "checkpoints.json")
    return load_checkpoint(catalog.find("pentimento-small-inpaint"), torch.device("cpu"), torch.float32, vocabulary)


@pytest.mark.parametrize(
    ("prompt", "thing"),
    [
        ("an apple", "apple"),
        ("a puppy", "dog"),
        ("一只狗", "dog"),
        ("苹果", "apple"),
        ("ocean waves", "sea"),
        ("best quality, a photo of a cat", "cat"),
        ("a house", "buildings in a city"),
        ("", ""),
        ("a spaceship", ""),
        ("a red sofa", ""),
        ("grass", ""),
        ("remove the background", ""),
        ("portrait of a woman with red hair, studio lighting, 35mm photo", ""),
        ("masterpiece, best quality, highly detailed, sharp focus", ""),
        ("empty wooden table, soft light", ""),
        ("a cat sitting on a chair in a room, soft light", "cat"),
        ("an apple on a wooden table, soft light from a window, highly detailed", "apple"),
    ],
)
def test_it_hears_what_is_asked_for(model: StableDiffusion, prompt: str, thing: str) -> None:
    guide = model.word_guide
    assert guide is not None
    asked = guide.asked(encode_texts([prompt], model.text))[0]
    if thing:
        assert guide.things[int(asked.argmax())] == thing
    else:
        assert not asked.any()


def test_its_range_of_pixels_is_that_of_its_autoencoder(model: StableDiffusion) -> None:
    assert model.word_guide is not None
    pixels = model.word_guide.pixels
    assert pixels is not None
    patches = torch.rand(64, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.inference_mode():
        latents = model.encode(patches)
        again = torch.einsum("cp,bp->bc", pixels.analysis, patches.flatten(1) - pixels.mean)
    assert torch.allclose(latents.flatten(1), again, atol=5e-3)
    assert torch.allclose(pixels.analysis @ pixels.synthesis, torch.eye(16), atol=2e-3)
    plain = torch.full((1, 3, 64, 64), 0.9)
    with torch.inference_mode():
        shown = torch.einsum("pc,bchw->bphw", pixels.synthesis, model.encode(plain)) + pixels.mean[:, None, None]
        assert torch.allclose(shown, torch.tensor(0.9), atol=0.02)
        assert not pixels.excess(model.encode(plain)).any()
        assert pixels.excess(2 * model.encode(plain)).any()


def test_a_word_moves_the_hole_and_none_moves_nothing(model: StableDiffusion) -> None:
    guide, mask = model.word_guide, torch.zeros(1, 1, 32, 32)
    assert guide is not None
    mask[..., 8:24, 8:24] = 1
    x, step = torch.randn(1, 16, 32, 32, generator=torch.Generator().manual_seed(0)), torch.tensor([600.0])
    pull = guide.pull(x, step, encode_texts(["the sea"], model.text), mask)
    assert pull[..., 8:24, 8:24].any()
    assert not pull[(mask == 0).expand_as(pull)].any()
    assert not guide.pull(x, step, encode_texts([""], model.text), mask).any()
