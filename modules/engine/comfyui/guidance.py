"""Guided denoising with conditioning in parts.

References:
    Ho & Salimans, "Classifier-Free Diffusion Guidance", 2022, equation 6.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from modules.engine.blending import MaskBlending
from modules.engine.callbacks import DenoisedParams, DenoiserParams, SamplerCallbacks
from modules.engine.comfyui.conditioning import CondPart, Place, is_active, make_concat, place, settle_parts
from modules.engine.comfyui.masking import repeat_to
from modules.engine.comfyui.schedules import ComfyLevels
from modules.engine.denoiser import Denoiser
from modules.engine.devices import check_finite
from modules.engine.model import ModelKind
from modules.engine.predictors import Predictor

_AT_ONCE = 2
"""Parts that the model is given in one call: as many as a prompt and a negative prompt are."""
_NOTHING = 1e-37
"""Sum of weights where no part is: then the clean latents are 0 there."""

ChannelledPart = tuple[CondPart, Tensor | None]
"""A part, and the extra channels (B, K, h, w) that it gives the model."""


@dataclass(frozen=True)
class _Use:
    """One part in one model call: its vectors for B images, and its extra channels cut to its place."""

    is_positive: bool
    place: Place
    vectors: Tensor
    concat: Tensor | None

    @property
    def kind(self) -> tuple[int, ...]:
        """Equal for those that fit in one call."""
        return (self.vectors.shape[1], *self.place.weight.shape[-2:])


class PartsDenoiser(Denoiser):
    """Guidance by lists of parts.

    Args:
        predictor: Clean latents at a sigma.
        levels: Of the model, for parts that hold for a share of the run only.
        positive, negative: Settled parts (`conditioning.settle_parts`) with their extra channels (B, K, h, w) or None; no negative
            one at all leaves it out.
        cfg: Guidance scale.
        masking, callbacks, total_steps: See `Denoiser`.
    """

    def __init__(
        self,
        predictor: Predictor,
        levels: ComfyLevels,
        positive: Sequence[ChannelledPart],
        negative: Sequence[ChannelledPart],
        cfg: float,
        *,
        masking: MaskBlending | None = None,
        callbacks: SamplerCallbacks | None = None,
        total_steps: int = 0,
    ) -> None:
        super().__init__(predictor, masking=masking, callbacks=callbacks, total_steps=total_steps)
        self.levels, self.positive, self.negative, self.cfg = levels, positive, negative, cfg

    def guide(self, x: Tensor, levels: Tensor) -> Tensor:
        uses = self._uses(x, float(levels[0]))
        sums = {side: torch.zeros_like(x) for side in (True, False)}
        weights = {side: torch.full_like(x, _NOTHING) for side in (True, False)}
        for kind in dict.fromkeys(use.kind for use in uses):
            alike = [use for use in uses if use.kind == kind]
            for start in range(0, len(alike), _AT_ONCE):
                part = alike[start : start + _AT_ONCE]
                for use, output in zip(part, self._predict(x, levels, part), strict=True):
                    where = (..., use.place.rows, use.place.columns)
                    sums[use.is_positive][where] += output * use.place.weight
                    weights[use.is_positive][where] += use.place.weight
        cond = sums[True] / weights[True]
        if not self.negative:
            self.last_uncond = cond
            return cond
        uncond = sums[False] / weights[False]
        self.last_uncond = uncond
        return uncond + (cond - uncond) * self.cfg

    def _uses(self, x: Tensor, sigma: float) -> list[_Use]:
        uses = []
        for is_positive, parts in ((True, self.positive), (False, self.negative)):
            for part, concat in parts:
                if not is_active(part, sigma, self.levels):
                    continue
                where = place(part, x)
                if where.weight.numel() == 0:
                    continue
                cut = None if concat is None else concat[..., where.rows, where.columns]
                uses.append(_Use(is_positive, where, repeat_to(part.vectors.to(x), len(x)), cut))
        return uses

    def _predict(self, x: Tensor, levels: Tensor, uses: Sequence[_Use]) -> tuple[Tensor, ...]:
        """Clean latents of parts that fit in one model call."""
        halves = [[use.vectors for use in uses if use.is_positive is side] for side in (True, False)]
        none = uses[0].vectors[:0]
        concats = [use.concat for use in uses if use.concat is not None]
        params = DenoiserParams(
            torch.cat([x[..., use.place.rows, use.place.columns] for use in uses]),
            torch.cat(concats) if concats else None,
            levels.repeat(len(uses)),
            self.steps,
            self.total_steps,
            torch.cat([none, *halves[0]]),
            torch.cat([none, *halves[1]]),
            self,
        )
        self.callbacks.on_denoiser(params)
        context = torch.cat([params.text_cond, params.text_uncond])
        outputs = self.predictor(params.x, params.sigma, context, params.image_cond)
        denoised = DenoisedParams(outputs, self.steps, self.total_steps, self.predictor)
        self.callbacks.on_denoised(denoised)
        check_finite(denoised.x)
        return denoised.x.split(len(x))


def with_channels(
    kind: ModelKind,
    positive: Sequence[CondPart],
    negative: Sequence[CondPart],
    latent: Tensor,
    noise_mask: Tensor | None,
    scale_factor: float,
) -> tuple[list[ChannelledPart], list[ChannelledPart]]:
    """Both sides' parts, settled for these latents, each with the extra channels it gives the model."""

    def with_own(parts: Sequence[CondPart]) -> list[ChannelledPart]:
        return [(part, make_concat(kind, part, latent, noise_mask, scale_factor)) for part in parts]

    first, second = settle_parts(positive, negative, latent.shape[-2], latent.shape[-1])
    return with_own(first), with_own(second)
