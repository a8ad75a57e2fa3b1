"""Conditioning in parts: where each is, when it holds, how they add up."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from modules.backends.fake import FakeModel
from modules.engine.callbacks import SamplerCallbacks
from modules.engine.comfyui.conditioning import Area, CondPart, is_active, make_concat, place, settle_parts
from modules.engine.comfyui.guidance import PartsDenoiser, with_channels
from modules.engine.comfyui.sampling import LatentRun, make_sigmas, sample_latent
from modules.engine.comfyui.schedules import ComfyLevels, standard_alphas
from modules.engine.model import ModelKind
from modules.engine.predictors import Predictor

ONE, TWO = torch.full((1, 77, 4), 1.0), torch.full((1, 77, 4), 2.0)
LEVELS = ComfyLevels(standard_alphas())


class Echo:
    """A predictor whose clean latents are the text's number, everywhere; notes the shapes that it is given."""

    def __init__(self) -> None:
        self.shapes: list[tuple[int, ...]] = []

    def __call__(self, x: Tensor, level: Tensor, context: Tensor, concat: Tensor | None) -> Tensor:
        self.shapes.append(tuple(x.shape))
        return context[:, 0, 0].view(-1, 1, 1, 1).expand_as(x).clone()

    def clean(self, x: Tensor, output: Tensor, level: Tensor) -> Tensor:
        return output


def guide(positive: list[CondPart], negative: list[CondPart], cfg: float = 1.0, size: int = 40, sigma: float = 1.0) -> tuple[Tensor, Echo]:
    """The guided prediction (size, size) of the first channel, for a batch of two."""
    x, echo = torch.zeros(2, 4, size, size), Echo()
    sides = with_channels(ModelKind.BASE, positive, negative, x, None, 1.0)
    predictor: Predictor = echo
    result = PartsDenoiser(predictor, LEVELS, *sides, cfg)(x, sigma)
    assert torch.equal(result[0], result[1]) and torch.equal(result[:, 0], result[:, 3])
    return result[0, 0], echo


def test_guidance_goes_from_the_negative_prompt_beyond_the_positive() -> None:
    assert torch.equal(guide([CondPart(TWO)], [CondPart(ONE)], cfg=7.0)[0], torch.full((40, 40), 8.0))


def test_combined_parts_are_a_mean_by_strength_and_mask() -> None:
    mask = torch.zeros(40, 40)
    mask[:, :20] = 1.0
    result, _ = guide([CondPart(ONE), CondPart(TWO, strength=3.0, mask=mask)], [])
    assert torch.allclose(result[:, :20], torch.tensor(1.75)) and torch.equal(result[:, 20:], torch.ones(40, 20))
    half, _ = guide([CondPart(ONE), CondPart(TWO, mask=mask, mask_strength=0.5)], [])
    assert torch.allclose(half[:, :20], torch.tensor(4 / 3))


def test_where_no_part_is_the_clean_latents_are_nothing() -> None:
    mask = torch.zeros(1, 40, 40)
    mask[..., 10:20] = 1.0
    result, _ = guide([CondPart(TWO, mask=mask)], [])
    assert torch.equal(result[:, 10:20], torch.full((40, 10), 2.0)) and not result[:, 20:].any()


def test_areas_are_shown_alone_and_fade_in_at_inner_borders() -> None:
    left = Area(40, 32, 0, 0)
    weight = place(CondPart(ONE, area=left), torch.zeros(1, 4, 40, 40)).weight[0, 0]
    assert torch.allclose(weight[5, 23:], torch.tensor([1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125])[:9])
    assert torch.equal(weight[:, 0], torch.ones(40)) and weight.shape == (40, 32)
    result, echo = guide([CondPart(ONE), CondPart(TWO, area=left)], [CondPart(ONE)])
    assert result[0, 0] == 1.5 and result[0, 39] == 1 and result[0, 31] == pytest.approx((1 + 2 * 0.125) / 1.125)
    assert sorted(set(echo.shapes)) == [(4, 4, 40, 32), (4, 4, 40, 40)], "the area's text, and its answer"


def test_small_areas_fade_in_over_a_quarter_of_their_size() -> None:
    weight = place(CondPart(ONE, area=Area(8, 8, 4, 4)), torch.zeros(1, 4, 16, 16)).weight[0, 0]
    edge = torch.tensor([0.5, 1, 1, 1, 1, 1, 1, 0.5])
    assert torch.equal(weight, edge[:, None] * edge)


def test_areas_beyond_the_picture_are_cut_or_left_out() -> None:
    result, _ = guide([CondPart(ONE), CondPart(TWO, area=Area(8, 8, 36, 36)), CondPart(TWO, area=Area(8, 8, 48, 0))], [])
    assert result[39, 39] == 1.5 and result[0, 0] == 1


def test_shares_of_the_picture_are_rounded_to_cells() -> None:
    assert Area(0.5, 0.31, 0.5, 0.69, is_share=True).in_cells(16, 16) == Area(8, 5, 8, 11)
    assert Area(0.01, 0.01, 0.0, 0.0, is_share=True).in_cells(16, 16) == Area(1, 1, 0, 0)


def test_each_area_is_answered_once_by_the_smallest_part_that_holds_it() -> None:
    inner, outer = Area(8, 8, 4, 4), Area(20, 20, 0, 0)
    positive = [CondPart(ONE, area=inner, strength=0.7), CondPart(ONE, area=inner), CondPart(ONE)]
    first, second = settle_parts(positive, [CondPart(ONE), CondPart(TWO, area=outer)], 40, 40)
    assert [part.area for part in first] == [inner, inner, None, outer], "the negative part's area, answered"
    assert [part.area for part in second] == [None, outer, inner], "two equal areas have one answer"
    assert second[2].vectors is TWO and second[2].strength == 0.7


