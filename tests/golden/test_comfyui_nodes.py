"""Masks, padded pictures and encoded latents that ComfyUI 0.8.0 recorded (data/comfyui/units), against our nodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from modules.engine.comfyui.conditioning import CondPart, make_concat
from modules.engine.comfyui.masking import fit_mask
from modules.engine.model import ModelKind
from modules.pipeline.workflows.context import NodeRun
from modules.pipeline.workflows.nodes import conditioning, files, images, latents, masks
from modules.pipeline.workflows.values import Latent, VaeValue
from tests.golden.comfyui_world import World

UNITS = Path(__file__).parent / "data" / "comfyui" / "units"
MASKS, ENCODED = np.load(UNITS / "masks.npz"), np.load(UNITS / "encode.npz")
VAE = VaeValue("tiny_sd15.safetensors")
ROUNDING = 1e-4
"""Of the largest latent: ComfyUI's own is 26e-6 away from the same network in float64, ours 1e-6."""
HOLES = {
    "cat128": ("cat_128.png", "mask_ellipse_128.png", "red", (0, 1, 2, 6, 7, 12, 64)),
    "odd200x133": ("cat_200x133.png", "mask_poly_200x133.png", "red", (0, 6)),
    "othersize": ("cat_200x133.png", "mask_ellipse_128.png", "red", (6,)),
    "gradient": ("cat_128.png", "mask_gradient_128.png", "red", (0, 3)),
    "alpha": ("cat_rgba_128.png", "cat_rgba_128.png", "alpha", (6,)),
}


@pytest.fixture(scope="module")
def run(tiny_models: Path, vocabulary: Path, tmp_path_factory: pytest.TempPathFactory) -> NodeRun:
    return NodeRun(World(tiny_models, vocabulary, tmp_path_factory.mktemp("comfyui")), "1")


def is_close(made: Tensor, wanted: np.ndarray) -> bool:
    return made.shape == wanted.shape and float(np.abs(made.numpy() - wanted).max()) <= ROUNDING * float(np.abs(wanted).max())


def test_masks_grow_and_fade_to_the_bit(run: NodeRun) -> None:
    rectangle = files.load_image_mask(run, "mask_small_rect_128.png", "red")[0]
    gradient = files.load_image_mask(run, "mask_gradient_128.png", "red")[0]
    for expand, is_tapered in ((8, True), (8, False), (1, True), (-4, True), (-4, False)):
        wanted = MASKS[f"grow{expand}_{'tapered' if is_tapered else 'square'}"]
        assert np.array_equal(masks.grow(run, rectangle, expand, is_tapered)[0], wanted), (expand, is_tapered)
    assert np.array_equal(masks.grow(run, gradient, 3, True)[0], MASKS["grow3_gradient"])
    ones = torch.ones(1, 24, 32)
    assert np.array_equal(masks.feather(run, ones, 8, 6, 5, 4)[0], MASKS["feather_l8_t6_r5_b4"])
    assert np.array_equal(masks.feather(run, ones, 1, 0, 1, 0)[0], MASKS["feather_l1_r1"])


@pytest.mark.parametrize("name", [name for name in MASKS if name.startswith("loadmask")])
def test_masks_are_loaded_to_the_bit(run: NodeRun, name: str) -> None:
    file, channel = name.removeprefix("loadmask_").rsplit("_", 1)
    assert np.array_equal(files.load_image_mask(run, f"{file}.png", channel)[0].numpy().astype(np.float16), MASKS[name])


@pytest.mark.parametrize(
    ("name", "sides", "feathering"),
    [
        ("l8_t8_r8_b8_f6", (8, 8, 8, 8), 6), ("r8_f6", (0, 0, 8, 0), 6), ("l8_t16_f9", (8, 16, 0, 0), 9), ("b8_f10", (0, 0, 0, 8), 10),
        ("r8_f0", (0, 0, 8, 0), 0),
    ],
)  # fmt: skip
def test_padding_fades_to_the_bit(run: NodeRun, name: str, sides: tuple[int, int, int, int], feathering: int) -> None:
    picture = torch.rand(1, 20, 28, 3)
    padded, mask = images.pad_for_outpaint(run, picture, *sides, feathering)
    assert np.array_equal(mask, MASKS[f"outpaint_{name}_20x28"])
    left, top = sides[:2]
    assert torch.equal(padded[:, top : top + 20, left : left + 28], picture) and padded.sum() == pytest.approx(
        float(picture.sum()) + 0.5 * 3 * (padded.shape[1] * padded.shape[2] - 20 * 28), rel=1e-5
    )


@pytest.mark.parametrize("name", list(HOLES))
def test_pictures_are_encoded_with_a_hole(run: NodeRun, name: str) -> None:
    file, mask_file, channel, growths = HOLES[name]
    picture, mask = files.load_image(run, file)[0], files.load_image_mask(run, mask_file, channel)[0]
    for growth in growths:
        made = latents.encode_for_inpaint(run, picture, VAE, mask, growth)[0]
        key = f"{name}_g{growth}"
        assert isinstance(made, Latent) and made.noise_mask is not None
        wanted = ENCODED[f"{key}_noise_mask_u8"]
        assert np.array_equal(made.noise_mask, wanted / wanted.max()), key
        if f"{key}_latent_mask" in ENCODED:
            assert np.array_equal(fit_mask(made.noise_mask, tuple(made.samples.shape)), ENCODED[f"{key}_latent_mask"]), key
        if f"{key}_latent" in ENCODED:
            assert is_close(made.samples, ENCODED[f"{key}_latent"]), key
    assert files.load_image(run, "cat_128.png")[1].shape == tuple(ENCODED["no_alpha_mask_shape"])


@pytest.mark.parametrize(
    ("name", "file", "mask_file"),
    [("ipm128", "cat_128.png", "mask_ellipse_128.png"), ("ipm_odd", "cat_200x133.png", "mask_poly_200x133.png")],
)
def test_inpainting_models_are_shown_the_same(run: NodeRun, name: str, file: str, mask_file: str) -> None:
    picture, mask = files.load_image(run, file)[0], files.load_image_mask(run, mask_file, "red")[0]
    text = (CondPart(torch.zeros(1, 77, 64)),)
    positive, negative, latent = conditioning.condition_inpaint_model(run, text, text, VAE, picture, mask, True)
    assert latent.noise_mask is not None and latent.noise_mask.shape == tuple(ENCODED[f"{name}_noise_mask_shape"])
    assert is_close(latent.samples, ENCODED[f"{name}_samples"])
    for part in (*positive, *negative):
        assert part.concat_latent is not None and is_close(part.concat_latent, ENCODED[f"{name}_concat_latent"])
        cells = fit_mask(latent.noise_mask, tuple(latent.samples.shape))
        channels = make_concat(ModelKind.INPAINT, part, latent.samples * 0.18215, cells, 0.18215)
        assert channels is not None and is_close(channels, ENCODED[f"{name}_c_concat"])
        assert np.array_equal(channels[:, :1], ENCODED[f"{name}_c_concat"][:, :1])
    assert conditioning.condition_inpaint_model(run, text, text, VAE, picture, mask, False)[2].noise_mask is None
