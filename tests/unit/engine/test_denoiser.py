from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.blending import CleanBlending
from modules.engine.callbacks import BlendParams, DenoisedParams, DenoiserParams, GuidedParams, SamplerCallbacks
from modules.engine.denoiser import Guidance, GuidedDenoiser
from modules.engine.devices import NansException
from modules.engine.model import Interrupted, ModelKind
from modules.engine.noise import ImageNoise
from modules.engine.predictors import NoisePredictor, SigmaPredictor
from modules.engine.prompts.conditioning import Conditioning, ScheduledCond, SubPrompt, build_conditioning
from modules.engine.sampling import LatentMask, SamplingPlan, sample_img2img
from modules.engine.word_guide import STRENGTH
from tests.unit.engine.gaussian import GaussianModel

SIGMA = torch.tensor(2.0)
X = torch.linspace(-1, 1, 2 * 4 * 2 * 2).reshape(2, 4, 2, 2)


def cond(*pulls: float, tokens: int = 77) -> tuple[SubPrompt, ...]:
    """Sub-prompts that move the model's mean by so much."""
    return tuple(SubPrompt((ScheduledCond(99, torch.full((tokens, 16), pull)),)) for pull in pulls)


def denoiser(
    model: GaussianModel,
    positive: tuple[tuple[SubPrompt, ...], ...] = (cond(1.0), cond(2.0)),
    negative: tuple[tuple[SubPrompt, ...], ...] = (cond(0.0), cond(-1.0)),
    guidance: Guidance | None = None,
    masking: CleanBlending | None = None,
    concat: Tensor | None = None,
    callbacks: SamplerCallbacks | None = None,
    total_calls: int = 0,
) -> GuidedDenoiser:
    return GuidedDenoiser(
        SigmaPredictor(model, model.levels),
        Conditioning(positive),
        Conditioning(negative),
        guidance or Guidance(3.0),
        masking=masking,
        concat=concat,
        callbacks=callbacks,
        total_calls=total_calls,
    )


def expected(model: GaussianModel, means: tuple[float, float]) -> Tensor:
    return torch.stack([model.expected(X[index], SIGMA, model.mean + mean) for index, mean in enumerate(means)])


def test_guidance_extrapolates_each_image() -> None:
    model = GaussianModel()
    got = denoiser(model)(X, SIGMA)
    assert torch.allclose(got, expected(model, (0 + 3 * 1.0, -1 + 3 * 3.0)), atol=1e-5)
    assert model.batches == [4]
    assert torch.allclose(model.contexts[0].mean((1, 2)), torch.tensor([1.0, 2.0, 0.0, -1.0]))


def test_parts_joined_by_and_add_up_with_their_weights() -> None:
    model = GaussianModel()
    heavy = SubPrompt(cond(2.0)[0].schedule, 0.5)
    got = denoiser(model, ((cond(1.0)[0], heavy), cond(2.0)))(X, SIGMA)
    assert torch.allclose(got[:1], expected(model, (3 * 1.0 + 3 * 0.5 * 2.0, 0))[:1], atol=1e-5)
    assert model.batches == [5]


@pytest.mark.parametrize(("is_batched", "batches"), [(True, [4]), (False, [2, 2])])
def test_halves_run_together_or_apart(is_batched: bool, batches: list[int]) -> None:
    model = GaussianModel()
    got = denoiser(model, guidance=Guidance(3.0, is_batched=is_batched))(X, SIGMA)
    assert model.batches == batches and torch.allclose(got, denoiser(GaussianModel())(X, SIGMA))


def test_unequal_lengths_run_apart_or_are_padded() -> None:
    long = (cond(1.0, tokens=154), cond(2.0, tokens=154))
    model = GaussianModel()
    apart = denoiser(model, long)
    apart(X, SIGMA)
    assert [context.shape[1] for context in model.contexts] == [154, 77] and not apart.is_padded
    for guidance in (Guidance(3.0, empty_prompt=torch.zeros(77, 16)), Guidance(3.0, repeats_last=True)):
        model = GaussianModel()
        padded = denoiser(model, long, guidance=guidance)
        padded(X, SIGMA)
        assert model.batches == [4] and model.contexts[0].shape[1] == 154 and padded.is_padded
    model = GaussianModel()
    denoiser(model, negative=(cond(0.0, tokens=154),) * 2, guidance=Guidance(3.0, empty_prompt=torch.zeros(77, 16)))(X, SIGMA)
    assert model.contexts[0].shape[1] == 154
    model = GaussianModel()
    denoiser(model, negative=(cond(0.0, tokens=154),) * 2, guidance=Guidance(3.0, repeats_last=True))(X, SIGMA)
    assert model.contexts[0].shape[1] == 77


