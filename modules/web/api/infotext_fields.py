"""What a request's `infotext` sets: for img2img, A1111 takes steps, sampler, seeds and options from it, nothing else."""

from __future__ import annotations

from typing import Any

from modules.pipeline.infotext_parse import parse_infotext
from modules.settings.options import Options

FIELDS = {
    "Steps": "steps",
    "Sampler": "sampler_name",
    "Schedule type": "scheduler",
    "Seed": "seed",
    "Variation seed": "subseed",
    "Variation seed strength": "subseed_strength",
    "Seed resize from-1": "seed_resize_from_w",
    "Seed resize from-2": "seed_resize_from_h",
}
OPTIONS = {
    "Clip skip": "CLIP_stop_at_last_layers",
    "Conditional mask weight": "inpainting_mask_weight",
    "Noise multiplier": "initial_noise_multiplier",
    "Extra noise": "img2img_extra_noise",
    "ENSD": "eta_noise_seed_delta",
    "RNG": "randn_source",
    "Emphasis": "emphasis",
    "Schedule max sigma": "sigma_max",
    "Schedule min sigma": "sigma_min",
    "Schedule rho": "rho",
    "Eta": "eta_ancestral",
    "Eta DDIM": "eta_ddim",
    "Discard penultimate sigma": "always_discard_next_to_last_sigma",
    "NGMS": "s_min_uncond",
    "NGMS all steps": "s_min_uncond_all",
    "Skip Early CFG": "skip_early_cond",
    "Pad conds": "pad_cond_uncond",
    "Pad conds v0": "pad_cond_uncond_v0",
    "Tiling": "tiling",
    "Sigma churn": "s_churn",
    "Sigma tmin": "s_tmin",
    "Sigma tmax": "s_tmax",
    "Sigma noise": "s_noise",
    "Noise Schedule": "sd_noise_schedule",
    "Beta schedule alpha": "beta_dist_alpha",
    "Beta schedule beta": "beta_dist_beta",
}


def read_fields(infotext: str, options: Options) -> tuple[dict[str, str], dict[str, Any]]:
    """Request fields (as text) and options that an infotext states and that differ from the ones in force.

    Raises:
        InvalidRequest: An option's value cannot be used.
    """
    stated = {key: value for key, value in parse_infotext(infotext).items() if f"{key.removesuffix('-1').removesuffix('-2')}:" in infotext}
    fields = {name: str(stated[key]) for key, name in FIELDS.items() if key in stated}
    changed = options.coerced({name: stated[key] for key, name in OPTIONS.items() if key in stated}).as_dict()
    current = options.as_dict()
    return fields, {name: value for name, value in changed.items() if value != current[name]}
