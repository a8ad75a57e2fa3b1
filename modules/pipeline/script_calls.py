"""Functions that scripts call on `modules.processing` and `modules.sd_samplers`, with A1111's parameters, over our own."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from modules.engine.conventions.table import CONVENTIONS
from modules.engine.noise import ImageNoise, NoiseSource
from modules.engine.samplers.table import SAMPLERS
from modules.imaging.geometry import Extent
from modules.pipeline.infotext import build_infotext
from modules.pipeline.plan import resolve_seed
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.sampler_names import resolve_sampler
from modules.pipeline.stages.sample import encode_prompts, run_engine


def create_infotext(
    p: StableDiffusionProcessingImg2Img,
    all_prompts: Sequence[str] = (),
    all_seeds: Sequence[int] = (),
    all_subseeds: Sequence[int] = (),
    comments: object = None,
    iteration: int = 0,
    position_in_batch: int = 0,
    use_main_prompt: bool = False,
    index: int | None = None,
    all_negative_prompts: Sequence[str] | None = None,
) -> str:
    """The infotext of one picture of `p`, which must be running or have run; its size is that of `p` now.

    Args:
        p: The job.
        all_prompts, all_seeds, all_subseeds, all_negative_prompts: Instead of those of `p`.
        comments: Not used.
        iteration, position_in_batch: Which picture, where `index` is None.
        use_main_prompt: Tell `p.prompt`, not the picture's own.
        index: Which picture of the whole job.
    """
    if p.plan is None:
        raise RuntimeError("infotext can be made once process_images has planned the job")
    number = iteration * p.batch_size + position_in_batch if index is None else index
    shown = copy.copy(p)
    shown.all_prompts = [p.prompt] * (number + 1) if use_main_prompt else list(all_prompts or p.all_prompts)
    shown.all_negative_prompts = list(all_negative_prompts or p.all_negative_prompts)
    if use_main_prompt:
        shown.all_negative_prompts = [p.negative_prompt] * (number + 1)
    shown.all_seeds, shown.all_subseeds = list(all_seeds or p.all_seeds), list(all_subseeds or p.all_subseeds)
    return build_infotext(shown, dataclasses.replace(p.plan, working=Extent(int(p.width), int(p.height))), number)


def create_random_tensors(
    shape: Sequence[int],
    seeds: Sequence[int],
    subseeds: Sequence[int] | None = None,
    subseed_strength: float = 0.0,
    seed_resize_from_h: int = 0,
    seed_resize_from_w: int = 0,
    p: StableDiffusionProcessingImg2Img | None = None,
) -> Tensor:
    """(B, C, h, w) float32: the first noise of these seeds, drawn as the options of `p` want it.

    Args:
        shape: (C, h, w) in latent cells.
        seeds, subseeds: One an image.
        subseed_strength: 0 to 1.
        seed_resize_from_h, seed_resize_from_w: In picture pixels; 0 or less = no.
        p: The job; None = CPU noise.
    """
    channels, height, width = (int(size) for size in shape)
    model = p.sd_model if p is not None else None
    factor = model.latent_factor if model is not None else 8
    small = (max(seed_resize_from_h, 0) // factor, max(seed_resize_from_w, 0) // factor)
    return ImageNoise(
        (channels, height, width),
        seeds,
        subseeds=subseeds or (),
        subseed_strength=subseed_strength,
        resize_from=small if min(small) > 0 else None,
        source=NoiseSource(p.options.randn_source) if p is not None else NoiseSource.CPU,
        device=model.device if model is not None else None,
    ).first()


def get_fixed_seed(seed: object) -> int:
    """`seed`, also as text, or a random one for -1, None, "" and what is no number."""
    try:
        return resolve_seed(int(seed) if isinstance(seed, str) and seed.strip() else seed)
    except ValueError:
        return resolve_seed(None)


def decode_latent_batch(model: Any, batch: Tensor, target_device: Any = None, check_for_nans: bool = False) -> list[Tensor]:
    """(B, C, h, w) latents as a list of (3, H, W) pixels in [-1, 1], on `target_device`."""
    pixels = [model.decode(latent.float())[0] for latent in batch.split(1)]
    return pixels if target_device is None else [image.to(target_device) for image in pixels]


def decode_first_stage(model: Any, x: Tensor) -> Tensor:
    """(B, C, h, w) latents to (B, 3, H, W) pixels in [-1, 1]."""
    return torch.stack(decode_latent_batch(model, x))


class ScriptSampler:
    """A sampler as `sd_samplers.create_sampler` gives it: it runs inside `p.sample()`.

    Args:
        name: Of the sampler.
        compat: Whose name it is.
    """

    def __init__(self, name: str, compat: str = "a1111") -> None:
        self.name, _ = resolve_sampler(name, None, compat)
        self.config = CONVENTIONS.get(compat).samplers.get(self.name)

    def sample_img2img(
        self,
        p: StableDiffusionProcessingImg2Img,
        x: Tensor,
        noise: Tensor,
        conditioning: Any,
        unconditional_conditioning: Any,
        steps: int | None = None,
        image_conditioning: Tensor | None = None,
    ) -> Tensor:
        """Noise `x` and denoise it again; all (B, C, h, w), the result too."""
        if p.plan is None:
            raise RuntimeError("samplers run inside p.sample()")
        sampling = dataclasses.replace(p.plan.sampling, sampler=self.name, noise_multiplier=1.0, steps=steps or p.plan.sampling.steps)
        return run_engine(p, sampling, x, noise, conditioning, unconditional_conditioning, image_conditioning)


def encode_again(p: StableDiffusionProcessingImg2Img) -> None:
    """`p.setup_conds()`: encode what the prompts of the iteration in hand are now."""
    if p.plan is None:
        raise RuntimeError("p.setup_conds() works once process_images has planned the job")
    p.c, p.uc = encode_prompts(p, dataclasses.replace(p.plan, prompts=tuple(p.prompts), seeds=tuple(p.seeds)))


def create_sampler(name: str, model: object = None) -> ScriptSampler:
    """The sampler of that name; it runs on the model of the job.

    Raises:
        UnknownName: There is none.
    """
    return ScriptSampler(name)


def find_sampler_config(name: str | None) -> Any:
    """What is known of a sampler; of the first one for None, None for an unknown one."""
    if not name:
        return next(spec for _, spec in SAMPLERS.items())
    return SAMPLERS.get(name) if name in SAMPLERS else None
