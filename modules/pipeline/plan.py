"""A job with everything resolved: derived once from the request, checked, then frozen."""

from __future__ import annotations

import dataclasses
import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modules.backends.catalog import is_builtin_name
from modules.base.errors import InvalidRequest
from modules.imaging.fills import MaskedContent
from modules.imaging.geometry import Box, Extent
from modules.imaging.outpainting import Outpaint
from modules.imaging.resize import ResizeMode, Upscaler
from modules.imaging.upscalers import UPSCALERS, find_upscaler
from modules.settings.options import Options

if TYPE_CHECKING:
    from modules.engine.sampling import SamplingPlan
    from modules.pipeline.processing import StableDiffusionProcessingImg2Img

MAX_STEPS = 1000
MAX_SIDE_PX = 8192
MAX_WORKING_AREA_PX = 4096 * 2048
MAX_BATCH_SIZE = 64
MAX_ITERATIONS = 1000
MAX_REGION_PX = 2**20
COMFYUI = "comfyui"
RANDOM_SEEDS = 4294967294
LIMITS: dict[str, tuple[float, float]] = {
    "cfg_scale": (-1000, 1000),
    "image_cfg_scale": (-1000, 1000),
    "denoising_strength": (-1000, 1000),
    "subseed_strength": (-100, 100),
    "initial_noise_multiplier": (-100, 100),
    "eta": (-100, 100),
    "s_churn": (0, 10_000),
    "s_noise": (0, 100),
}
"""Far beyond what makes a picture; further out, the model would answer with NaN and be blamed for it."""


@dataclass(frozen=True)
class Framing:
    """The part of a plan that says how pictures and mask are brought to the model; no model is needed to know it.

    Attributes:
        working: Size the model sees, px.
        seeds: One for each picture of the whole job.
        upscaler: Enlarges colour pictures; None = Lanczos.
        mask_blur: (x, y) Gaussian sigmas in px.
        crop_region: A person's own crop for only-masked work, in pixels of the picture; None = mask and padding decide.
    """

    working: Extent
    seeds: tuple[int, ...]
    resize_mode: ResizeMode
    upscaler: Upscaler | None
    content: MaskedContent
    grow_mask_by: int
    is_mask_inverted: bool
    is_mask_rounded: bool
    mask_blur: tuple[float, float]
    is_only_masked: bool
    padding_px: int
    crop_region: Box | None
    options: Options

    @property
    def is_comfyui(self) -> bool:
        """Whether ComfyUI's rules hold, not A1111's."""
        return self.options.compat == COMFYUI


@dataclass(frozen=True)
class Plan(Framing):
    """What will be done.

    Attributes:
        subseeds, prompts, negative_prompts: One for each picture of the whole job, as are seeds.
        seed_resize: Size whose noise is imitated; None = not.
        sampling: Sampler, schedule, guidance and noise strategy; its `compat` says whose conventions hold.
    """

    batch_size: int
    iterations: int
    prompts: tuple[str, ...]
    negative_prompts: tuple[str, ...]
    subseeds: tuple[int, ...]
    subseed_strength: float
    seed_resize: Extent | None
    sampling: SamplingPlan
    is_tiling: bool

    def iteration_slice(self, index: int) -> slice:
        """Which pictures iteration `index` makes."""
        return slice(index * self.batch_size, (index + 1) * self.batch_size)


def has_builtin_model(p: StableDiffusionProcessingImg2Img) -> bool:
    """Whether the job runs on the model that comes with the program."""
    return p.sd_model is not None and is_builtin_name(p.sd_model.name)


def blends_seam(p: StableDiffusionProcessingImg2Img, plan: Plan) -> bool:
    """Whether a job leads what it repaints over into its surroundings."""
    wanted, is_masked = plan.options.pentimento_blend_seam, p.image_mask is not None
    return is_masked and not plan.is_comfyui and (wanted == "Always" or (wanted == "Automatic" and has_builtin_model(p)))


def resolve_seed(seed: object) -> int:
    """`seed`, or a random one in [0, 4294967294) for -1, None and ""."""
    if seed in (None, "", -1):
        return random.randrange(RANDOM_SEEDS)
    return _whole("seed", seed, -(2**63), 2**64 - 1)


