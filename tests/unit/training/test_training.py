"""The training code of the built-in model: masks, the linear encoder, the exported layout."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import yaml

from models.training import autoencoder, basis, captions, diffusion, export, masks, state, text

CHANNELS = 4


@pytest.fixture(scope="module")
def small_basis() -> basis.Basis:
    generator = torch.Generator().manual_seed(0)
    patches = torch.randn(600, 3, 8, 8, generator=generator) * 0.1 + torch.randn(600, 3, 1, 1, generator=generator) * 0.3
    return basis.fit_basis(patches.flatten(1), CHANNELS)


def test_masks_are_zero_or_one_and_never_empty():
    rng = np.random.default_rng(0)
    for _ in range(60):
        mask = masks.random_mask(64, rng)
        assert mask.shape == (64, 64)
        assert mask.dtype == np.float32
        assert 0.01 < mask.mean() <= 1
        assert mask.min() >= 0
        assert mask.max() == 1


def test_object_mask_covers_the_object():
    alpha = np.zeros((64, 64), np.float32)
    alpha[20:30, 12:40] = 0.8
    for seed in range(8):
        mask = masks.cover_object(alpha, np.random.default_rng(seed))
        assert mask[alpha > 0].min() == 1


def test_encoder_equals_the_linear_basis(small_basis):
    model = autoencoder.build_autoencoder(CHANNELS).eval()
    autoencoder.set_linear_encoder(model, small_basis)
    image = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1
    with torch.no_grad():
        posterior = model.encode(image).latent_dist
    assert torch.allclose(posterior.mode(), small_basis.encode(image), atol=5e-3)
    assert posterior.std.max() < 1e-6


def test_basis_keeps_its_own_subspace(small_basis):
    latents = torch.randn(1, CHANNELS, 3, 3, generator=torch.Generator().manual_seed(2))
    assert torch.allclose(small_basis.encode(small_basis.decode(latents)), latents, atol=1e-4)


def test_export_round_trip(small_basis):
    torch.manual_seed(0)
    vae, denoiser, encoder = autoencoder.build_autoencoder(CHANNELS), diffusion.build_unet(CHANNELS), text.build_text_encoder()
    autoencoder.set_linear_encoder(vae, small_basis)
    tensors = export.to_original(denoiser, vae, encoder)
    unet, again, words = export.from_original(tensors, CHANNELS)
    for ours, theirs in ((denoiser, unet), (vae, again), (encoder, words)):
        found = theirs.state_dict()
        for name, tensor in ours.state_dict().items():
            assert torch.equal(found[name], tensor.half().float()), name
    params = yaml.safe_load(export.describe(CHANNELS))["model"]["params"]
    shape = tensors["model.diffusion_model.input_blocks.0.0.weight"].shape
    assert shape[:2] == (params["unet_config"]["params"]["model_channels"], 2 * CHANNELS + 1)
    assert params["parameterization"] == "v"


def test_a_basis_of_more_channels_begins_with_that_of_fewer():
    patches = torch.randn(900, 192, generator=torch.Generator().manual_seed(3)) * torch.linspace(1, 0.05, 192)
    few, many = basis.fit_basis(patches, 8), basis.fit_basis(patches, 12)
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(4)) * 2 - 1
    assert torch.allclose(many.encode(image)[:, :8], few.encode(image), atol=1e-4)


def test_texture_tells_grain_from_blur():
    grain = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(5)) * 0.3
    blurred = torch.nn.functional.avg_pool2d(grain, 3, 1, 1)
    assert autoencoder.texture(grain).mean() > 3 * autoencoder.texture(blurred).mean()


def test_state_survives_a_restart(tmp_path):
    module = torch.nn.Linear(3, 2)
    optimizer = torch.optim.AdamW(module.parameters())
    module(torch.ones(1, 3)).sum().backward()
    optimizer.step()
    average, clock = state.Average(module, 0.9), state.Clock(1)
    state.save_state(tmp_path, module, average, optimizer, 7, clock)
    other = torch.nn.Linear(3, 2)
    resumed = torch.optim.AdamW(other.parameters())
    step, _ = state.load_state(tmp_path, other, state.Average(other, 0.9), resumed)
    assert step == 7
    assert torch.equal(other.weight, module.weight)
    assert torch.equal(resumed.state[other.weight]["exp_avg"], optimizer.state[module.weight]["exp_avg"])


@pytest.mark.parametrize(("rgb", "name"), [((0.9, 0.1, 0.1), "red"), ((0.1, 0.2, 0.8), "blue"), ((0.05, 0.05, 0.05), "black")])
def test_colours_have_names(rgb, name):
    assert captions.name_colour(np.array(rgb)) == name
