"""The training code of the built-in model: masks, the linear encoder, the exported layout."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from models.training import autoencoder, basis, captions, diffusion, export, masks, merge, restart, state, text
from modules.backends.word_guides import PIXELS, PREFIX
from modules.engine.word_guide import WordGuide

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


def test_a_checkpoint_trains_on(small_basis, tmp_path):
    torch.manual_seed(1)
    vae, denoiser, encoder = autoencoder.build_autoencoder(CHANNELS), diffusion.build_unet(CHANNELS), text.build_text_encoder()
    autoencoder.set_linear_encoder(vae, small_basis)
    tensors = export.to_original(denoiser, vae, encoder)
    restart.restart(tensors, small_basis, tmp_path, 30)
    again = torch.nn.ModuleDict({"unet": diffusion.build_unet(CHANNELS)})
    optimizer, average = torch.optim.AdamW(again.parameters()), state.Average(again, 0.9)
    step, spent_s = state.load_state(tmp_path / "diffusion", again, average, optimizer)
    assert step == 0
    assert spent_s >= 30 * 60
    assert not optimizer.state
    for name, weight in denoiser.state_dict().items():
        assert torch.equal(again["unet"].state_dict()[name], weight.half().float()), name
        assert torch.equal(average.weights[f"unet.{name}"], weight.half().float()), name
    decoder = autoencoder.build_autoencoder(CHANNELS)
    export.load_average(
        torch.nn.ModuleDict({"decoder": decoder.decoder, "post_quant_conv": decoder.post_quant_conv}), tmp_path / "autoencoder"
    )
    assert torch.equal(decoder.decoder.conv_in.weight, vae.decoder.conv_in.weight.half().float())
    words = text.load_text_encoder(tmp_path / "text.safetensors").state_dict()
    assert all(
        torch.equal(words[name], weight.half().float()) for name, weight in encoder.state_dict().items() if weight.is_floating_point()
    )


def test_a_checkpoint_of_another_basis_is_refused(small_basis, tmp_path):
    other = basis.fit_basis(torch.randn(600, 192, generator=torch.Generator().manual_seed(9)) * 0.3, CHANNELS)
    vae = autoencoder.build_autoencoder(CHANNELS)
    autoencoder.set_linear_encoder(vae, small_basis)
    restart.check_basis(vae, small_basis)
    with pytest.raises(ValueError, match="--basis: its latents differ"):
        restart.check_basis(vae, other)


def save_line(folder: Path, weight: float, step: int, spent_s: float) -> None:
    module = torch.nn.Linear(2, 1, bias=False)
    module.weight.data.fill_(weight)
    optimizer = torch.optim.AdamW(module.parameters())
    optimizer.state[module.weight] = {"exp_avg": torch.full((1, 2), weight / 2)}
    state.save_state(folder, module, state.Average(module, 0.9), optimizer, step, state.Clock(1, spent_s))


def test_merging_averages_weights_and_moments(tmp_path):
    save_line(tmp_path / "a", 1.0, 40, 100.0)
    save_line(tmp_path / "b", 3.0, 50, 90.0)
    assert merge.merge([tmp_path / "a", tmp_path / "b"]) == 50
    for name, step in (("a", 50), ("b", 51)):
        module = torch.nn.Linear(2, 1, bias=False)
        optimizer, average = torch.optim.AdamW(module.parameters()), state.Average(module, 0.9)
        found = state.load_state(tmp_path / name, module, average, optimizer)
        assert found == (step, pytest.approx(100.0, abs=5))
        assert module.weight.tolist() == [[2.0, 2.0]]
        assert average.weights["weight"].tolist() == [[2.0, 2.0]]
        assert optimizer.state[module.weight]["exp_avg"].tolist() == [[1.0, 1.0]]


def test_only_trainings_of_one_model_merge(tmp_path):
    save_line(tmp_path / "a", 1.0, 1, 1.0)
    module = torch.nn.Linear(3, 1, bias=False)
    state.save_state(tmp_path / "b", module, state.Average(module, 0.9), torch.optim.AdamW(module.parameters()), 1, state.Clock(1))
    before = (tmp_path / "a" / "state.safetensors").read_bytes()
    with pytest.raises(ValueError, match="not those of"):
        merge.merge([tmp_path / "a", tmp_path / "b"])
    assert (tmp_path / "a" / "state.safetensors").read_bytes() == before


def test_a_basis_of_more_channels_begins_with_that_of_fewer():
    patches = torch.randn(900, 192, generator=torch.Generator().manual_seed(3)) * torch.linspace(1, 0.05, 192)
    few, many = basis.fit_basis(patches, 8), basis.fit_basis(patches, 12)
    image = torch.rand(1, 3, 32, 32, generator=torch.Generator().manual_seed(4)) * 2 - 1
    assert torch.allclose(many.encode(image)[:, :8], few.encode(image), atol=1e-4)


def test_texture_tells_grain_from_blur():
    grain = torch.randn(1, 3, 32, 32, generator=torch.Generator().manual_seed(5)) * 0.3
    blurred = torch.nn.functional.avg_pool2d(grain, 3, 1, 1)
    assert autoencoder.texture(grain).mean() > 3 * autoencoder.texture(blurred).mean()


def test_a_guide_of_words_trains_on(small_basis, tmp_path):
    torch.manual_seed(1)
    vae = autoencoder.build_autoencoder(CHANNELS)
    autoencoder.set_linear_encoder(vae, small_basis)
    guide = WordGuide(CHANNELS, 2, text.WIDTH)
    tensors = export.to_original(diffusion.build_unet(CHANNELS), vae, text.build_text_encoder())
    tensors |= {PREFIX + name: tensor.half() for name, tensor in guide.state_dict().items()}
    tensors |= {PIXELS + name: tensor.half() for name, tensor in vars(small_basis).items()}
    restart.restart(tensors, small_basis, tmp_path, 30, '["apple", "sea"]')
    assert (tmp_path / "guide" / "things.json").read_text() == '["apple", "sea"]'
    again = export.read_guide(tmp_path / "guide", small_basis)
    assert again.keys() == {name for name in tensors if name.startswith(PREFIX)}
    assert all(torch.equal(tensor, tensors[name]) for name, tensor in again.items())


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