def test_the_negative_half_can_be_skipped() -> None:
    model = GaussianModel()
    ngms = denoiser(model, guidance=Guidance(3.0, skip_below=2.5))
    first, second = ngms(X, SIGMA), ngms(X, SIGMA)
    assert model.batches == [4, 2] and torch.allclose(second, expected(model, (1.0, 2.0)), atol=1e-5)
    assert not torch.allclose(first, second)
    model = GaussianModel()
    always = denoiser(model, guidance=Guidance(3.0, skip_below=2.5, skip_every=True))
    always(X, SIGMA)
    always(X, torch.tensor(3.0))
    assert model.batches == [2, 4]
    model = GaussianModel()
    early = denoiser(model, guidance=Guidance(3.0, skip_first=0.25), total_calls=4)
    for _ in range(3):
        early(X, SIGMA)
    assert model.batches == [2, 2, 4]


def test_picture_guidance_of_edit_models() -> None:
    model = GaussianModel(kind=ModelKind.EDIT)
    picture = torch.full((2, 4, 2, 2), 0.5)
    got = denoiser(model, guidance=Guidance(3.0, picture_scale=2.0), concat=picture)(X, SIGMA)
    # uncond 0 / -1; with picture + 0.5; guidance 3 on the prompt, 2 on the picture.
    assert torch.allclose(got, expected(model, (0 + 3 * 1.0 + 2 * 0.5, -1 + 3 * 3.0 + 2 * 0.5)), atol=1e-5)
    assert model.batches == [6]


def test_masks_keep_the_original_in_output_or_input() -> None:
    original, repaint = torch.full((2, 4, 2, 2), 9.0), torch.tensor([[1.0, 0.0], [0.5, 1.0]])
    model = GaussianModel()
    free = denoiser(model)(X, SIGMA)
    after = denoiser(GaussianModel(), masking=CleanBlending(original, repaint, is_before=False))
    got = after(X, SIGMA)
    assert (got[..., 0, 1] == 9.0).all() and torch.equal(got[..., 0, 0], free[..., 0, 0])
    assert torch.allclose(got[..., 1, 0], (free[..., 1, 0] + 9.0) / 2) and after.clean is not None
    before = denoiser(GaussianModel(), masking=CleanBlending(original, repaint, is_before=True))(X, SIGMA)
    assert torch.allclose(before, denoiser(GaussianModel())(X * repaint + original * (1 - repaint), SIGMA))


def test_callbacks_see_and_change_everything() -> None:
    order: list[str] = []

    def on_denoiser(params: DenoiserParams) -> None:
        order.append("denoiser")
        assert params.x.shape == (4, 4, 2, 2) and params.sigma.tolist() == [2.0] * 4
        params.sigma *= torch.tensor([1.0, 0.5, 1.0, 1.0])  # each row has a level of its own
        assert params.sigma.tolist() == [2.0, 1.0, 2.0, 2.0]
        params.sigma *= 0
        params.sigma += 2
        assert params.text_cond.shape == params.text_uncond.shape == (2, 77, 16) and params.denoiser is not None
        params.text_cond = params.text_cond * 0

    def on_denoised(params: DenoisedParams) -> None:
        order.append("denoised")
        params.x += 1

    def on_blend(params: BlendParams) -> None:
        order.append("blend")
        assert not params.is_final_blend and params.sigma is not None
        params.blended_latent = params.current_latent * 2

    def on_guided(params: GuidedParams) -> None:
        order.append("guided")
        params.x = params.x + 10

    callbacks = SamplerCallbacks(on_denoiser=on_denoiser, on_denoised=on_denoised, on_guided=on_guided)
    model = GaussianModel()
    masking = CleanBlending(X, torch.ones(2, 2), is_before=False, on_blend=on_blend)
    got = denoiser(model, guidance=Guidance(1.0), masking=masking, callbacks=callbacks)(X, SIGMA)
    assert order == ["denoiser", "denoised", "blend", "guided"]
    assert torch.allclose(got, (expected(model, (0.0, 0.0)) + 1) * 2 + 10, atol=1e-5)


def test_interruption_and_nan() -> None:
    model = GaussianModel()
    with pytest.raises(Interrupted):
        denoiser(model, callbacks=SamplerCallbacks(is_interrupted=lambda: True))(X, SIGMA)
    assert model.predict_calls == 0
    with pytest.raises(NansException, match="only NaN"):
        denoiser(model)(X * float("nan"), SIGMA)


