"""What an infotext sets when it is read back: fields of a request, and options."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from modules.pipeline.infotext_parse import parse_infotext
from modules.pipeline.infotext_versions import restore_old_rules
from modules.plugins.callbacks import CALLBACKS
from modules.settings.options import Options
from modules.settings.unsupported import UNSUPPORTED, is_default

FIELDS = {
    "Steps": "steps",
    "Sampler": "sampler_name",
    "Schedule type": "scheduler",
    "Seed": "seed",
    "Variation seed": "subseed",
    "Variation seed strength": "subseed_strength",
    "Seed resize from-1": "seed_resize_from_w",
    "Seed resize from-2": "seed_resize_from_h",
    "Refiner": "refiner_checkpoint",
    "Refiner switch at": "refiner_switch_at",
}
"""Keys that the `infotext` of an API request sets; for img2img A1111 takes no prompt, size, strength or guidance from it."""
OPTIONS = {
    "Clip skip": "CLIP_stop_at_last_layers",
    "VAE": "sd_vae",
    "Conditional mask weight": "inpainting_mask_weight",
    "Noise multiplier": "initial_noise_multiplier",
    "Extra noise": "img2img_extra_noise",
    "ENSD": "eta_noise_seed_delta",
    "RNG": "randn_source",
    "Emphasis": "emphasis",
    "Old prompt editing timelines": "use_old_scheduling",
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
    "Downcast alphas_cumprod": "use_downcasted_alpha_bar",
    "Noise Schedule": "sd_noise_schedule",
    "Beta schedule alpha": "beta_dist_alpha",
    "Beta schedule beta": "beta_dist_beta",
    "UniPC variant": "uni_pc_variant",
    "UniPC skip type": "uni_pc_skip_type",
    "UniPC order": "uni_pc_order",
    "UniPC lower order final": "uni_pc_lower_order_final",
    "Precision": "pentimento_precision",
    "Seam blend": "pentimento_blend_seam",
    "Compat": "compat",
}
KEPT = ("sd_vae", "pentimento_precision", "emphasis")
"""Options that stay as they are where the text says nothing of them."""
VAIN = {
    "Token merging ratio": "token_merging_ratio",
    "FP8 weight": "fp8_storage",
    "VAE Encoder": "sd_vae_encode_method",
    "VAE Decoder": "sd_vae_decode_method",
}
"""Options that are passed on only so that the result says they had no effect."""


@dataclass(frozen=True)
class InfotextSettings:
    """What an infotext states.

    Attributes:
        values: Every key and its text, prompts included, A1111's defaults for missing ones.
        fields: Fields of a request, as text.
        overrides: Options that differ from those in force; what the text does not mention had its default, but for VAE and precision.
        model_hash, model_name: What it says of the checkpoint; "" = nothing.
        has_settings: Whether there was a line of parameters at all, and not a prompt alone.
        states_precision: Whether it says what the model computed in; a text that does not was made in 32 bits.
    """

    values: dict[str, Any]
    fields: dict[str, str]
    overrides: dict[str, Any]
    model_hash: str = ""
    model_name: str = ""
    has_settings: bool = False
    states_precision: bool = False


def read_settings(infotext: str, options: Options) -> InfotextSettings:
    """Read an infotext against the options in force; callbacks may change what it states.

    Raises:
        InvalidRequest: An option's value cannot be used.
    """
    values = parse_infotext(infotext)
    if "Steps" in values or "Seed" in values:
        CALLBACKS.call("on_infotext_pasted", infotext, values)
        values = {"Prompt": "", "Negative prompt": ""} | values
    if options.auto_backcompat:
        values = restore_old_rules(values)
    has_settings = "Steps" in values or "Seed" in values
    if "Emphasis" not in values and any(sign in str(values[key]) for key in ("Prompt", "Negative prompt") for sign in "(["):
        values["Emphasis"] = "Original"
    fields = {name: str(values[key]) for key, name in FIELDS.items() if key in values} if has_settings else {}
    current = options.as_dict()
    defaults = Options().as_dict()
    stated = {name: values.get(key, defaults[name]) for key, name in OPTIONS.items() if key in values or name not in KEPT}
    changed = options.coerced(stated if has_settings else {}).as_dict()
    overrides = {name: value for name, value in changed.items() if value != current[name]}
    vain = {name: values[key] for key, name in VAIN.items() if has_settings and key in values}
    overrides |= {name: value for name, value in vain.items() if not is_default(value, UNSUPPORTED[name][0])}
    model_hash, model_name = str(values.get("Model hash", "")), str(values.get("Model", ""))
    return InfotextSettings(values, fields, overrides, model_hash, model_name, has_settings, "Precision" in values)
