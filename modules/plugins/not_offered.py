"""Modules of A1111 and Forge that extensions may ask for and that cannot be had here, and why; read by the loader and the doctor."""

from __future__ import annotations

from collections.abc import Mapping

INTERNALS = "A1111's model internals; models are Pentimento's own, and what extensions may change of a run are the hooks and callbacks"
FORGE = "Forge's own; extensions written for A1111 run here"
PAGE = "a part of A1111's own page; this page's components come by on_after_component, with A1111's elem_ids"
TRAINING = "training is not part of this program"

NOT_OFFERED: Mapping[str, str] = {
    "ldm": INTERNALS,
    "sgm": INTERNALS,
    "k_diffusion": INTERNALS,
    "ldm_patched": FORGE,
    "modules_forge": FORGE,
    "lib_controlnet": "ControlNet's, as Forge brings it along; install the extension itself if it supports A1111",
    "backend": FORGE,
    "modules.ui_toprow": PAGE,
    "modules.ui_settings": PAGE,
    "modules.ui_postprocessing": PAGE,
    "modules.ui_prompt_styles": PAGE,
    "modules.ui_checkpoint_merger": PAGE,
    "webui": "its helpers are in modules.call_queue",
    "modules.hypernetworks": TRAINING,
    "modules.textual_inversion": "textual inversions in prompts work, see modules.sd_hijack.model_hijack.embedding_db; " + TRAINING,
    "modules.sd_hijack_optimizations": INTERNALS,
    "modules.sd_hijack_unet": INTERNALS,
    "modules.sd_hijack_clip": INTERNALS,
    "modules.sd_hijack_open_clip": INTERNALS,
    "modules.sd_hijack_utils": INTERNALS,
    "modules.sd_samplers_cfg_denoiser": INTERNALS,
    "modules.sd_samplers_compvis": "gone since A1111 1.6; see modules.sd_samplers_timesteps",
    "modules.sd_samplers_extra": INTERNALS,
    "modules.sd_models_config": INTERNALS,
    "modules.sd_models_xl": INTERNALS,
    "modules.sd_disable_initialization": INTERNALS,
    "modules.sd_vae_approx": INTERNALS,
    "modules.sd_vae_taesd": INTERNALS,
    "modules.sub_quadratic_attention": INTERNALS,
    "modules.xlmr": INTERNALS,
    "modules.gfpgan_model": "GFPGAN is not part of this program; an extension may add to shared.face_restorers",
    "modules.codeformer_model": "CodeFormer is not part of this program; an extension may add to shared.face_restorers",
    "modules.esrgan_model": "files of the ESRGAN family in models/ESRGAN are upscalers, see shared.sd_upscalers",
    "modules.realesrgan_model": "files of the ESRGAN family in models/RealESRGAN are upscalers, see shared.sd_upscalers",
    "modules.interrogate": "captioning is not part of this program",
    "modules.deepbooru": "captioning is not part of this program",
    "modules.extras": "merging checkpoints is not part of this program",
    "modules.mac_specific": INTERNALS,
    "modules.xpu_specific": INTERNALS,
    "modules.npu_specific": INTERNALS,
}
"""Module, or package with all that is in it, to the reason."""

OTHER_TORCH = "::nms does not exist"
"""What torchvision says, at import, of a torch that it was not built for."""


def why_not(module: str) -> str | None:
    """Why `module` (dotted) cannot be imported; None where nothing is known of it."""
    parts = module.split(".")
    places = [".".join(parts[:count]) for count in range(len(parts), 0, -1)]
    return next((NOT_OFFERED[place] for place in places if place in NOT_OFFERED), None)


def explain(error: BaseException) -> str | None:
    """What to say of a module that is known not to be had, and of a package built for another torch; None of what speaks for itself."""
    if isinstance(error, RuntimeError) and str(error).endswith(OTHER_TORCH):
        package = str(error).removeprefix("operator ").partition("::")[0]
        return f"{error}: the {package} in the extension's .deps was built for another torch than Pentimento's"
    name = error.name if isinstance(error, ImportError) else None
    reason = why_not(name) if name else None
    return f"Pentimento does not offer {name}: {reason}" if reason else None