@pytest.mark.parametrize("sampler", ["Euler", "DDIM"])
def test_a_whole_run_keeps_what_is_masked(sampler: str) -> None:
    model = GaussianModel(channels=3, kind=ModelKind.INPAINT)
    init = torch.randn(1, 3, 4, 4, generator=torch.Generator().manual_seed(1))
    repaint = torch.zeros(4, 4)
    repaint[1:3, 1:3] = 1
    noise, finals = ImageNoise((3, 4, 4), [3]), []
    callbacks = SamplerCallbacks(on_blend=lambda params: finals.append(params.is_final_blend))
    prompt, negative = (build_conditioning([text], 10, model.text) for text in ("a", "b"))
    plan = SamplingPlan(sampler, "Automatic", 10, 0.8, pad_cond_uncond=True)
    concat = torch.zeros(1, 4, 4, 4)
    result = sample_img2img(
        model, plan, init, noise.first(), noise, prompt, negative, mask=LatentMask(repaint), concat=concat, callbacks=callbacks
    )
    kept = repaint == 0
    assert torch.equal(result.latent[..., kept], init[..., kept])
    assert not torch.allclose(result.latent[..., ~kept], init[..., ~kept], atol=1e-2)
    assert finals[-1] is True and finals.count(True) == 1 and len(finals) == result.model_calls + 1


def test_an_edit_model_that_skips_early_takes_the_prompt_for_the_unguided_part() -> None:
    model = GaussianModel(kind=ModelKind.EDIT)
    picture = torch.full((2, 4, 2, 2), 0.5)
    guidance = Guidance(3.0, picture_scale=2.0, skip_first=0.5)
    got = denoiser(model, guidance=guidance, concat=picture, total_calls=4)(X, SIGMA)
    # prompt 1.5 / 2.5, picture alone 0.5 / -0.5, and the prompt once more where nothing would stand.
    assert torch.allclose(got, expected(model, (1.5 + 3 * 1.0 - 2 * 1.0, 2.5 + 3 * 3.0 - 2 * 3.0)), atol=1e-5)
    assert model.batches == [4]


def test_picture_guidance_refuses_parts() -> None:
    model = GaussianModel(kind=ModelKind.EDIT)
    parts = (cond(1.0, 2.0), cond(2.0))
    edit = denoiser(model, positive=parts, guidance=Guidance(3.0, picture_scale=2.0), concat=torch.zeros(2, 4, 2, 2))
    with pytest.raises(InvalidRequest, match="AND"):
        edit(X, SIGMA)


