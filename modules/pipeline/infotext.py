"""The text that travels inside a picture: A1111's keys, order and quoting, written and read."""

from __future__ import annotations

import re
from typing import Any

from modules.engine.model import ModelKind
from modules.engine.prompts.conditioning import Conditioning
from modules.engine.prompts.schedule import schedule_prompt, split_and
from modules.engine.samplers.table import SAMPLERS, SamplerSpec
from modules.engine.schedules import SCHEDULERS
from modules.imaging.geometry import Box
from modules.pipeline.infotext_parse import quote
from modules.pipeline.plan import Plan, blends_seam, has_builtin_model
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.sampler_names import FIXED_S_NOISE, scheduler_label
from modules.pipeline.version import INFOTEXT_VERSION


def build_infotext(p: StableDiffusionProcessingImg2Img, plan: Plan, index: int) -> str:
    """The infotext of picture `index` of the whole job."""
    prompt, negative = p.all_prompts[index], p.all_negative_prompts[index]
    keys = {key: _resolve(value, p, index) for key, value in _parameters(p, plan, index).items()}
    listed = ", ".join(key if key == value else f"{key}: {quote(value)}" for key, value in keys.items() if value is not None)
    negative_line = f"\nNegative prompt: {negative}" if negative else ""
    return f"{prompt}{negative_line}\n{listed}".strip()


def _resolve(value: Any, p: StableDiffusionProcessingImg2Img, index: int) -> Any:
    """Scripts may give a list (one value a picture of the iteration) or a function; what fails is left out."""
    try:
        if isinstance(value, list):
            return value[index % max(len(p.seeds), 1)]
        return value(p=p, index=index) if callable(value) else value
    except Exception:
        return None


def _parameters(p: StableDiffusionProcessingImg2Img, plan: Plan, index: int) -> dict[str, Any]:
    options, sampling = plan.options, plan.sampling
    has_subseed = not plan.is_comfyui and plan.subseed_strength != 0
    resize = None if plan.is_comfyui else plan.seed_resize
    ensd = options.eta_noise_seed_delta
    is_a1111 = not plan.is_comfyui
    uses_ensd = is_a1111 and ensd != 0 and sampling.eta != 0 and SAMPLERS.get(sampling.sampler).uses_ensd
    keys = {
        "Steps": sampling.steps,
        "Sampler": sampling.sampler,
        "Schedule type": scheduler_label(sampling.sampler, sampling.scheduler) if is_a1111 else sampling.scheduler,
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
        "Init image hash": p.init_img_hash,
        "RNG": options.randn_source if is_a1111 and options.randn_source != "GPU" else None,
        "Tiling": "True" if plan.is_tiling else None,
        **p.extra_generation_params,
        "Precision": "bf16" if p.sd_model is not None and str(p.sd_model.dtype) == "torch.bfloat16" else None,
        "Compat": None if is_a1111 else sampling.compat,
        "Batch size": None if is_a1111 or plan.batch_size == 1 else plan.batch_size,
        "Batch pos": None if is_a1111 or plan.batch_size == 1 else index % plan.batch_size,
        "Version": INFOTEXT_VERSION if options.add_version_to_infotext else None,
        "User": p.user if options.add_user_name_to_info and p.user else None,
    }
    return keys


def _is_kind(p: StableDiffusionProcessingImg2Img, kind: ModelKind) -> bool:
    return p.sd_model is not None and p.sd_model.kind is kind


def _model_keys(p: StableDiffusionProcessingImg2Img, plan: Plan) -> dict[str, str | None]:
    model, options = p.sd_model, plan.options
    if model is None:
        return {}
    return {
        "Model hash": model.sha256[:10] if options.add_model_hash_to_info else None,
        "Model": model_name(model.name) if options.add_model_name_to_info else None,
        "VAE hash": (model.vae_sha256[:10] or None) if options.add_vae_hash_to_info else None,
        "VAE": model.vae_name if options.add_vae_name_to_info else None,
    }


def model_name(file_name: str) -> str:
    """A checkpoint's name without folder and extension, as infotext states it."""
    return re.sub(r"\.safetensors$", "", file_name.replace("\\", "/").rsplit("/", 1)[-1])


def write_region(region: Box) -> str:
    """A person's own crop as infotext states it: "left,top,right,bottom"."""
    return ",".join(str(edge) for edge in region.edges)


def note_mask_keys(p: StableDiffusionProcessingImg2Img, plan: Plan, has_crop: bool) -> None:
    """Add what infotext says of the mask to `p.extra_generation_params`."""
    extra = p.extra_generation_params
    if plan.is_mask_inverted:
        extra["Mask mode"] = "Inpaint not masked"
    blur_x, blur_y = plan.mask_blur
    if blur_x > 0 or blur_y > 0:
        extra["Mask blur"] = blur_x if blur_x == blur_y else None
    if has_crop:
        extra["Inpaint area"] = "Only masked"
        extra["Masked area padding"] = plan.padding_px
        if plan.crop_region is not None:
            extra["Crop region"] = write_region(plan.crop_region)
    if plan.grow_mask_by:
        extra["Mask growth"] = plan.grow_mask_by
    blends = blends_seam(p, plan)
    if not plan.is_comfyui and blends != has_builtin_model(p):  # otherwise it is what "Automatic" does anyway
        extra["Seam blend"] = "Always" if blends else "Never"


