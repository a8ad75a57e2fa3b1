"""The noise that a picture would come from: the sampler's path walked backwards.

References:
    Song, Meng & Ermon, "Denoising Diffusion Implicit Models", ICLR 2021, section 4.3 (encoding by the reversed ODE);
    Karras et al., "Elucidating the Design Space of Diffusion-Based Generative Models", NeurIPS 2022, equation 1 and algorithm 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from modules.engine.callbacks import SamplerCallbacks
from modules.engine.denoiser import Guidance, GuidedDenoiser
from modules.engine.levels import NoiseLevels
from modules.engine.model import DiffusionModel, Interrupted
from modules.engine.predictors import SigmaPredictor
from modules.engine.prompts.conditioning import Conditioning, ScheduledCond, SubPrompt


@dataclass(frozen=True)
class InversionPlan:
    """How to go back.

    Attributes:
        steps: Euler steps from the clean picture to the largest sigma; at least 1.
        scale: Guidance on the way.
        is_adjusted: Evaluate each step where it begins instead of where it ends, and divide by the largest sigma instead of by the
            spread of the result.
    """

    steps: int
    scale: float = 1.0
    is_adjusted: bool = False


@torch.no_grad()
def find_noise(
    model: DiffusionModel,
    levels: NoiseLevels,
    plan: InversionPlan,
    latent: Tensor,
    positive: Conditioning,
    negative: Conditioning,
    *,
    concat: Tensor | None = None,
    callbacks: SamplerCallbacks | None = None,
) -> Tensor:
    """Walk the model's own schedule from clean latents up to the largest sigma.

    Args:
        model: The diffusion model.
        levels: Its noise levels.
        plan: How.
        latent: (B, C, h, w) float32, clean, scaled.
        positive: Conditioning of B images by the text that describes the picture.
        negative: Conditioning of B images.
        concat: (B, K, h, w) float32, extra UNet input of inpainting and edit models.
        callbacks: `on_step` is told the latents on the way; an interruption ends the walk where it is.

    Returns:
        (B, C, h, w) float32 of about unit variance.
    """
    callbacks = callbacks or SamplerCallbacks()
    sigmas = levels.model_schedule(plan.steps).flip(0)
    denoiser = GuidedDenoiser(
        SigmaPredictor(model, levels),
        positive,
        negative,
        Guidance(plan.scale, asks_word_guide=False),
        concat=concat,
        callbacks=callbacks,
        total_steps=plan.steps,
    )
    x = latent
    try:
        for number, (sigma, sigma_next) in enumerate(zip(sigmas[:-1], sigmas[1:], strict=True), 1):
            at = float(sigma if plan.is_adjusted else sigma_next)
            if at > 0:  # at zero the latents are clean, and the slope of the path is zero
                x = x + (x - denoiser(x, at)) / at * float(sigma_next - sigma)
            callbacks.on_step(number, plan.steps, x)
    except Interrupted:
        pass
    return x / float(sigmas[-1]) if plan.is_adjusted else x / x.std()


def constant_conditioning(vectors: Sequence[Tensor]) -> Conditioning:
    """Conditioning that holds for the whole run: one (tokens, width) float32 an image."""
    return Conditioning(tuple((SubPrompt((ScheduledCond(0, cond),)),) for cond in vectors))


def mix_noise(found: Tensor, random: Tensor, randomness: float) -> Tensor:
    """Blend found with random noise so that independent parts keep unit variance.

    Args:
        found: (B, C, h, w).
        random: (B, C, h, w).
        randomness: 0 = `found`, 1 = `random`.
    """
    return ((1 - randomness) * found + randomness * random) / (randomness**2 + (1 - randomness) ** 2) ** 0.5