def test_a_mask_can_say_what_the_model_is_shown() -> None:
    mask = torch.zeros(2, 1, 40, 40)
    mask[0, 0, 10:30, 5:9] = 1.0
    mask[1, 0, 12, 20] = 0.5
    (part,), _ = settle_parts([CondPart(ONE, mask=mask, is_area_of_mask=True)], [], 40, 40)
    assert part.area == Area(20, 16, 10, 5)
    (blank,), _ = settle_parts([CondPart(ONE, mask=mask * 0, is_area_of_mask=True)], [], 40, 40)
    assert blank.area == Area(8, 8, 0, 0)


def test_parts_hold_for_a_share_of_the_run() -> None:
    early, late = CondPart(ONE, end_percent=0.5), CondPart(TWO, start_percent=0.5)
    assert [is_active(early, sigma, LEVELS) for sigma in (20.0, 1.7, 1.5)] == [True, True, False]
    assert [is_active(late, sigma, LEVELS) for sigma in (20.0, 1.7, 1.5, 0.0)] == [False, False, True, True]
    assert guide([early, late], [], sigma=10.0)[0][0, 0] == 1 and guide([early, late], [], sigma=0.5)[0][0, 0] == 2
    assert not guide([early], [CondPart(ONE)], cfg=1.0, sigma=0.5)[0].any(), "no part at all"


def test_channels_come_from_the_part_or_from_the_run() -> None:
    latent, part = torch.randn(2, 4, 8, 8), CondPart(ONE)
    assert make_concat(ModelKind.BASE, part, latent, None, 0.5) is None
    plain = make_concat(ModelKind.INPAINT, part, latent, None, 0.5)
    assert plain is not None and plain[:, 0].eq(1).all() and plain[0, 1:, 0, 0].tolist() == pytest.approx([0.8223, -0.6876, 0.6364, 0.1380])
    masked = make_concat(ModelKind.INPAINT, part, latent, torch.full((1, 1, 8, 8), 0.75), 0.5)
    assert masked is not None and masked[:, 0].eq(1).all() and torch.equal(masked[:, 1:], latent)
    halves = make_concat(ModelKind.INPAINT, part, latent, torch.full((1, 1, 8, 8), 0.5), 0.5)
    assert halves is not None and not halves[:, 0].any(), "half to even"
    own = make_concat(ModelKind.INPAINT, CondPart(ONE, concat_latent=latent[:1], concat_mask=torch.ones(64, 64)), latent, None, 0.5)
    assert own is not None and torch.equal(own[1, 1:], latent[0] * 0.5) and own[:, 0].eq(1).all()
    edit = make_concat(ModelKind.EDIT, CondPart(ONE, concat_latent=latent), latent, None, 0.5)
    assert edit is not None and torch.equal(edit, latent)


def test_channel_masks_of_another_aspect_are_cut_in_the_middle() -> None:
    mask = torch.zeros(1, 96, 64)
    mask[:, 16:80] = 1.0
    channels = make_concat(ModelKind.INPAINT, CondPart(ONE, concat_mask=mask), torch.zeros(1, 4, 8, 8), None, 1.0)
    assert channels is not None and channels[:, 0].eq(1).all()


def run(model: FakeModel, cfg: float = 7.0, sampler: str = "euler", steps: int = 3, **settings: Any) -> Any:
    latent = torch.linspace(-1, 1, 2 * 4 * 8 * 8).view(2, 4, 8, 8)
    text = torch.randn(1, 77, model.text.width, generator=torch.Generator().manual_seed(1))
    sigmas = settings.pop("sigmas", make_sigmas("normal", sampler, steps, 1.0, model.alphas_cumprod))
    plan = LatentRun(sampler, sigmas, cfg, 5, options=settings.pop("options", {}))
    return sample_latent(model, plan, latent, torch.ones_like(latent), [CondPart(text)], [CondPart(text * 0.5)], **settings)


def test_runs_can_be_watched_and_cut_short() -> None:
    steps: list[tuple[int, int]] = []
    result = run(FakeModel(), callbacks=SamplerCallbacks(on_step=lambda done, total, clean: steps.append((done, total))))
    assert steps == [(1, 3), (2, 3), (3, 3)] and not result.is_interrupted and result.model_calls == 3
    cut = run(FakeModel(), callbacks=SamplerCallbacks(is_interrupted=lambda: len(steps) == 3))
    assert cut.is_interrupted and cut.model_calls == 0 and cut.latent[0, 0, 0, 0] == -1


def test_no_sigmas_do_nothing_and_one_only_adds_noise() -> None:
    nothing, noised = run(FakeModel(), sigmas=torch.zeros(0)).latent, run(FakeModel(), sigmas=torch.tensor([2.0])).latent
    assert torch.allclose(noised, nothing + 2.0) and nothing[0, 0, 0, 0] == -1


def test_guidance_of_one_leaves_the_negative_prompt_out_where_the_sampler_can() -> None:
    rows: list[tuple[int, int]] = []
    watch = SamplerCallbacks(on_denoiser=lambda params: rows.append((len(params.text_cond), len(params.text_uncond))))
    run(FakeModel(), cfg=1.0, steps=1, callbacks=watch)
    run(FakeModel(), cfg=1.0, steps=1, sampler="euler_cfg_pp", callbacks=watch)
    assert rows == [(2, 0), (2, 2)]


def test_a_sampler_can_be_set_otherwise_than_by_default() -> None:
    plain, calm = (
        run(FakeModel(), sampler="euler_ancestral").latent,
        run(FakeModel(), sampler="euler_ancestral", options={"eta": 0.0}).latent,
    )
    assert not torch.equal(plain, calm) and torch.allclose(calm, run(FakeModel()).latent, atol=1e-4)
