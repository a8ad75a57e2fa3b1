"""A1111's options that change a picture, or what is said of it, and that this version cannot honour."""

from __future__ import annotations

from collections.abc import Mapping

UNSUPPORTED: dict[str, tuple[object, str]] = {
    "token_merging_ratio": (0.0, "token merging"),
    "token_merging_ratio_img2img": (0.0, "token merging"),
    "fp8_storage": ("Disable", "weights in 8 bits"),
    "sd_hypernetwork": ("None", "hypernetworks"),
    "sd_unet": ("Automatic", "replacing the UNet"),
    "sd_vae_encode_method": ("Full", "encoding by an approximation"),
    "sd_vae_decode_method": ("Full", "decoding by an approximation"),
    "use_old_emphasis_implementation": (False, "the emphasis rules of before 2023"),
    "no_dpmpp_sde_batch_determinism": (False, "noise of SDE samplers that nobody can repeat"),
    "face_restoration": (False, "face restoration"),
    "refiner_switch_by_sample_steps": (False, "refiners"),
}
"""Name -> A1111's default, and what another value would have asked for."""

WITHOUT_EFFECT = frozenset(
    """
    outdir_txt2img_samples outdir_txt2img_grids outdir_save sd_checkpoints_limit interrupt_after_current
    face_restoration_model
    """.split()
)
"""Our own options that are there for A1111's clients and change nothing in this version; the settings page says so."""


def describe_unsupported(overrides: Mapping[str, object]) -> list[str]:
    """A sentence for each option of a request that was set to something that cannot be honoured."""
    asked = [(name, value, *UNSUPPORTED[name]) for name, value in overrides.items() if name in UNSUPPORTED]
    return [
        f"{name} = {value!r} had no effect: this version does not have {noun}."
        for name, value, default, noun in asked
        if value is not None and not is_default(value, default)
    ]


def is_default(value: object, default: object) -> bool:
    """Equal, also as texts: clients send "0", "false" and "Disable" in any spelling."""
    if isinstance(default, str):
        return str(value).strip().casefold() in (default.casefold(), "")
    return str(value).strip().casefold() in ("false", "0", "0.0", "")
