"""From finished pictures to files."""

from __future__ import annotations

import hashlib
from pathlib import Path

from PIL.Image import Image

from modules.base.errors import UnsafePath
from modules.base.paths import Paths, contain
from modules.imaging.metadata import WORKFLOW_TAGS
from modules.imaging.naming import NameFacts
from modules.imaging.saving import SaveFormat, SaveNaming, save_image, write_new
from modules.pipeline.infotext import model_name
from modules.pipeline.plan import Plan
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.save_watch import SaveWatch
from modules.plugins.callbacks import CALLBACKS

PROGRAM_FOLDERS = (
    ".git", ".venv", ".ci", "cache", "docs", "extensions", "extensions-builtin", "models", "modules", "scripts", "tests",
)  # fmt: skip


def save_picture(p: StableDiffusionProcessingImg2Img, plan: Plan, image: Image, index: int, infotext: str, suffix: str = "") -> Path:
    """Save picture `index` of the job and tell the context.

    Args:
        suffix: Comes last in the name: "-mask", "-before-color-correction".

    Raises:
        SaveFailed: Disk full, no permission; nothing already saved is touched.
        UnsafePath: The folder option leads out of the data folder.
    """
    options = plan.options
    folder = p.outpath_samples or options.outdir_samples or options.outdir_img2img_samples
    naming = SaveNaming(
        pattern=options.samples_filename_pattern,
        directory_pattern=options.directories_filename_pattern if options.save_to_dirs else None,
        has_number=options.save_images_add_number,
        suffix=suffix,
    )
    return _write(p, plan, image, index, infotext, folder, naming, options.samples_format)


def save_start_pictures(p: StableDiffusionProcessingImg2Img, plan: Plan) -> None:
    """Save start pictures under the md5 of their pixels, each once, and remember the last one's for infotext.

    Raises:
        SaveFailed, UnsafePath: As for `save_picture`.
    """
    if p.context is None:
        raise RuntimeError("pictures are saved inside process_images")
    folder = output_folder(p.context.paths, plan.options.outdir_init_images)
    for image in p.init_images:
        p.init_img_hash = hashlib.md5(image.tobytes(), usedforsecurity=False).hexdigest()
        if not (folder / f"{p.init_img_hash}.png").exists():
            save_image(image, folder, naming=SaveNaming(directory_pattern=None, forced_name=p.init_img_hash))


def save_grid(p: StableDiffusionProcessingImg2Img, plan: Plan, image: Image, infotext: str) -> Path:
    """Save the grid of a job; errors as for `save_picture`."""
    options = plan.options
    folder = p.outpath_grids or options.outdir_grids or options.outdir_img2img_grids
    directory = options.directories_filename_pattern if options.grid_save_to_dirs else None
    naming = SaveNaming(directory_pattern=directory, basename="grid", is_short=True)
    return _write(p, plan, image, 0, infotext, folder, naming, options.grid_format)


def _write(
    p: StableDiffusionProcessingImg2Img,
    plan: Plan,
    image: Image,
    index: int,
    infotext: str,
    folder: str,
    naming: SaveNaming,
    extension: str,
) -> Path:
    if p.context is None:
        raise RuntimeError("pictures are saved inside process_images")
    options, paths = plan.options, p.context.paths
    items = {name: image.info[name] for name in WORKFLOW_TAGS if options.enable_pnginfo and isinstance(image.info.get(name), str)}
    watch = SaveWatch(p, image, infotext, lambda wanted: output_folder(paths, wanted), items=items, is_labelled=options.enable_pnginfo)
    path = save_image(
        image,
        output_folder(paths, folder),
        infotext=infotext if options.enable_pnginfo else None,
        items=items,
        facts=name_facts(p, plan, index),
        naming=naming,
        fmt=SaveFormat(extension, options.jpeg_quality, options.webp_lossless),
        revise=watch.revise if CALLBACKS.has("on_before_image_saved") else None,
    )
    if options.save_txt:
        write_new(path.parent, iter([f"{path.stem}.txt", f"{path.name}.txt"]), watch.infotext.encode())
    p.context.on_saved(path, watch.infotext)
    watch.saved(path)
    return path


def output_folder(paths: Paths, folder: str) -> Path:
    """`folder` below the data folder, but nowhere in the program or among its models."""
    place = contain(paths.data, folder)
    own = [paths.data / name for name in PROGRAM_FOLDERS]
    if place == paths.data or any(place.is_relative_to(part) for part in own):
        raise UnsafePath(f"results are not saved into {folder!r}; choose a folder such as outputs/mine")
    return place


def folder_for_scripts(paths: Paths, folder: str) -> str:
    """`folder` below the data folder as scripts are told: they make folders and files there themselves, from the working folder."""
    return folder if Path.cwd() == paths.data else str(paths.data / folder)


def name_facts(p: StableDiffusionProcessingImg2Img, plan: Plan, index: int) -> NameFacts:
    model = p.sd_model
    return NameFacts(
        seed=p.all_seeds[index],
        prompt=p.all_prompts[index],
        negative_prompt=p.all_negative_prompts[index],
        styles=tuple(p.styles or ()),
        steps=plan.sampling.steps,
        cfg_scale=plan.sampling.cfg_scale,
        width=plan.working.width,
        height=plan.working.height,
        sampler=plan.sampling.sampler,
        scheduler=plan.sampling.scheduler,
        model_hash=model.sha256[:10] if model else None,
        model_name=model_name(model.name) if model else None,
        denoising_strength=plan.sampling.strength,
        clip_skip=plan.options.CLIP_stop_at_last_layers,
        batch_number=index % plan.batch_size + 1,
        batch_size=plan.batch_size,
        generation_number=index + 1,
        all_seeds=plan.seeds,
        user=p.user,
        max_prompt_words=plan.options.directories_max_prompt_words,
    )