class Pull:
    """A guide of words whose gradient is the mean of the prompt's vectors, everywhere."""

    pixels: Any = None

    def __init__(self, *, masked: bool = False) -> None:
        self.masked = masked

    def pull(self, x: Tensor, timestep: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        assert (mask is not None) is self.masked and len(timestep) == len(x)
        return context.mean((1, 2)).view(-1, 1, 1, 1).expand_as(x)


@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_a_guide_of_words_pulls_as_strongly_at_every_scale(scale: float) -> None:
    """By sigma squared times the gradient by unscaled latents, for each part of the prompt by its weight."""
    heavy = SubPrompt(cond(2.0)[0].schedule, 0.5)
    positive = ((cond(1.0)[0], heavy), cond(0.0))
    plain = denoiser(GaussianModel(), positive, guidance=Guidance(scale))(X, SIGMA)
    model: Any = GaussianModel()
    model.word_guide = Pull()
    found = denoiser(model, positive, guidance=Guidance(scale))
    moved = found(X, SIGMA) - plain
    silent = denoiser(model, positive, guidance=Guidance(scale, asks_word_guide=False))
    assert torch.equal(silent(X, SIGMA), plain)
    assert torch.allclose(moved[0], torch.tensor(STRENGTH * (1.0 + 0.5 * 2.0) * 4 / 5**0.5), rtol=1e-4)
    assert not moved[1].any()


def test_the_pull_is_the_same_for_samplers_of_noise() -> None:
    model: Any = GaussianModel()
    model.word_guide = Pull()
    noise, timestep, context = NoisePredictor(model, model.alphas_cumprod), torch.tensor([300.0, 700.0]), torch.ones(2, 77, 16)
    alpha = model.alphas_cumprod[timestep.long()].view(-1, 1, 1, 1)
    scaled = X * alpha.sqrt()
    found = noise.pull(scaled, timestep, context, None)
    assert found is not None
    moved = noise.clean(scaled, found, timestep) - noise.clean(scaled, torch.zeros_like(X), timestep)
    sigma = ((1 - alpha) / alpha).sqrt().flatten()
    wanted = SigmaPredictor(model, model.levels).pull(X, sigma, context, None)
    assert wanted is not None
    assert torch.allclose(moved, wanted, rtol=1e-4)


class Limit:
    """Pictures hold nothing above `most`."""

    def __init__(self, most: float) -> None:
        self.most = most

    def excess(self, latents: Tensor) -> Tensor:
        return (latents - self.most).clamp(min=0)


def test_what_is_pulled_stays_in_the_range_of_pictures() -> None:
    """What no word has pulled is let be, however bright."""
    model: Any = GaussianModel()
    model.word_guide, positive = Pull(), (cond(0.0), cond(1.0))
    far = denoiser(model, positive, guidance=Guidance(1.0))(X, SIGMA)
    most = float(far[0].mean())
    assert (far.amax((1, 2, 3)) > most).all()
    model.word_guide.pixels = Limit(most)
    kept = denoiser(model, positive, guidance=Guidance(1.0))(X, SIGMA)
    assert torch.equal(kept[0], far[0])
    assert torch.allclose(kept[1], far[1].clamp(max=most), atol=1e-6)
    model.word_guide.pixels = Limit(-100.0)
    weightless = (cond(0.0), (SubPrompt(cond(2.0)[0].schedule, 0.0),))
    assert denoiser(model, weightless, guidance=Guidance(1.0))(X, SIGMA).min() > -100


def test_the_range_is_that_of_each_image() -> None:
    """Image 0 has two parts, so that rows of the batch are not those of the images; each has a mask of its own."""
    model: Any = GaussianModel()
    model.word_guide = Pull(masked=True)
    model.word_guide.pixels = Limit(-100.0)
    concat = torch.zeros(2, 5, *X.shape[2:])
    concat[0, 0, 0], concat[1, 0, 1] = 1, 1

    def halve(params: DenoiserParams) -> None:
        params.x = params.x / 2

    positive = ((cond(1.0)[0], SubPrompt(cond(2.0)[0].schedule, 0.5)), cond(1.0))
    found = denoiser(model, positive, guidance=Guidance(1.0), concat=concat, callbacks=SamplerCallbacks(on_denoiser=halve))(X, SIGMA)
    assert torch.allclose(found[0, :, 0], torch.tensor(-100.0))
    assert torch.allclose(found[1, :, 1], torch.tensor(-100.0))
    assert found[0, :, 1:].min() > -100
    assert found[1, :, 0].min() > -100


def test_only_masked_cells_are_kept_in_range() -> None:
    model: Any = GaussianModel()
    model.word_guide = Pull()
    model.word_guide.pixels = Limit(0.0)
    concat = torch.zeros(2, 5, *X.shape[2:])
    concat[:, 0, 0] = 1
    found = SigmaPredictor(model, model.levels).excess(X, X, SIGMA, concat)
    assert found is not None
    assert torch.equal(found[:, :, 0], X[:, :, 0].clamp(min=0))
    assert not found[:, :, 1:].any()


def test_the_range_is_the_same_for_samplers_of_noise() -> None:
    model: Any = GaussianModel()
    noise, timestep, output = NoisePredictor(model, model.alphas_cumprod), torch.tensor([300.0, 700.0]), torch.randn_like(X)
    assert noise.excess(X, output, timestep, None) is None
    model.word_guide = Pull()
    model.word_guide.pixels = Limit(0.1)
    clean, excess = noise.clean(X, output, timestep), noise.excess(X, output, timestep, None)
    assert excess is not None
    assert clean.max() > 0.1
    assert torch.allclose(noise.clean(X, output - excess, timestep), clean.clamp(max=0.1), atol=1e-5)


def test_a_guide_hears_what_a_callback_put_in_the_place_of_the_prompt() -> None:
    model: Any = GaussianModel()
    model.word_guide = Pull()

    def silence(params: DenoiserParams) -> None:
        params.text_cond = torch.zeros_like(params.text_cond)

    found, plain = denoiser(model, callbacks=SamplerCallbacks(on_denoiser=silence)), denoiser(GaussianModel(), (cond(0.0), cond(0.0)))
    assert torch.equal(found(X, SIGMA), plain(X, SIGMA))


@pytest.mark.parametrize(("compat", "clip_skip", "is_asked"), [("a1111", 1, True), ("a1111", 2, False), ("comfyui", 1, False)])
def test_who_asks_the_guide(compat: str, clip_skip: int, is_asked: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not ComfyUI's rules, which know of none, and not prompts of another layer, which it does not understand."""
    seen: list[bool] = []
    guide = GuidedDenoiser.guide

    def watch(self: GuidedDenoiser, x: Tensor, levels: Tensor) -> Tensor:
        seen.append(self.guidance.asks_word_guide)
        return guide(self, x, levels)

    monkeypatch.setattr(GuidedDenoiser, "guide", watch)
    model, noise = GaussianModel(), ImageNoise((4, 2, 2), [1])
    plan = SamplingPlan(
        "Euler" if compat == "a1111" else "euler",
        "Automatic" if compat == "a1111" else "normal",
        2,
        0.75,
        compat=compat,
        clip_skip=clip_skip,
    )
    text = Conditioning((cond(1.0),))
    sample_img2img(model, plan, X[:1], noise.first(), noise, text, text)
    assert set(seen) == {is_asked}
