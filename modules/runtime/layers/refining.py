"""What was completed behind lifted parts, gently repainted by the built-in model; within a job of the queue alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from PIL import Image

from modules.base.errors import PentimentoError
from modules.base.registry import load_dotted
from modules.runtime.context import JobContext
from modules.runtime.jobs import Job
from modules.runtime.presets import BUILTIN_PRESET

logger = logging.getLogger(__name__)

STRENGTH, STEPS, SEED = 0.3, 12, 20041
_CONTEXT: ContextVar[JobContext | None] = ContextVar("layers_context", default=None)


@contextmanager
def within(context: JobContext) -> Iterator[None]:
    """Work that is done inside may be refined."""
    token = _CONTEXT.set(context)
    try:
        yield
    finally:
        _CONTEXT.reset(token)


@dataclass(eq=False)
class InnerJob(Job):
    """A run within a job, whose steps are none of the whole one's; interrupting that stops this."""

    whole: Job | None = None

    @property
    def is_interrupted(self) -> bool:
        return super().is_interrupted or (self.whole is not None and self.whole.is_interrupted)


@dataclass(frozen=True)
class Refiner:
    """Betters a filled hole (`imaging.lifting.completion.Refine`).

    Attributes:
        process: Runs one request of the pipeline.
        checkpoints: Gives all checkpoints; the built-in one is used.
    """

    process: Callable[[Any, Any], Any]
    checkpoints: Callable[[], list[Any]]

    def __call__(self, rgb: Any, mask: Any) -> Any:
        """(H, W, 3) uint8, equal to `rgb` where the (H, W) mask is 0; `rgb` itself where there is no model or no job."""
        context = _CONTEXT.get()
        title = next((info.title for info in self.checkpoints() if info.is_builtin), None)
        if context is None or title is None or not np.any(mask):
            return rgb
        job = InnerJob(context.job.owner, None, whole=context.job)
        try:
            result = self.process(self._request(rgb, mask, title), replace(context, job=job))
        except PentimentoError as error:
            logger.warning("what lies behind is not refined: %s", error)
            return rgb
        pictures = [] if job.is_interrupted else list(result.pictures)
        if not pictures or pictures[0].size != (rgb.shape[1], rgb.shape[0]):
            return rgb
        made = np.array(pictures[0].convert("RGB"))
        return np.where(np.asarray(mask)[..., None] > 0, made, rgb)

    def _request(self, rgb: Any, mask: Any, title: str) -> Any:
        make: Any = load_dotted("modules.pipeline.processing:Img2ImgProcessing")
        side = BUILTIN_PRESET.width
        return make(
            init_images=[Image.fromarray(rgb)],
            image_mask=Image.fromarray(np.asarray(mask, np.uint8)),
            width=side,
            height=side,
            denoising_strength=STRENGTH,
            steps=STEPS,
            cfg_scale=1.0,
            sampler_name=BUILTIN_PRESET.sampler_name,
            scheduler=BUILTIN_PRESET.scheduler,
            seed=SEED,
            inpainting_fill=1,
            inpaint_full_res=True,
            inpaint_full_res_padding=BUILTIN_PRESET.inpaint_full_res_padding,
            mask_blur=BUILTIN_PRESET.mask_blur,
            override_settings={"sd_model_checkpoint": title},
            do_not_save_samples=True,
            do_not_save_grid=True,
        )
