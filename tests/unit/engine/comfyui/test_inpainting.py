"""What goes to the VAE: sizes, growth and grey, against numbers worked out by hand; and against values that ComfyUI recorded."""

from __future__ import annotations

import pytest
import torch

from modules.engine.comfyui.inpainting import cut_to_cells, grey_out, grow_mask, mask_for_encoding, stretch_mask


def _edges(mask: torch.Tensor) -> tuple[int, int, int, int]:
    rows, columns = mask[0, 0].any(1).nonzero().flatten(), mask[0, 0].any(0).nonzero().flatten()
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


@pytest.mark.parametrize(("by", "before", "behind"), [(0, 0, 0), (1, 0, 0), (2, 0, 1), (6, 2, 3), (7, 3, 3), (64, 31, 32)])
def test_growth_reaches_further_right_and_down_and_stays_a_box(by: int, before: int, behind: int) -> None:
    mask = torch.zeros(1, 1, 120, 130)
    mask[0, 0, 50:55, 60:63] = 1
    grown = grow_mask(mask, by)
    assert _edges(grown) == (60 - before, 50 - before, 62 + behind, 54 + behind)
    assert grown.sum() == (3 + before + behind) * (5 + before + behind), "corners stay square"


def test_a_half_is_not_masked_and_growth_begins_at_the_rounded_mask() -> None:
    mask = torch.tensor([0.0, 0.5, 0.51, 0.0, 0.0]).reshape(1, 1, 1, 5)
    assert grow_mask(mask, 0).flatten().tolist() == [0, 0, 1, 0, 0]
    assert grow_mask(mask, 3).flatten().tolist() == [0, 1, 1, 1, 0]
    pixels = torch.full((1, 3, 1, 5), 0.9)
    assert torch.allclose(grey_out(pixels, mask)[0, 0, 0], torch.tensor([0.9, 0.9, 0.5, 0.9, 0.9]))
    assert torch.allclose(grey_out(pixels, mask, 0.0), pixels)


def test_picture_and_mask_are_cut_in_their_middle_to_whole_cells() -> None:
    pixels = torch.arange(133.0).reshape(1, 1, 133, 1).expand(1, 1, 133, 203)
    cut = cut_to_cells(pixels)
    assert cut.shape[-2:] == (128, 200)
    assert cut[0, 0, 0, 0] == 2
    mask = torch.zeros(64, 64)
    fitted_pixels, fitted_mask = mask_for_encoding(mask, pixels)
    assert fitted_pixels.shape[-2:] == fitted_mask.shape[-2:] == (128, 200)
    assert not fitted_mask.any()


def test_stretching_is_bilinear_between_centres_without_antialiasing() -> None:
    mask = torch.zeros(16, 16)
    mask[3, 3], mask[3, 4], mask[12, 12] = 1, 1, 1
    assert stretch_mask(mask, 2, 2).flatten().tolist() == [0.5, 0.0, 0.0, 0.25]
