"""Every option of the studio, with A1111's names: one field an option."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modules.base.errors import UnknownName
from modules.settings.a1111_names import DEFAULTS_WITHOUT_EFFECT, NAMES_WITHOUT_EFFECT
from modules.settings.extra_options import EXTRA_OPTIONS
from modules.settings.option import OptionField, option

SAVING, FOLDERS, MODEL, IMG2IMG, SAMPLING = "Saving", "Folders", "Model", "img2img", "Sampling"
GUIDANCE, COMPATIBILITY, INFOTEXT, INTERFACE, API = "Guidance", "Compatibility", "Infotext", "Interface", "API"
HISTORY, EXTENSIONS, EXTRAS = "History", "Extensions", "Extras"
UPSCALING = "Upscaling"
REAL_ESRGAN_NAMES = (
    *("R-ESRGAN General 4xV3", "R-ESRGAN General WDN 4xV3", "R-ESRGAN AnimeVideo"),
    *("R-ESRGAN 4x+", "R-ESRGAN 4x+ Anime6B", "R-ESRGAN 2x+"),
)
PICTURE_FORMATS = ("png", "jpg", "webp")


@dataclass(frozen=True)
class Options:
    """A snapshot of all options; a change makes a new one (`coerced`)."""

    samples_save: bool = option(True, "Save every result", section=SAVING)
    samples_format: str = option("png", "File format of results", section=SAVING, choices=PICTURE_FORMATS)
    samples_filename_pattern: str = option("", "File name pattern", section=SAVING, help="Empty: A1111's [seed].")
    save_images_add_number: bool = option(True, "Begin file names with a running number", section=SAVING)
    save_incomplete_images: bool = option(False, "Save interrupted results", section=SAVING)
    save_images_before_color_correction: bool = option(False, "Also save before colour correction", section=SAVING)
    save_mask: bool = option(False, "Save the mask beside an inpainted result", section=SAVING)
    save_mask_composite: bool = option(False, "Save the masked part beside an inpainted result", section=SAVING)
    save_init_img: bool = option(False, "Save start pictures, named by their hash, and write the hash", section=SAVING)
    save_txt: bool = option(False, "Write the infotext into a .txt beside the picture too", section=SAVING)
    enable_pnginfo: bool = option(True, "Write the infotext into the picture file", section=SAVING)
    save_workflow: bool = option(
        True, "Write a ComfyUI workflow into the picture file", section=SAVING, help="Only where the infotext is written too. PNG and WebP."
    )
    jpeg_quality: int = option(80, "JPEG and lossy WebP quality", section=SAVING, minimum=1, maximum=100)
    webp_lossless: bool = option(False, "Lossless WebP", section=SAVING)
    img_max_size_mp: float = option(
        200.0,
        "Largest picture accepted, in megapixels",
        section=SAVING,
        minimum=1,
        maximum=1000,
        help="Judged by the header, before decoding.",
    )
    grid_save: bool = option(True, "Save grids", section=SAVING)
    grid_format: str = option("png", "File format of grids", section=SAVING, choices=PICTURE_FORMATS)
    grid_only_if_multiple: bool = option(True, "No grid of a single picture", section=SAVING)
    grid_background_color: str = option("#ffffff", "Colour between pictures of a grid", section=SAVING)
    grid_prevent_empty_spots: bool = option(False, "Choose grid sizes without empty cells", section=SAVING)
    n_rows: int = option(-1, "Grid rows", section=SAVING, minimum=-1, maximum=16, help="-1: from the count; 0: as the batch size.")
    return_grid: bool = option(True, "Show the grid among results", section=SAVING)

    outdir_samples: str = option("", "Folder for all results", section=FOLDERS, help="Overrides the folders below.")
    outdir_img2img_samples: str = option("outputs/img2img-images", "Folder for img2img results", section=FOLDERS)
    outdir_txt2img_samples: str = option("outputs/txt2img-images", "Folder for txt2img results", section=FOLDERS)
    outdir_extras_samples: str = option("outputs/extras-images", "Folder for extras results", section=FOLDERS)
    outdir_grids: str = option("", "Folder for all grids", section=FOLDERS, help="Overrides the folders below.")
    outdir_img2img_grids: str = option("outputs/img2img-grids", "Folder for img2img grids", section=FOLDERS)
    outdir_txt2img_grids: str = option("outputs/txt2img-grids", "Folder for txt2img grids", section=FOLDERS)
    outdir_init_images: str = option("outputs/init-images", "Folder for saved start pictures", section=FOLDERS)
    outdir_save: str = option("log/images", "Folder of the Save button", section=FOLDERS)
    save_to_dirs: bool = option(True, "Results go to sub-folders", section=FOLDERS)
    grid_save_to_dirs: bool = option(True, "Grids go to sub-folders", section=FOLDERS)
    directories_filename_pattern: str = option("[date]", "Sub-folder pattern", section=FOLDERS)
    directories_max_prompt_words: int = option(8, "Words of [prompt_words]", section=FOLDERS, minimum=1, maximum=20)

    history_enabled: bool = option(
        True, "Keep every result with its inputs and settings", section=HISTORY, help="Off: nothing new is kept; what is there stays."
    )
    history_budget_gib: float = option(
        20.0,
        "Room for the history, GiB",
        section=HISTORY,
        minimum=0,
        maximum=100_000,
        help="Beyond it the oldest entries are deleted, but none of the last day. Saved results take no room twice. 0: no limit.",
    )

    sd_model_checkpoint: str = option("", "Checkpoint", section=MODEL, help="Empty: the built-in model, or the first that loads.")
    sd_checkpoints_limit: int = option(1, "Checkpoints kept in memory", section=MODEL, minimum=1, maximum=10)
    sd_vae: str = option(
        "Automatic",
        "VAE",
        section=MODEL,
        help="A file of models/VAE. Automatic: the one named as the checkpoint, if any; None: the checkpoint's own.",
    )
    CLIP_stop_at_last_layers: int = option(1, "Clip skip", section=MODEL, minimum=1, maximum=12)
    emphasis: str = option("Original", "Emphasis mode", section=MODEL, choices=("None", "Ignore", "Original", "No norm"))
    enable_prompt_comments: bool = option(True, "Leave out prompt text between # and the end of its line", section=MODEL)
    comma_padding_backtrack: int = option(20, "Comma back-track in long prompts, tokens", section=MODEL, minimum=0, maximum=74)
    sd_lora: str = option("None", "LoRA added to every prompt", section=MODEL, help="Its name; None: no LoRA is added.")
    extra_networks_default_multiplier: float = option(
        1.0, "Multiplier of the LoRA added to every prompt", section=MODEL, minimum=-10, maximum=10
    )
    tiling: bool = option(False, "Tileable pictures", section=MODEL)
    enable_quantization: bool = option(False, "Round timesteps to whole numbers", section=MODEL)
    randn_source: str = option("GPU", "Where noise is drawn", section=MODEL, choices=("GPU", "CPU", "NV"))
    prediction_override: str = option(
        "Automatic",
        "What the checkpoint predicts",
        section=MODEL,
        choices=("Automatic", "eps", "v"),
        help="Automatic: YAML, metadata, weights.",
    )
    pentimento_precision: str = option(
        "Automatic",
        "Precision",
        section=MODEL,
        choices=("Automatic", "fp32", "bf16"),
        help="Automatic: bf16 for models above 300 M parameters on CPUs that are fast in it. Same seed, same picture needs fp32.",
    )

    inpainting_mask_weight: float = option(1.0, "Conditional mask weight of inpainting models", section=IMG2IMG, minimum=0, maximum=1)
    initial_noise_multiplier: float = option(1.0, "Noise multiplier", section=IMG2IMG, minimum=0, maximum=1.5)
    img2img_extra_noise: float = option(0.0, "Extra noise", section=IMG2IMG, minimum=0, maximum=1)
    img2img_color_correction: bool = option(False, "Match the result's colours to the original", section=IMG2IMG)
    img2img_fix_steps: bool = option(False, "Do exactly as many steps as the slider says", section=IMG2IMG)
    upscaler_for_img2img: str = option(
        "None", "Upscaler for pictures smaller than the canvas", section=IMG2IMG, help="A name of the upscaler list; None: Lanczos."
    )
    img2img_background_color: str = option("#ffffff", "Colour under transparent parts", section=IMG2IMG)
    return_mask: bool = option(False, "Return the mask too", section=IMG2IMG)
    return_mask_composite: bool = option(False, "Return the masked part too", section=IMG2IMG)
    overlay_inpaint: bool = option(True, "Lay the original over everything outside the mask", section=IMG2IMG)
    pentimento_blend_seam: str = option(
        "Automatic",
        "Lead repainted parts over into what is around them",
        section=IMG2IMG,
        choices=("Automatic", "Always", "Never"),
        help="Within the mask alone. Automatic: with the built-in model. Never: as A1111 does it.",
    )

    eta_ddim: float = option(0.0, "Eta of DDIM", section=SAMPLING, minimum=0, maximum=1)
    eta_ancestral: float = option(1.0, "Eta of ancestral samplers", section=SAMPLING, minimum=0, maximum=1)
    s_churn: float = option(0.0, "Sigma churn", section=SAMPLING, minimum=0, maximum=100)
    s_tmin: float = option(0.0, "Sigma tmin", section=SAMPLING, minimum=0, maximum=10)
    s_tmax: float = option(0.0, "Sigma tmax", section=SAMPLING, minimum=0, maximum=999, help="0: no limit.")
    s_noise: float = option(1.0, "Sigma noise", section=SAMPLING, minimum=0, maximum=1.1)
    sigma_min: float = option(0.0, "Schedule min sigma", section=SAMPLING, minimum=0, help="0: the model's.")
    sigma_max: float = option(0.0, "Schedule max sigma", section=SAMPLING, minimum=0, help="0: the model's.")
    rho: float = option(0.0, "Schedule rho", section=SAMPLING, minimum=0, help="0: the scheduler's.")
    eta_noise_seed_delta: int = option(0, "Eta noise seed delta (ENSD)", section=SAMPLING)
    always_discard_next_to_last_sigma: bool = option(False, "Always discard the next-to-last sigma", section=SAMPLING)
    uni_pc_variant: str = option("bh1", "UniPC variant", section=SAMPLING, choices=("bh1", "bh2", "vary_coeff"))
    uni_pc_skip_type: str = option(
        "time_uniform", "UniPC skip type", section=SAMPLING, choices=("time_uniform", "time_quadratic", "logSNR")
    )
    uni_pc_order: int = option(3, "UniPC order", section=SAMPLING, minimum=1, maximum=50)
    uni_pc_lower_order_final: bool = option(True, "UniPC lower order at the end", section=SAMPLING)
    sd_noise_schedule: str = option("Default", "Noise schedule", section=SAMPLING, choices=("Default", "Zero Terminal SNR"))
    beta_dist_alpha: float = option(0.6, "Beta scheduler: alpha", section=SAMPLING, minimum=0.01, maximum=2)
    beta_dist_beta: float = option(0.6, "Beta scheduler: beta", section=SAMPLING, minimum=0.01, maximum=2)

    s_min_uncond: float = option(0.0, "Skip the negative prompt below this sigma (NGMS)", section=GUIDANCE, minimum=0, maximum=15)
    s_min_uncond_all: bool = option(False, "NGMS at every step, not every second", section=GUIDANCE)
    skip_early_cond: float = option(0.0, "Skip guidance in this first part of the steps", section=GUIDANCE, minimum=0, maximum=1)
    batch_cond_uncond: bool = option(True, "Positive and negative prompt in one model call", section=GUIDANCE)
    pad_cond_uncond: bool = option(False, "Pad prompts to the same length", section=GUIDANCE)
    pad_cond_uncond_v0: bool = option(False, "Pad prompts the old way", section=GUIDANCE)
    persistent_cond_cache: bool = option(True, "Keep prompt conditioning between jobs", section=GUIDANCE)

    compat: str = option(
        "a1111",
        "Whose picture a request gives",
        section=COMPATIBILITY,
        choices=("a1111", "comfyui"),
        help="Noise, schedules, samplers, prompts and masks as AUTOMATIC1111 or as ComfyUI computes them.",
    )
    use_old_karras_scheduler_sigmas: bool = option(False, "Old Karras sigmas (0.1 to 10)", section=COMPATIBILITY)
    use_old_scheduling: bool = option(False, "Old prompt editing rule", section=COMPATIBILITY)
    use_downcasted_alpha_bar: bool = option(False, "Round the noise table to half precision", section=COMPATIBILITY)

    add_model_name_to_info: bool = option(True, "Write the model's name", section=INFOTEXT)
    add_model_hash_to_info: bool = option(True, "Write the model's hash", section=INFOTEXT)
    add_vae_name_to_info: bool = option(True, "Write the name of a separate VAE", section=INFOTEXT)
    add_vae_hash_to_info: bool = option(True, "Write the hash of a separate VAE", section=INFOTEXT)
    lora_add_hashes_to_infotext: bool = option(True, "Write the hashes of LoRA files", section=INFOTEXT)
    disable_weights_auto_swap: bool = option(True, "An infotext that is read never changes the checkpoint", section=INFOTEXT)
    auto_backcompat: bool = option(True, "Infotexts of old A1111 versions bring back the rules of their time", section=INFOTEXT)
    textual_inversion_add_hashes_to_infotext: bool = option(True, "Write the hashes of embeddings", section=INFOTEXT)
    add_user_name_to_info: bool = option(False, "Write the user's name", section=INFOTEXT)
    add_version_to_infotext: bool = option(True, "Write the program's version", section=INFOTEXT)

    live_previews_enable: bool = option(True, "Show the picture while it is being made", section=INTERFACE)
    live_previews_image_format: str = option("png", "Format of previews", section=INTERFACE, choices=("jpeg", "png", "webp"))
    show_progress_type: str = option(
        "Approx NN",
        "How previews are drawn",
        section=INTERFACE,
        choices=("Full", "Approx NN", "Approx cheap", "TAESD"),
        help="Full: by the VAE, which is slow. Approx NN, TAESD: by a tiny decoder, or, for models that none knows, by a network that only "
        "enlarges colours. Approx cheap: by a linear map, which is blurred.",
    )
    show_progress_every_n_steps: int = option(10, "Steps between previews", section=INTERFACE, minimum=-1, maximum=32, help="-1: never.")
    interrupt_after_current: bool = option(True, "Interrupt ends the batch after the picture in hand", section=INTERFACE)
    face_restoration_model: str = option("CodeFormer", "Face restoration model", section=INTERFACE, help="None is installed; clients ask.")
    localization: str = option(
        "Automatic",
        "Language",
        section=INTERFACE,
        choices=("Automatic", "en", "zh-CN"),
        help="Automatic: the browser's. A language that was picked on the page goes first.",
    )
    quicksettings_list: tuple[str, ...] = option(
        ("sd_model_checkpoint",), "Quick choices at the top", section=INTERFACE, help="Names of options that are shown on top of the page."
    )

    ESRGAN_tile: int = option(
        192,
        "Tile of upscaler networks, pixels of the input",
        section=UPSCALING,
        minimum=0,
        maximum=512,
        help="Smaller tiles need less memory. 0: the whole picture at once.",
    )
    ESRGAN_tile_overlap: int = option(
        32, "Overlap of such tiles, pixels", section=UPSCALING, minimum=0, maximum=128, help="Neighbours are blended into each other."
    )
    realesrgan_enabled_models: tuple[str, ...] = option(
        REAL_ESRGAN_NAMES,
        "Real-ESRGAN upscalers that are listed",
        section=UPSCALING,
        help="Names; of these, those whose file is in models/RealESRGAN can be chosen.",
    )

    use_original_name_batch: bool = option(True, "Name results of several files as the files are called", section=EXTRAS)
    postprocessing_operation_order: tuple[str, ...] = option(
        (), "Steps that come first, in this order", section=EXTRAS, help="Names of steps, as the Extras tab shows them."
    )
    postprocessing_disable_in_extras: tuple[str, ...] = option(
        (), "Steps that are left out", section=EXTRAS, help="Names of steps, as the Extras tab shows them."
    )

    disabled_extensions: tuple[str, ...] = option(
        (), "Extensions that are switched off", section=EXTENSIONS, help="Names of their folders. Takes effect at the next start."
    )
    disable_all_extensions: str = option(
        "none",
        "Start without extensions",
        section=EXTENSIONS,
        choices=("none", "extra", "all"),
        help="extra: without those of the folder extensions; all: without the built-in ones too. Takes effect at the next start.",
    )

    api_enable_requests: bool = option(False, "Fetch init pictures from http(s) addresses", section=API)
    api_forbid_local_requests: bool = option(True, "Never fetch from local addresses", section=API)
    api_useragent: str = option("", "User agent when fetching", section=API)

    kept: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """What is known of options that are not ours: those of extensions, also of extensions that are away."""

    def coerced(self, changes: Mapping[str, object], *, ignore_unknown: bool = False) -> Options:
        """A new snapshot with `changes` applied.

        Options that only A1111 has are accepted and have no effect; `NAMES_WITHOUT_EFFECT` lists them.

        Raises:
            UnknownName: A name is neither ours nor an extension's nor A1111's, and `ignore_unknown` is off.
            InvalidRequest: A value has the wrong type or range.
        """
        fields = option_fields()
        values: dict[str, Any] = {}
        kept = dict(self.kept)
        for name, value in changes.items():
            if name in fields:
                values[name] = fields[name].coerce(value)
            elif name in EXTRA_OPTIONS:
                kept[name] = EXTRA_OPTIONS[name].coerce(name, value)
            elif name not in NAMES_WITHOUT_EFFECT and name not in kept and not ignore_unknown:
                raise UnknownName("override_settings", name, sorted([*fields, *EXTRA_OPTIONS]))
        return dataclasses.replace(self, **values, kept=kept)

    def loading(self) -> tuple[str, ...]:
        """The options on which it depends how a checkpoint is loaded."""
        return self.prediction_override, self.sd_vae, self.pentimento_precision

    def as_dict(self) -> dict[str, Any]:
        """Names to values, JSON-ready: ours, then those of the extensions that are loaded."""
        own = {name: getattr(self, name) for name in option_fields()}
        return {name: list(value) if isinstance(value, tuple) else value for name, value in own.items()} | EXTRA_OPTIONS.values(self.kept)

    def value_of(self, name: str) -> Any:
        """An option by name: ours, an extension's, one that an extension left in the file, or A1111's default for one without effect.

        Raises:
            AttributeError: There is none of that name.
        """
        if name in option_fields():
            return getattr(self, name)
        if name in EXTRA_OPTIONS:
            return EXTRA_OPTIONS.value(name, self.kept)
        if name in self.kept:
            return self.kept[name]
        if name in DEFAULTS_WITHOUT_EFFECT:
            return DEFAULTS_WITHOUT_EFFECT[name]
        raise AttributeError(f"no option {name!r}")


@functools.cache
def option_fields() -> dict[str, OptionField]:
    """All options in order of definition, by name."""
    described = [field for field in dataclasses.fields(Options) if field.metadata]
    return {field.name: OptionField(field.name, field.default, **field.metadata) for field in described}
