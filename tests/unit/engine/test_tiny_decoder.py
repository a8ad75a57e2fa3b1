from __future__ import annotations

import dataclasses
import logging

import numpy as np
import pytest
import torch

from modules.backends.fake import FakeModel
from modules.engine import preview
from modules.engine.preview import ModelPreviews, TinyPreview, TinyPreviews, fit_preview, latent_to_rgb
from modules.engine.tiny_decoder import TinyDecoder, TinyShape, draw_probe, measure_psnr

CHANNELS = 5
SMALL = {"width": 4, "blocks": 1, "middle": 4}


@torch.no_grad()
def knowing(model: FakeModel, scale: float = 1.0) -> TinyPreview:
    """A network that renders the colours in the latents of `model` as a mosaic, `scale` times too strong."""
    network = TinyDecoder(TinyShape(model.latent_channels, **SMALL)).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.zero_()
    linear = fit_preview(model)
    network.linear.weight[:, :, 1, 1] = linear.weights.T.repeat_interleave(64, 0) * model.scale_factor * scale
    network.linear.bias.copy_(linear.bias.repeat_interleave(64))
    return TinyPreview("own", network, model.encode(draw_probe())[0] / model.scale_factor * scale)


@torch.no_grad()
def painting(colour: float, name: str = "enlarger") -> TinyPreview:
    """A network that paints everything in one grey."""
    network = TinyDecoder(TinyShape(3, **SMALL)).eval().requires_grad_(False)
    for parameter in network.parameters():
        parameter.zero_()
    network.linear.bias.fill_(colour)
    return TinyPreview(name, network, torch.zeros(3, 1, 1))


@pytest.mark.parametrize("channels", [3, 16])
@pytest.mark.parametrize("size", [(4, 4), (3, 7), (1, 1)])
def test_eight_pixels_a_cell(channels: int, size: tuple[int, int]) -> None:
    found = TinyDecoder(TinyShape(channels))(torch.zeros(2, channels, *size))
    assert found.shape == (2, 3, 8 * size[0], 8 * size[1]) and bool(found.isfinite().all())


def test_it_is_tiny() -> None:
    assert sum(parameter.numel() for parameter in TinyDecoder(TinyShape(16)).parameters()) < 500_000


def test_the_probe_is_always_the_same() -> None:
    assert torch.equal(draw_probe(), draw_probe())
    assert draw_probe().shape == (1, 3, 128, 128) and float(draw_probe().abs().max()) <= 1
    assert measure_psnr(draw_probe(), draw_probe()) == pytest.approx(106, abs=1)


def test_a_decoder_is_used_with_the_latents_it_knows_alone() -> None:
    model = FakeModel(latent_channels=CHANNELS)
    assert knowing(model).fits(model)
    assert not knowing(model, -1.0).fits(model) and not knowing(model, 1.2).fits(model)
    assert knowing(model, 1.01).fits(model)
    assert not knowing(FakeModel(latent_channels=CHANNELS + 1)).fits(model)
    assert not dataclasses.replace(knowing(model), probe=torch.zeros(CHANNELS, 2, 2)).fits(model)
    assert not dataclasses.replace(knowing(model), probe=torch.full((CHANNELS, 16, 16), torch.nan)).fits(model)


@pytest.mark.parametrize("is_fast", [False, True])
def test_the_decoder_that_fits_draws_the_preview(is_fast: bool, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "has_fast_bfloat16", lambda: is_fast)
    model = FakeModel(latent_channels=CHANNELS)
    picture = torch.zeros(1, 3, 32, 48)
    picture[:, 0] = 0.5
    networks = TinyPreviews((knowing(model, -1.0), knowing(model)), painting(0.9))
    with caplog.at_level(logging.INFO):
        for _ in range(2):
            shown = latent_to_rgb(model.encode(picture)[0], model, networks)
    assert shown.shape == (32, 48, 3) and shown.dtype == np.uint8
    assert np.abs(shown.astype(int) - (191, 127, 127)).max() <= 2
    assert len(caplog.messages) == 1 and "tiny decoder own" in caplog.messages[0]


def test_colours_of_other_latents_are_enlarged(caplog: pytest.LogCaptureFixture) -> None:
    model = FakeModel()
    latent = model.encode(torch.zeros(1, 3, 32, 32))[0]
    with caplog.at_level(logging.INFO):
        assert (latent_to_rgb(latent, model, TinyPreviews((), painting(1.0))) == 255).all()
    assert "enlarged by enlarger" in caplog.text
    assert (latent_to_rgb(latent, model) == 127).all()


def test_without_networks_the_linear_map_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    model = FakeModel()
    with caplog.at_level(logging.INFO):
        assert (latent_to_rgb(model.encode(torch.zeros(1, 3, 32, 32))[0], model, TinyPreviews()) == 127).all()
    assert "linear map" in caplog.text


def test_very_large_latents_are_drawn_by_the_linear_map(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(preview, "MOST_CELLS", 15)
    model = FakeModel()
    assert (latent_to_rgb(model.encode(torch.zeros(1, 3, 32, 32))[0], model, TinyPreviews((), painting(1.0))) == 127).all()


def test_wild_latents_are_no_error() -> None:
    model = FakeModel()
    previews, enlarger = ModelPreviews(model), painting(0.0)
    assert previews.render(torch.full((4, 2, 2), 1e6), enlarger.network, False).shape == (16, 16, 3)
