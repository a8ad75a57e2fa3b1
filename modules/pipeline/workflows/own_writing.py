"""The request of one picture as it travels in a workflow's `extra`: see `own_request`."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from PIL import Image

from modules.imaging.masks import to_mask
from modules.pipeline.plan import Plan
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.stages.prepare import flatten_start
from modules.pipeline.workflows.own_request import PICTURE_SECTIONS, OwnRequest
from modules.settings.options import Options, option_fields

FIELDS = (
    *("cfg_scale", "width", "height", "steps", "sampler_name", "scheduler", "denoising_strength", "tiling", "eta", "s_min_uncond"),
    *("s_churn", "s_tmax", "s_tmin", "s_noise", "resize_mode", "image_cfg_scale", "mask_blur_x", "mask_blur_y", "mask_round"),
    *("inpainting_fill", "grow_mask_by", "inpaint_full_res", "inpaint_full_res_padding", "inpainting_mask_invert"),
    *("initial_noise_multiplier", "disable_extra_networks", "crop_region", "subseed_strength", "seed_resize_from_w", "seed_resize_from_h"),
)
"""What is taken over as the request has it."""


def own_request(p: StableDiffusionProcessingImg2Img, plan: Plan, index: int, keep: Callable[[Image.Image], str]) -> OwnRequest | None:
    """What makes picture `index` again, alone (by ComfyUI's rules: with its batch); None where more than a request made it."""
    alwayson = p.scripts.name_args(p.script_args)[2] if p.scripts is not None else {}
    if not _is_plain(alwayson):
        return None
    takes_part = p.script_args[0] if p.script_args and isinstance(p.script_args[0], int) else 0
    if p.latent_mask is not None or len(p.init_images) != 1 or takes_part or len(p.all_prompts) <= index:
        return None
    defaults = type(p)()
    fields = {name: getattr(p, name) for name in FIELDS}
    request: dict[str, Any] = {name: value for name, value in fields.items() if value != getattr(defaults, name) and _is_plain(value)}
    request |= {
        "prompt": p.all_prompts[index],
        "negative_prompt": p.all_negative_prompts[index],
        "seed": p.all_seeds[index],
        "batch_size": plan.batch_size if plan.is_comfyui and not p.outpaint else 1,
        "n_iter": 1,
        "sampler_name": plan.sampling.sampler,
        "scheduler": plan.sampling.scheduler,
        "override_settings": _settings(p, plan),
    }
    if plan.subseed_strength:
        request["subseed"] = p.all_subseeds[index]
    if alwayson:
        request["alwayson_scripts"] = {title: {"args": values} for title, values in alwayson.items()}
    if p.outpaint:
        request["outpaint"] = dict(p.outpaint)
    pictures = [{"role": "start", "name": keep(flatten_start(p.init_images[0], plan))}]
    if p.image_mask is not None and not p.outpaint:
        mask = to_mask(p.image_mask, plan.is_mask_rounded and not plan.is_comfyui)
        pictures.append({"role": "mask", "name": keep(mask), "channel": "picture"})
    return OwnRequest(request, tuple(pictures), {"alwayson": alwayson} if alwayson else None)


def _settings(p: StableDiffusionProcessingImg2Img, plan: Plan) -> dict[str, Any]:
    """Options that show in a picture and are not as they are at first; and the model by name."""
    defaults = Options()
    names = [name for name, field in option_fields().items() if field.section in PICTURE_SECTIONS]
    changed = {name: getattr(plan.options, name) for name in names if getattr(plan.options, name) != getattr(defaults, name)}
    return changed | ({"sd_model_checkpoint": p.sd_model.name} if p.sd_model is not None else {})


def _is_plain(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
