"""Guided denoising: one call runs the model on prompts and negative prompts, combines them, and blends masked parts.

References:
    Ho & Salimans, "Classifier-Free Diffusion Guidance", 2022, equation 6.
    Liu et al., "Compositional Visual Generation with Composable Diffusion Models", ECCV 2022, equation 11 (AND).
    Brooks et al., "InstructPix2Pix", CVPR 2023, equation 3 (picture guidance).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from modules.base.errors import InvalidRequest
from modules.engine.blending import MaskBlending
from modules.engine.callbacks import DenoisedParams, DenoiserParams, GuidedParams, SamplerCallbacks
from modules.engine.devices import check_finite
from modules.engine.model import Interrupted
from modules.engine.predictors import Predictor
from modules.engine.prompts.conditioning import Conditioning, extend
from modules.engine.word_guide import STRENGTH

Weights = tuple[tuple[tuple[int, float], ...], ...]


@dataclass(frozen=True)
class Guidance:
    """How prompts, negative prompts and pictures pull.

    Attributes:
        scale: 1 = the negative prompt has no influence (it is evaluated all the same, unless `is_alone`).
        picture_scale: Of edit models; None = ordinary guidance.
        skip_below: Leave the negative prompt out below this level, on odd calls only unless `skip_every`; 0 = never.
        skip_every: See `skip_below`.
        skip_first: Leave it out for this first share of the calls.
        is_batched: One model call for both halves.
        empty_prompt: (77, width) pads the shorter half; None = do not.
        repeats_last: Pad or cut the negative half by its last vector (A1111's "v0").
        is_alone: Leave the negative prompt out altogether.
        asks_word_guide: Let the model's guide of words, where it has one, pull.
    """

    scale: float
    picture_scale: float | None = None
    skip_below: float = 0.0
    skip_every: bool = False
    skip_first: float = 0.0
    is_batched: bool = True
    empty_prompt: Tensor | None = None
    repeats_last: bool = False
    is_alone: bool = False
    asks_word_guide: bool = True


class Denoiser:
    """Callable (x, level) -> guided prediction, counting its calls: what all ways of guiding share.

    Args:
        predictor: The model as the sampler's family sees it.
        masking: How parts are kept; None = nothing.
        callbacks: Of the run.
        total_steps: Sampler steps of the run, for the callbacks.

    Attributes:
        calls: Model calls so far: what prompt schedules are looked up by.
        steps: Sampler steps finished so far; the run counts them.
        clean: (B, C, h, w) latest estimate of the clean latents; None before the first call.
        last_uncond: (B, C, h, w) latest unguided prediction.
        is_padded: Whether prompts of unequal length were padded.
        has_skipped_low: Whether the negative prompt was left out below `Guidance.skip_below`.
    """

    def __init__(
        self,
        predictor: Predictor,
        *,
        masking: MaskBlending | None = None,
        callbacks: SamplerCallbacks | None = None,
        total_steps: int = 0,
    ) -> None:
        self.predictor, self.masking, self.total_steps = predictor, masking, total_steps
        self.callbacks = callbacks or SamplerCallbacks()
        self.calls = self.steps = 0
        self.clean: Tensor | None = None
        self.last_uncond: Tensor | None = None
        self.is_padded = self.has_skipped_low = False

    def __call__(self, x: Tensor, level: Tensor | float) -> Tensor:
        """Denoise a batch.

        Args:
            x: (B, C, h, w).
            level: Sigma or timestep, the same for all images.

        Returns:
            (B, C, h, w): clean latents, or noise, as the predictor's family has it.

        Raises:
            Interrupted: The caller asked to stop.
            NansException: The model's output is not a number.
        """
        if self.callbacks.is_interrupted():
            raise Interrupted
        levels = torch.as_tensor(level, dtype=torch.float32).to(x.device).expand(len(x)).clone()
        if self.masking:
            x = self.masking.enter(x, levels, self)
        result = self.guide(x, levels)
        if self.masking:
            result = self.masking.leave(result, levels, self)
        self.clean = self.predictor.clean(x, result, levels)
        guided = GuidedParams(result, self.steps, self.total_steps)
        self.callbacks.on_guided(guided)
        self.calls += 1
        return guided.x

    def guide(self, x: Tensor, levels: Tensor) -> Tensor:
        """The guided prediction (B, C, h, w) for latents `x` at `levels` (B,); sets `last_uncond`."""
        raise NotImplementedError


class GuidedDenoiser(Denoiser):
    """Guidance by one prompt, or parts joined by AND, and a negative prompt, both of which may change from call to call.

    Args:
        predictor: The model as the sampler's family sees it.
        positive, negative: Conditioning of the batch.
        guidance: How they are combined.
        masking: How parts are kept; None = nothing.
        concat: (B, K, h, w) extra input channels, or None.
        callbacks: Of the run.
        total_steps: Sampler steps of the run, for the callbacks.
        total_calls: Model calls of the run, for `Guidance.skip_first`.
    """

    def __init__(
        self,
        predictor: Predictor,
        positive: Conditioning,
        negative: Conditioning,
        guidance: Guidance,
        *,
        masking: MaskBlending | None = None,
        concat: Tensor | None = None,
        callbacks: SamplerCallbacks | None = None,
        total_steps: int = 0,
        total_calls: int = 0,
    ) -> None:
        super().__init__(predictor, masking=masking, callbacks=callbacks, total_steps=total_steps)
        self.positive, self.negative, self.guidance = positive, negative, guidance
        self.concat, self.total_calls = concat, total_calls

    def guide(self, x: Tensor, levels: Tensor) -> Tensor:
        params, weights = self._batch(x, levels)
        self.callbacks.on_denoiser(params)
        outputs, is_guided = self._predict(params, weights, levels)
        self.last_uncond = outputs[-len(x) :]
        result = self._combine(outputs, weights, len(x), is_guided)
        return self._pull(result, x, levels, params, weights) if self.guidance.asks_word_guide else result

    def _pull(self, result: Tensor, x: Tensor, levels: Tensor, params: DenoiserParams, weights: Weights) -> Tensor:
        """Move a guided prediction by what the model's guide of words says of each part of the prompt, at every CFG scale alike."""
        rows = slice(0, len(params.text_cond))
        concat = None if params.image_cond is None else params.image_cond[rows]
        pull = self.predictor.pull(params.x[rows], params.sigma[rows], params.text_cond, concat)
        if pull is None:
            return result
        step = torch.zeros_like(result)
        for image, parts in enumerate(weights):
            for row, weight in parts:
                step[image] += (STRENGTH * weight) * pull[row]
        pulled = [image for image in range(len(result)) if step[image].any()]
        if not pulled:
            return result
        moved = result[pulled] + step[pulled]
        excess = self.predictor.excess(x[pulled], moved, levels[pulled], None if self.concat is None else self.concat[pulled])
        found = result.clone()
        found[pulled] = moved if excess is None else moved - excess
        return found

    @property
    def is_picture_guided(self) -> bool:
        return self.guidance.picture_scale is not None and self.concat is not None

    def _batch(self, x: Tensor, levels: Tensor) -> tuple[DenoiserParams, Weights]:
        """Everything repeated for sub-prompts (image after image), then for the unconditional part(s)."""
        positive, negative = self.positive.at(self.calls), self.negative.at(self.calls)
        cond, uncond = self._pad(positive.vectors.to(x.device), negative.vectors.to(x.device))
        if self.is_picture_guided and len(cond) != len(x):
            raise InvalidRequest(
                "prompt", "parts joined by AND", "one part, where an edit model is guided by its picture (image_cfg_scale)"
            )
        rows = [image for image, parts in enumerate(positive.weights) for _ in parts]
        rows += list(range(len(x))) * (2 if self.is_picture_guided else 1)
        concat = None
        if self.concat is not None:
            concat = self.concat[rows]
            if self.is_picture_guided:
                concat[-len(x) :] = 0
        level = levels[:1].repeat(len(rows))  # values of their own: callbacks change them in place
        return DenoiserParams(x[rows], concat, level, self.steps, self.total_steps, cond, uncond, self), positive.weights

    def _pad(self, cond: Tensor, uncond: Tensor) -> tuple[Tensor, Tensor]:
        missing = cond.shape[1] - uncond.shape[1]
        if missing == 0:
            return cond, uncond
        if self.guidance.repeats_last:
            self.is_padded = True
            return cond, extend(uncond, cond.shape[1])[:, : cond.shape[1]]
        empty = self.guidance.empty_prompt
        if empty is None:
            return cond, uncond
        self.is_padded = True
        fillers = [torch.cat([half, empty.to(half).repeat(len(half), abs(missing) // len(empty), 1)], dim=1) for half in (cond, uncond)]
        return (cond, fillers[1]) if missing > 0 else (fillers[0], uncond)

    def _skips_uncond(self, levels: Tensor) -> bool:
        guidance = self.guidance
        if guidance.is_alone:
            return True
        is_early = guidance.skip_first != 0 and self.total_calls > 0 and self.calls / self.total_calls <= guidance.skip_first
        is_turn = guidance.skip_every or self.calls % 2 == 1
        is_low = is_turn and guidance.skip_below > 0 and float(levels[0]) < guidance.skip_below
        if self.is_picture_guided:
            return is_early
        self.has_skipped_low = self.has_skipped_low or (is_low and not is_early)
        return is_early or is_low

    def _predict(self, params: DenoiserParams, weights: Weights, levels: Tensor) -> tuple[Tensor, bool]:
        """Outputs of all rows, the unconditional ones last, and whether these are true and not stand-ins."""
        cond, uncond, count = params.text_cond, params.text_uncond, len(levels)
        is_skipped = self._skips_uncond(levels)
        # Of a picture-guided batch (prompt, negative prompt and picture, negative prompt alone) only the last part is left out.
        unconds = [uncond] * ((not is_skipped) + self.is_picture_guided)
        if cond.shape[1] == uncond.shape[1] or not unconds:
            outputs = self._run(params, [(torch.cat([cond, *unconds]), 0)], None if self.guidance.is_batched else count)
        else:
            halves = [(cond, 0), (torch.cat(unconds), len(cond))]
            outputs = self._run(params, halves, count * 2 if self.guidance.is_batched else count)
        if is_skipped:
            outputs = torch.cat([outputs, outputs[[parts[0][0] for parts in weights]]])
        denoised = DenoisedParams(outputs, self.steps, self.total_steps, self.predictor)
        self.callbacks.on_denoised(denoised)
        check_finite(denoised.x)
        return denoised.x, not is_skipped

    def _run(self, params: DenoiserParams, contexts: list[tuple[Tensor, int]], at_most: int | None) -> Tensor:
        """Run the model over rows in chunks of `at_most`; each context comes with the row it begins at."""
        outputs = []
        for context, first in contexts:
            size = at_most or len(context)
            for start in range(0, len(context), size):
                part = context[start : start + size]
                rows = slice(first + start, first + start + len(part))
                concat = None if params.image_cond is None else params.image_cond[rows]
                outputs.append(self.predictor(params.x[rows], params.sigma[rows], part, concat))
        return torch.cat(outputs)

    def _combine(self, outputs: Tensor, weights: Weights, count: int, is_guided: bool) -> Tensor:
        scale = self.guidance.scale if is_guided else 1.0
        if self.is_picture_guided and self.guidance.picture_scale is not None:
            cond, picture, uncond = outputs.chunk(3)
            return uncond + self.guidance.scale * (cond - picture) + self.guidance.picture_scale * (picture - uncond)
        uncond = outputs[-count:]
        result = uncond.clone()
        for image, parts in enumerate(weights):
            for row, weight in parts:
                result[image] += (outputs[row] - uncond[image]) * (weight * scale)
        return result
