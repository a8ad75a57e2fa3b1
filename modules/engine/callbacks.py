"""What a caller may watch or change while latents are sampled.

The parameter objects carry the attribute names that A1111's `script_callbacks` uses, so that plugins can be handed them as they are.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


@dataclass
class DenoiserParams:
    """Before a model call; every attribute may be replaced.

    Attributes:
        x: (N, C, h, w), the whole batch: sub-prompts of all images, then the unconditional half.
        image_cond: (N, K, h, w) concatenated channels, or None.
        sigma: (N,) noise level; the timestep for timestep samplers.
        sampling_step: Sampler steps finished so far in this run.
        total_sampling_steps: Sampler steps of this run.
        text_cond: (sub-prompts, tokens, width).
        text_uncond: (B, tokens, width).
        denoiser: The calling `GuidedDenoiser`.
    """

    x: Tensor
    image_cond: Tensor | None
    sigma: Tensor
    sampling_step: int
    total_sampling_steps: int
    text_cond: Tensor
    text_uncond: Tensor
    denoiser: object = None


@dataclass
class DenoisedParams:
    """After a model call, before guidance; `x` (N, C, h, w) may be changed in place."""

    x: Tensor
    sampling_step: int
    total_sampling_steps: int
    inner_model: object = None


@dataclass
class GuidedParams:
    """After guidance and mask blending; `x` (B, C, h, w) may be replaced (A1111: AfterCFGCallbackParams)."""

    x: Tensor
    sampling_step: int
    total_sampling_steps: int


@dataclass
class ExtraNoiseParams:
    """Before extra noise (`SamplingPlan.extra_noise`) is added to the latents that the sampler starts from.

    Attributes:
        noise: (B, C, h, w), what is scaled and added; may be replaced.
        x: (B, C, h, w), start latents without noise.
        xi: (B, C, h, w), start latents with the sampler's first noise.
    """

    noise: Tensor
    x: Tensor
    xi: Tensor


@dataclass
class BlendParams:
    """One blend of diffused with original latents.

    Attributes:
        current_latent: (B, C, h, w) what the sampler made.
        nmask: 1 = repaint, broadcastable to the latents.
        init_latent: (B, C, h, w) clean latents of the start picture.
        mask: 1 - nmask.
        blended_latent: (B, C, h, w) linear blend; replace it to blend in another way.
        denoiser: The calling denoiser; None for the last blend, after sampling.
        sigma: (B,) noise level (timestep for timestep samplers); None for the last blend.
    """

    current_latent: Tensor
    nmask: Tensor
    init_latent: Tensor
    mask: Tensor
    blended_latent: Tensor
    denoiser: object = None
    sigma: Tensor | None = None

    @property
    def is_final_blend(self) -> bool:
        return self.denoiser is None


def _ignore(*_: object) -> None:
    return None


def _never() -> bool:
    return False


@dataclass(frozen=True)
class SamplerCallbacks:
    """Functions that the step loop calls; each defaults to doing nothing.

    Attributes:
        on_step: (steps finished, total, denoised latents (B, C, h, w)), after every sampler step.
        is_interrupted: Asked before every model call.
        on_extra_noise, on_denoiser, on_denoised, on_guided: See the parameter classes.
        on_blend: May replace `blended_latent`.
    """

    on_step: Callable[[int, int, Tensor], None] = _ignore
    is_interrupted: Callable[[], bool] = _never
    on_extra_noise: Callable[[ExtraNoiseParams], None] = _ignore
    on_denoiser: Callable[[DenoiserParams], None] = _ignore
    on_denoised: Callable[[DenoisedParams], None] = _ignore
    on_guided: Callable[[GuidedParams], None] = _ignore
    on_blend: Callable[[BlendParams], None] = _ignore
