"""What scripts call on A1111's `sd_samplers`, `sd_samplers_common`, `sd_schedulers` and `rng`, over our own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from modules.base.errors import UnknownName
from modules.engine.model import Interrupted
from modules.engine.noise import ImageNoise, NoiseSource
from modules.engine.samplers.table import SAMPLERS, SamplerSpec
from modules.engine.schedules import plan_steps
from modules.pipeline.context import RUNNING
from modules.pipeline.live_preview import APPROXIMATIONS, FULL, show_latent
from modules.pipeline.sampler_names import AUTOMATIC, resolve_sampler
from modules.pipeline.script_calls import decode_first_stage
from modules.settings.options import Options

InterruptedException = Interrupted
approximation_indexes = APPROXIMATIONS
LATENT_FACTOR = 8


class SamplerData(NamedTuple):
    """How A1111 describes a sampler; ours are `SamplerSpec`s, which have the same attributes but for `constructor`."""

    name: str
    constructor: Callable[[Any], Any]
    aliases: list[str]
    options: dict[str, Any]

    def total_steps(self, steps: int) -> int:
        return steps * 2 if self.options.get("second_order") else steps


def all_specs() -> list[SamplerSpec]:
    return [spec for _, spec in SAMPLERS.items()]


def visible_samplers() -> list[SamplerSpec]:
    """All: none is hidden."""
    return all_specs()


def visible_sampler_names() -> list[str]:
    return [spec.name for spec in all_specs()]


def set_samplers() -> None:
    """Accepted: the table of samplers is fixed."""


def get_sampler_from_infotext(d: dict[str, Any]) -> str:
    """The sampler that an infotext names."""
    return get_sampler_and_scheduler(d.get("Sampler"), d.get("Schedule type"))[0]


def get_scheduler_from_infotext(d: dict[str, Any]) -> str:
    return get_sampler_and_scheduler(d.get("Sampler"), d.get("Schedule type"))[1]


def get_sampler_and_scheduler(sampler_name: str | None, scheduler_name: str | None) -> tuple[str, str]:
    """Both by their proper names: "DPM++ 2M Karras" is ("DPM++ 2M", "Karras"). Unknown ones become the first sampler, and Automatic."""
    try:
        sampler, scheduler = resolve_sampler(sampler_name or all_specs()[0].name, scheduler_name)
    except UnknownName:
        return all_specs()[0].name, AUTOMATIC
    return sampler, scheduler


def setup_img2img_steps(p: Any, steps: int | None = None) -> tuple[int, int]:
    """(length of the schedule, steps back from its end, less one) of an img2img run."""
    options = getattr(p, "options", None) or Options()
    planned = plan_steps(int(steps or p.steps), float(p.denoising_strength), options.img2img_fix_steps or steps is not None)
    return planned.schedule_steps, planned.t_enc


def single_sample_to_image(sample: Tensor, approximation: int | None = None) -> Image.Image:
    """A picture of one latent (C, h, w), drawn in the way that has this number; None = as the options say."""
    running = _running()
    ways = {number: way for way, number in APPROXIMATIONS.items()}
    way = running.options.show_progress_type if approximation is None else ways.get(approximation, FULL)
    return show_latent(sample, running.sd_model, way, running.context.paths)


def sample_to_image(samples: Tensor, index: int = 0, approximation: int | None = None) -> Image.Image:
    """The same, of one of (B, C, h, w) latents."""
    return single_sample_to_image(samples[index], approximation)


def images_tensor_to_samples(image: Tensor, approximation: int | None = None, model: Any = None) -> Tensor:
    """(B, 3, H, W) pixels in [0, 1] to scaled (B, C, h, w) latents."""
    model = model or _model()
    return torch.cat([model.encode(part.float() * 2 - 1) for part in image.to(model.device).split(1)])


def samples_to_images_tensor(sample: Tensor, approximation: int | None = None, model: Any = None) -> Tensor:
    """(B, C, h, w) latents to (B, 3, H, W) pixels in [-1, 1]."""
    return decode_first_stage(model or _model(), sample)


def _running() -> Any:
    running = RUNNING.get()
    if running is None or running.sd_model is None:
        raise RuntimeError("latents become pictures within a job, once its model is loaded")
    return running


def _model() -> Any:
    return _running().sd_model


class ImageRNG(ImageNoise):
    """A1111's name and arguments for the noise of a batch.

    Args:
        shape: (C, h, w).
        seeds, subseeds: One an image.
        subseed_strength: 0 to 1.
        seed_resize_from_h, seed_resize_from_w: In picture pixels; 0 or less = no.
    """

    def __init__(
        self,
        shape: Sequence[int],
        seeds: Sequence[int],
        subseeds: Sequence[int] | None = None,
        subseed_strength: float = 0.0,
        seed_resize_from_h: int = 0,
        seed_resize_from_w: int = 0,
    ) -> None:
        small = (max(seed_resize_from_h or 0, 0) // LATENT_FACTOR, max(seed_resize_from_w or 0, 0) // LATENT_FACTOR)
        running = RUNNING.get()
        options = running.options if running is not None else Options()
        super().__init__(
            (int(shape[0]), int(shape[1]), int(shape[2])),
            seeds,
            subseeds=subseeds or (),
            subseed_strength=subseed_strength,
            resize_from=small if min(small) > 0 else None,
            source=NoiseSource(options.randn_source),
            ensd=options.eta_noise_seed_delta,
            device=running.sd_model.device if running is not None and running.sd_model is not None else None,
        )
