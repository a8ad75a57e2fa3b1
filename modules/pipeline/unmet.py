"""What a request asks for that this version cannot do: said beside the picture, never silently left out."""

from __future__ import annotations

from modules.pipeline.plan import COMFYUI
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.sampler_names import AUTOMATIC, resolve_sampler
from modules.settings.options import Options
from modules.settings.unsupported import describe_unsupported

NOT_IN_COMFYUI = (
    *("eta_ddim", "eta_ancestral", "s_churn", "s_tmin", "s_tmax", "s_noise", "sigma_min", "sigma_max", "rho", "eta_noise_seed_delta"),
    *("always_discard_next_to_last_sigma", "sd_noise_schedule", "beta_dist_alpha", "beta_dist_beta", "s_min_uncond", "skip_early_cond"),
    *("pad_cond_uncond", "pad_cond_uncond_v0", "emphasis", "enable_quantization", "randn_source", "initial_noise_multiplier"),
    *("img2img_extra_noise", "img2img_fix_steps", "use_old_scheduling", "use_old_karras_scheduler_sigmas", "use_downcasted_alpha_bar"),
)
"""Options that A1111's rules heed and ComfyUI's do not."""
FIELDS_NOT_IN_COMFYUI = ("subseed_strength", "eta", "s_churn", "s_tmin", "s_tmax", "s_noise", "s_min_uncond", "initial_noise_multiplier")


def describe_unmet(p: StableDiffusionProcessingImg2Img) -> list[str]:
    """One sentence a wish of `p` that the picture will not show."""
    told = describe_unsupported(p.override_settings)
    if p.restore_faces:
        told.append("restore_faces had no effect: this version does not have face restoration.")
    if p.refiner_checkpoint and p.refiner_checkpoint.casefold() != "none":
        told.append(
            f"refiner_checkpoint {p.refiner_checkpoint!r} had no effect: this version does not change the model halfway; "
            "repaint the result with that checkpoint and a low strength."
        )
    if not 0 <= p.denoising_strength <= 1:
        used = 0 if p.denoising_strength < 0 else 1
        told.append(f"denoising_strength {p.denoising_strength:g} lies outside 0 to 1; {used} was used.")
    if p.options.compat == COMFYUI:
        told += _unknown_to_comfyui(p)
    return [sentence for sentence in told if sentence not in p.notes]


def _unknown_to_comfyui(p: StableDiffusionProcessingImg2Img) -> list[str]:
    told, defaults = [], Options()
    asked, wanted = p.sampler_name or "Euler", p.scheduler or AUTOMATIC
    sampler, scheduler = resolve_sampler(asked, wanted, COMFYUI)
    if asked.casefold() != sampler or wanted.casefold() not in (scheduler, AUTOMATIC.casefold()):
        told.append(f"{asked}, {wanted}: by ComfyUI's rules that is {sampler} with {scheduler}, which gives another picture.")
    idle = [name for name in FIELDS_NOT_IN_COMFYUI if getattr(p, name)]
    if min(p.seed_resize_from_w or 0, p.seed_resize_from_h or 0) > 0:
        idle.append("seed_resize_from_w")
    idle += [name for name in NOT_IN_COMFYUI if getattr(p.options, name) != getattr(defaults, name) and name not in idle]
    if idle:
        told.append(f"{', '.join(idle)} had no effect: ComfyUI's rules have no such setting.")
    return told
