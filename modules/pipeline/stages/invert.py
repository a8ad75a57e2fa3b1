"""From encoded pictures back to the noise they would come from, for scripts that start from it."""

from __future__ import annotations

import dataclasses

from torch import Tensor

from modules.engine.inversion import InversionPlan, constant_conditioning, mix_noise
from modules.engine.inversion import find_noise as invert
from modules.engine.levels import NoiseLevels
from modules.engine.prompts.conditioning import Emphasis, encode_texts
from modules.engine.prompts.limits import check_length
from modules.pipeline.plan import Plan
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.stages.sample import make_noise, run_engine, sampler_callbacks


def find_noise(p: StableDiffusionProcessingImg2Img, prompt: str, negative_prompt: str, plan: InversionPlan) -> Tensor:
    """The noise that `p.init_latent` would come from if it had been made by these texts.

    The texts are taken as they stand: no AND, no prompt editing.

    Returns:
        (B, C, h, w) float32.
    """
    if p.sd_model is None or p.init_latent is None or p.plan is None:
        raise RuntimeError("find_noise runs inside p.sample(), after p.init()")
    latent, concat = p.init_latent, p.image_conditioning
    if len(p.init_images) == 1:  # all rows are the same picture
        latent, concat = latent[:1], None if concat is None else concat[:1]
    rows = len(latent)
    positive, negative = (constant_conditioning([_encode(p, p.plan, text)] * rows) for text in (prompt, negative_prompt))
    levels, callbacks = _levels(p, p.plan), sampler_callbacks(p)
    noise = invert(p.sd_model, levels, plan, latent, positive, negative, concat=concat, callbacks=callbacks)
    if rows == len(p.init_latent):
        return noise
    repeated = noise.repeat(len(p.init_latent), 1, 1, 1)
    return repeated if plan.is_adjusted else repeated / repeated.std()


def sample_from(
    p: StableDiffusionProcessingImg2Img, found: Tensor, randomness: float, conditioning: object, unconditional_conditioning: object
) -> Tensor:
    """Sample the iteration in hand from found noise instead of latents with noise on top.

    Args:
        p: Inside `p.sample()`.
        found: (B, C, h, w), from `find_noise`.
        randomness: 0 = found noise alone, 1 = the noise of the seeds alone.
        conditioning, unconditional_conditioning: As `p.sample()` got them.

    Returns:
        (B, C, h, w) float32.
    """
    if p.init_latent is None or p.plan is None:
        raise RuntimeError("sample_from runs inside p.sample(), after p.init()")
    count = len(p.seeds)
    latent, found = p.init_latent[:count], found[:count]
    concat = None if p.image_conditioning is None else p.image_conditioning[:count]
    noise = mix_noise(found, make_noise(p, p.plan, latent).first(), randomness) if randomness else found
    largest = float(_levels(p, p.plan).model_schedule(max(p.plan.sampling.steps, 1))[0])
    # The sampler adds latents to noise; what is taken off here is what it adds at the largest sigma.
    sampling = dataclasses.replace(p.plan.sampling, noise_multiplier=1.0)
    return run_engine(p, sampling, latent, noise - latent / largest, conditioning, unconditional_conditioning, concat)  # type: ignore[arg-type]


def _encode(p: StableDiffusionProcessingImg2Img, plan: Plan, text: str) -> Tensor:
    """(tokens, width) float32."""
    if p.sd_model is None or p.context is None:
        raise RuntimeError("a model is loaded before prompts are encoded")
    options, encoder = plan.options, p.sd_model.text
    check_length([text], "original prompt")
    emphasis, embeddings = Emphasis(options.emphasis), p.context.embeddings.table(encoder)
    return encode_texts([text], encoder, options.CLIP_stop_at_last_layers, emphasis, options.comma_padding_backtrack, embeddings)[0]


def _levels(p: StableDiffusionProcessingImg2Img, plan: Plan) -> NoiseLevels:
    if p.sd_model is None:
        raise RuntimeError("a model is loaded before noise is found")
    return NoiseLevels(plan.sampling.adjust_alphas(p.sd_model.alphas_cumprod))
