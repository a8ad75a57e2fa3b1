"""The text that travels inside a picture: A1111's keys, order and quoting, written and read."""

from __future__ import annotations

import json
import re
from typing import Any

from modules.engine.model import ModelKind
from modules.engine.samplers.table import SAMPLERS
from modules.pipeline.plan import Plan
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.sampler_names import scheduler_label
from modules.pipeline.version import INFOTEXT_VERSION

NEEDS_QUOTES = re.compile(r"[,:\n]")


def quote(value: object) -> str:
    """`value` as text, JSON-quoted where it holds a comma, colon or newline."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if NEEDS_QUOTES.search(text) else text


def build_infotext(p: StableDiffusionProcessingImg2Img, plan: Plan, index: int) -> str:
    """The infotext of picture `index` of the whole job."""
    prompt, negative = p.all_prompts[index], p.all_negative_prompts[index]
    keys = _parameters(p, plan, index)
    listed = ", ".join(key if key == value else f"{key}: {quote(value)}" for key, value in keys.items() if value is not None)
    negative_line = f"\nNegative prompt: {negative}" if negative else ""
    return f"{prompt}{negative_line}\n{listed}".strip()


def _parameters(p: StableDiffusionProcessingImg2Img, plan: Plan, index: int) -> dict[str, Any]:
    options, sampling = plan.options, plan.sampling
    has_subseed = plan.subseed_strength != 0
    resize = plan.seed_resize
    ensd = options.eta_noise_seed_delta
    uses_ensd = ensd != 0 and sampling.eta != 0 and SAMPLERS.get(sampling.sampler).uses_ensd
    keys = {
        "Steps": sampling.steps,
        "Sampler": sampling.sampler,
        "Schedule type": scheduler_label(sampling.sampler, sampling.scheduler),
        "CFG scale": sampling.cfg_scale,
        "Image CFG scale": sampling.image_cfg_scale if _is_kind(p, ModelKind.EDIT) else None,
        "Seed": p.all_seeds[index],
        "Size": f"{plan.working.width}x{plan.working.height}",
        **_model_keys(p, plan),
        "Variation seed": p.all_subseeds[index] if has_subseed else None,
        "Variation seed strength": plan.subseed_strength if has_subseed else None,
        "Seed resize from": f"{resize.width}x{resize.height}" if resize else None,
        "Denoising strength": p.extra_generation_params.get("Denoising strength"),
        "Conditional mask weight": options.inpainting_mask_weight if _is_kind(p, ModelKind.INPAINT) else None,
        "Clip skip": options.CLIP_stop_at_last_layers if options.CLIP_stop_at_last_layers > 1 else None,
        "ENSD": ensd if uses_ensd else None,
        "RNG": options.randn_source if options.randn_source != "GPU" else None,
        "Tiling": "True" if plan.is_tiling else None,
    }
    for key, value in p.extra_generation_params.items():
        keys[key] = value
    if options.add_version_to_infotext:
        keys["Version"] = INFOTEXT_VERSION
    if options.add_user_name_to_info and p.user:
        keys["User"] = p.user
    return keys


def _is_kind(p: StableDiffusionProcessingImg2Img, kind: ModelKind) -> bool:
    return p.sd_model is not None and p.sd_model.kind is kind


def _model_keys(p: StableDiffusionProcessingImg2Img, plan: Plan) -> dict[str, str]:
    keys = {}
    if p.sd_model is not None and plan.options.add_model_hash_to_info:
        keys["Model hash"] = p.sd_model.sha256[:10]
    if p.sd_model is not None and plan.options.add_model_name_to_info:
        keys["Model"] = model_name(p.sd_model.name)
    return keys


def model_name(file_name: str) -> str:
    """A checkpoint's name without folder and extension, as infotext states it."""
    return re.sub(r"\.safetensors$", "", file_name.replace("\\", "/").rsplit("/", 1)[-1])


def note_mask_keys(p: StableDiffusionProcessingImg2Img, plan: Plan, has_crop: bool) -> None:
    """Add what infotext says of the mask to `p.extra_generation_params`."""
    extra = p.extra_generation_params
    if plan.is_mask_inverted:
        extra["Mask mode"] = "Inpaint not masked"
    blur_x, blur_y = plan.mask_blur
    if blur_x == blur_y and blur_x > 0:
        extra["Mask blur"] = blur_x
    if has_crop:
        extra["Inpaint area"] = "Only masked"
        extra["Masked area padding"] = plan.padding_px
    if plan.grow_mask_by:
        extra["Mask growth"] = plan.grow_mask_by


def note_sampling_keys(p: StableDiffusionProcessingImg2Img, plan: Plan) -> None:
    """Add what infotext says of sampling to `p.extra_generation_params`."""
    sampling, options, extra = plan.sampling, plan.options, p.extra_generation_params
    spec = SAMPLERS.get(sampling.sampler)
    default_eta = 0.0 if spec.is_timestep else 1.0
    changed: dict[str, Any] = {
        "Noise multiplier": (sampling.noise_multiplier, 1.0),
        "Extra noise": (sampling.extra_noise, 0.0),
        "NGMS": (sampling.s_min_uncond, 0.0),
        "NGMS all steps": (sampling.s_min_uncond_all if sampling.s_min_uncond else False, False),
        "Skip Early CFG": (sampling.skip_early_cond, 0.0),
        "Pad conds": (sampling.pad_cond_uncond and p.is_padded, False),
        "Pad conds v0": (sampling.pad_cond_uncond_v0 and p.is_padded, False),
        "Discard penultimate sigma": (sampling.discard_penultimate, False),
        ("Eta DDIM" if spec.is_timestep else "Eta"): (sampling.eta if spec.takes_eta else default_eta, default_eta),
        "Downcast alphas_cumprod": (sampling.use_downcasted_alpha_bar, False),
        "Noise Schedule": (options.sd_noise_schedule, "Default"),
    }
    if spec.takes_churn:
        for key, name in (("Sigma churn", "s_churn"), ("Sigma tmin", "s_tmin"), ("Sigma tmax", "s_tmax"), ("Sigma noise", "s_noise")):
            changed[key] = (getattr(options, name), 1.0 if name == "s_noise" else 0.0)
    for key, name in (("Schedule min sigma", "sigma_min"), ("Schedule max sigma", "sigma_max"), ("Schedule rho", "rho")):
        changed[key] = (getattr(sampling, name), 0.0)
    extra.update({key: value for key, (value, default) in changed.items() if value != default})
    if scheduler_label(sampling.sampler, sampling.scheduler) == "Beta":
        extra["Beta schedule alpha"], extra["Beta schedule beta"] = sampling.beta_alpha, sampling.beta_beta