def check_request(p: StableDiffusionProcessingImg2Img) -> None:
    """Check everything that does not depend on a model.

    Raises:
        InvalidRequest: Names the first field that cannot be used.
    """
    _whole("steps", p.steps, 1, MAX_STEPS)
    for name in ("width", "height"):
        _whole(name, getattr(p, name), 8, MAX_SIDE_PX)
    if p.width * p.height > MAX_WORKING_AREA_PX:
        raise InvalidRequest("width", f"{p.width}x{p.height}", f"a working size of at most {MAX_WORKING_AREA_PX} pixels")
    _whole("batch_size", p.batch_size, 1, MAX_BATCH_SIZE)
    _whole("n_iter", p.n_iter, 1, MAX_ITERATIONS)
    for name in ("cfg_scale", "denoising_strength", "subseed_strength"):
        _within(name, getattr(p, name), *LIMITS[name])
    for name in ("image_cfg_scale", "initial_noise_multiplier", "eta", "s_churn", "s_noise"):
        if getattr(p, name) is not None:
            _within(name, getattr(p, name), *LIMITS[name])
    for name in ("s_tmin", "s_tmax", "s_min_uncond"):  # they only divide the steps: any number does
        if getattr(p, name) is not None:
            _finite(name, getattr(p, name))
    for name in ("mask_blur", "mask_blur_x", "mask_blur_y"):
        if getattr(p, name) is not None:
            _within(name, getattr(p, name), 0, 1024)
    _whole("inpaint_full_res_padding", p.inpaint_full_res_padding, 0, MAX_SIDE_PX)
    _whole("grow_mask_by", p.grow_mask_by, 0, 64)
    if p.crop_region is not None:
        _check_region(p.crop_region)
    Outpaint.parse(p.outpaint)
    for name in ("seed_resize_from_w", "seed_resize_from_h"):
        _whole(name, getattr(p, name) or -1, -1, MAX_SIDE_PX)
    if p.resize_mode not in list(ResizeMode):
        raise InvalidRequest("resize_mode", p.resize_mode, "0 (stretch), 1 (crop), 2 (fill) or 3 (stretch latents)")
    MaskedContent.parse(p.inpainting_fill)
    if not p.init_images:
        raise InvalidRequest("init_images", p.init_images, "at least one picture")
    if len(p.init_images) > max(p.batch_size, 1):
        raise InvalidRequest("init_images", f"{len(p.init_images)} pictures", f"at most batch_size = {p.batch_size}")
    if p.resize_mode == ResizeMode.LATENT:
        _check_latent_resize([image.size for image in p.init_images])


def _check_latent_resize(sizes: list[tuple[int, int]]) -> None:
    # This mode alone shows pictures to the model at their own size.
    for width, height in sizes:
        if min(width, height) < 8 or width * height > MAX_WORKING_AREA_PX:
            raise InvalidRequest(
                "init_images", f"{width}x{height}", f"sides from 8 px and at most {MAX_WORKING_AREA_PX} pixels, with resize_mode 3"
            )
    if len(set(sizes)) > 1:
        raise InvalidRequest("init_images", sizes, "pictures of one size, with resize_mode 3")


def derive_plan(p: StableDiffusionProcessingImg2Img, sampling: SamplingPlan) -> Plan:
    """Freeze `p`, whose prompts and seeds are lists by now.

    Args:
        p: Checked by `check_request`; hooks have run.
        sampling: From `stages.sample.plan_sampling`.
    """
    framing = derive_framing(p, p.all_seeds)
    resize_from = (p.seed_resize_from_w or 0, p.seed_resize_from_h or 0)
    return Plan(
        **{field.name: getattr(framing, field.name) for field in dataclasses.fields(framing)},
        batch_size=int(p.batch_size),
        iterations=int(p.n_iter),
        prompts=tuple(p.all_prompts),
        negative_prompts=tuple(p.all_negative_prompts),
        subseeds=tuple(p.all_subseeds),
        subseed_strength=float(p.subseed_strength),
        seed_resize=Extent(*resize_from) if min(resize_from) > 0 else None,
        sampling=sampling,
        is_tiling=p.options.tiling if p.tiling is None else bool(p.tiling),
    )


def derive_framing(p: StableDiffusionProcessingImg2Img, seeds: Sequence[int], options: Options | None = None) -> Framing:
    """How pictures and mask of `p`, which was checked, are brought to the model; under its own options where none are given."""
    blur, options = p.mask_blur, options or p.options
    return Framing(
        working=Extent(int(p.width), int(p.height)),
        seeds=tuple(seeds),
        resize_mode=ResizeMode(p.resize_mode),
        upscaler=_find_upscaler(p, options.upscaler_for_img2img),
        content=MaskedContent.parse(p.inpainting_fill),
        grow_mask_by=int(p.grow_mask_by),
        is_mask_inverted=bool(p.inpainting_mask_invert),
        is_mask_rounded=bool(p.mask_round),
        mask_blur=(p.mask_blur_x, p.mask_blur_y) if blur is None else (blur, blur),
        is_only_masked=bool(p.inpaint_full_res),
        padding_px=int(p.inpaint_full_res_padding),
        crop_region=None if p.crop_region is None else Box.from_edges(*(int(edge) for edge in p.crop_region)),
        options=options,
    )


def _find_upscaler(p: StableDiffusionProcessingImg2Img, name: str) -> Upscaler | None:
    if p.context is not None:
        return p.context.upscalers.find(name, "upscaler_for_img2img")
    # Looked at before a job runs: networks take too long for that, and Lanczos shows the same.
    return find_upscaler(name) if name in UPSCALERS else None


def _check_region(region: object) -> None:
    wanted = "four whole numbers: left, top, right, bottom in pixels of the picture, with left < right and top < bottom"
    if not isinstance(region, list | tuple) or len(region) != 4:
        raise InvalidRequest("crop_region", region, wanted)
    left, top, right, bottom = (_whole("crop_region", edge, -MAX_REGION_PX, MAX_REGION_PX) for edge in region)
    if left >= right or top >= bottom:
        raise InvalidRequest("crop_region", list(region), wanted)


def _finite(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise InvalidRequest(name, value, "a finite number")
    return value


def _within(name: str, value: object, low: float, high: float) -> float:
    number = _finite(name, value)
    if not low <= number <= high:
        raise InvalidRequest(name, value, f"a number from {low:g} to {high:g}")
    return number


def _whole(name: str, value: object, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value != int(value):
        raise InvalidRequest(name, value, "a whole number")
    if not low <= value <= high:
        raise InvalidRequest(name, value, f"a whole number from {low} to {high}")
    return int(value)
