"""Latents of a linear encoder are kept between black and white; what shows colours alone is left as it is, to the bit."""

from __future__ import annotations

import pytest
import torch

from modules.engine.pixel_range import PixelRange

SIDE_PX = 2
VALUES = 3 * SIDE_PX**2


@pytest.fixture
def pixels() -> PixelRange:
    """As many channels as values: every patch has its latents."""
    made, (directions, _) = (
        PixelRange(VALUES, SIDE_PX),
        torch.linalg.qr(torch.randn(VALUES, VALUES, generator=torch.Generator().manual_seed(0))),
    )
    made.analysis, made.synthesis = directions.T * 2, directions / 2
    made.mean = torch.linspace(-0.2, 0.2, VALUES)
    return made


def encode(pixels: PixelRange, patches: torch.Tensor) -> torch.Tensor:
    return torch.einsum("cp,bphw->bchw", pixels.analysis, patches - pixels.mean[:, None, None])


def test_colours_are_left_alone(pixels: PixelRange) -> None:
    patches = torch.rand(2, VALUES, 3, 5, generator=torch.Generator().manual_seed(1)) * 1.9 - 0.95
    assert not pixels.excess(encode(pixels, patches)).any()


def test_what_is_beyond_becomes_black_and_white(pixels: PixelRange) -> None:
    patches = torch.randn(2, VALUES, 3, 5, generator=torch.Generator().manual_seed(1)) * 2
    latents = encode(pixels, patches)
    kept = latents - pixels.excess(latents)
    assert torch.allclose(kept, encode(pixels, patches.clamp(-1, 1)), atol=1e-5)


def test_with_fewer_channels_it_is_nearer_by_a_step(pixels: PixelRange) -> None:
    """What the picture of the clipped latents shows may lie beyond again, by less."""
    pixels.analysis, pixels.synthesis = pixels.analysis[:4], pixels.synthesis[:, :4]
    latents = encode(pixels, torch.randn(2, VALUES, 3, 5, generator=torch.Generator().manual_seed(1)) * 5)
    first = pixels.excess(latents)
    second = pixels.excess(latents - first)
    assert 0 < float(second.norm()) < 0.7 * float(first.norm())


def test_cells_have_nothing_to_do_with_each_other(pixels: PixelRange) -> None:
    patches = torch.zeros(1, VALUES, 2, 2)
    patches[:, :, 0, 1] = 3
    excess = pixels.excess(encode(pixels, patches))
    assert excess[..., 0, 1].any()
    assert not excess[..., 1, :].any()