def note_prompt_keys(p: StableDiffusionProcessingImg2Img, plan: Plan, positive: Conditioning, negative: Conditioning) -> None:
    """Add what infotext says of how prompts were read, in A1111's order: it encodes the negative prompt first."""
    options, extra = plan.options, p.extra_generation_params
    if not plan.is_comfyui and options.use_old_scheduling and _depends_on_scheduling(p, prompt_steps(plan)):
        extra["Old prompt editing timelines"] = True
    hashes = ""
    for use in (*negative.uses, *positive.uses):
        named = [f"{name.replace(':', '').replace(',', '')}: {short_hash}" for name, short_hash in use.embeddings]
        if named and options.textual_inversion_add_hashes_to_infotext:
            # What was named before comes after, and twice where two prompts name it, as A1111 lists them.
            hashes = extra["TI hashes"] = ", ".join([*named, hashes] if hashes else named)
        if use.has_brackets and options.emphasis != "Original" and not plan.is_comfyui:
            extra["Emphasis"] = options.emphasis


def _depends_on_scheduling(p: StableDiffusionProcessingImg2Img, steps: int) -> bool:
    """Whether the old way to read edits gives other texts than the new one."""
    parts = [*(part for prompt in p.prompts for part, _ in split_and(prompt)), *p.negative_prompts]
    return any(schedule_prompt(part, steps, True) != schedule_prompt(part, steps, False) for part in dict.fromkeys(parts))


def note_sampling_keys(p: StableDiffusionProcessingImg2Img, plan: Plan) -> None:
    """Add what infotext says of sampling to `p.extra_generation_params`, in the order in which A1111 comes to each."""
    if plan.is_comfyui:
        return
    sampling, options = plan.sampling, plan.options
    spec = SAMPLERS.get(sampling.sampler)
    is_early = sampling.skip_early_cond != 0
    told: list[tuple[str, Any, bool]] = [
        ("Downcast alphas_cumprod", True, sampling.use_downcasted_alpha_bar),
        ("Noise Schedule", options.sd_noise_schedule, options.sd_noise_schedule != "Default"),
        ("Noise multiplier", sampling.noise_multiplier, sampling.noise_multiplier != 1.0),
        ("Discard penultimate sigma", True, sampling.discard_penultimate and not spec.discards_penultimate),
        *_schedule_keys(spec, plan),
        ("Extra noise", sampling.extra_noise, sampling.extra_noise > 0),
        ("Eta DDIM" if spec.is_timestep else "Eta", sampling.eta, spec.takes_eta and sampling.eta != spec.default_eta),
        *_churn_keys(spec, plan),
        ("Skip Early CFG", sampling.skip_early_cond, is_early),
        ("NGMS", sampling.s_min_uncond, p.has_skipped_low),
        ("NGMS all steps", True, p.has_skipped_low and sampling.s_min_uncond_all),
        ("Pad conds", True, p.is_padded and not sampling.pad_cond_uncond_v0),
        ("Pad conds v0", True, p.is_padded and sampling.pad_cond_uncond_v0),
    ]
    p.extra_generation_params.update({key: value for key, value, is_told in told if is_told})


def _schedule_keys(spec: SamplerSpec, plan: Plan) -> list[tuple[str, Any, bool]]:
    """Only a schedule that is a function of sigmas takes sigmas from the options."""
    sampling = plan.sampling
    label = scheduler_label(spec.name, sampling.scheduler)
    schedule = SCHEDULERS.get(label)
    if spec.is_timestep or schedule.function is None:
        return []
    is_beta = label == "Beta"
    takes_rho = schedule.default_rho != -1 and sampling.rho not in (0, schedule.default_rho)
    return [
        ("Schedule type", label, True),
        ("Schedule min sigma", sampling.sigma_min, sampling.sigma_min != 0),
        ("Schedule max sigma", sampling.sigma_max, sampling.sigma_max != 0),
        ("Schedule rho", sampling.rho, takes_rho),
        ("Beta schedule alpha", sampling.beta_alpha, is_beta),
        ("Beta schedule beta", sampling.beta_beta, is_beta),
    ]


def _churn_keys(spec: SamplerSpec, plan: Plan) -> list[tuple[str, Any, bool]]:
    """Only what the options changed is told, and only to samplers whose numbers A1111 lets the options change."""
    names = (("Sigma churn", "s_churn", 0.0), ("Sigma tmin", "s_tmin", 0.0), ("Sigma tmax", "s_tmax", 0.0), ("Sigma noise", "s_noise", 1.0))
    changed = {key: (name, getattr(plan.options, name), default) for key, name, default in names}
    return [
        (key, value, name in spec.parameters and spec.name not in FIXED_S_NOISE and value != default)
        for key, (name, value, default) in changed.items()
    ]


def prompt_steps(plan: Plan) -> int:
    """What prompt editing counts in: steps, twice for samplers that call the model twice a step."""
    return plan.sampling.steps * (2 if not plan.is_comfyui and SAMPLERS.get(plan.sampling.sampler).is_second_order else 1)
