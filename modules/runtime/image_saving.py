"""What scripts call on `modules.images` to save a picture, with A1111's parameters."""

from __future__ import annotations

import dataclasses
from typing import Any

from PIL import Image

from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.imaging.naming import NameFacts
from modules.imaging.saving import SaveFormat, SaveNaming, write_new
from modules.imaging.saving import save_image as write_image
from modules.pipeline.context import RUNNING
from modules.pipeline.save_watch import SaveWatch
from modules.plugins.callbacks import CALLBACKS
from modules.runtime.shared_objects import OPTS, SHARED

INFOTEXT_CHUNK = "parameters"


def save_image(
    image: Image.Image,
    path: str,
    basename: str = "",
    seed: int | None = None,
    prompt: str | None = None,
    extension: str = "png",
    info: str | None = None,
    short_filename: bool = False,
    no_prompt: bool = False,
    grid: bool = False,
    pnginfo_section_name: str = INFOTEXT_CHUNK,
    p: Any = None,
    existing_info: dict[str, Any] | None = None,
    forced_filename: str | None = None,
    suffix: str = "",
    save_to_dirs: bool | None = None,
) -> tuple[str, str | None]:
    """Save a result under a new name, as the options want it; never over an existing file.

    Args:
        image: RGB or RGBA; its `already_saved_as` is set.
        path: Folder below the data folder, such as `p.outpath_samples`.
        basename, suffix: Before the number, and last in the name.
        seed, prompt: For the file name; `no_prompt`: the seed alone; `short_filename`: neither; `forced_filename`: nothing else at all.
        extension: "png", "jpg", "webp" ...
        info: Infotext, written into the file, in PNG under `pnginfo_section_name`.
        grid: It is a grid: other options apply.
        p: The job, for further parts of the file name; None = the running one.
        existing_info: Further texts for PNG files.
        save_to_dirs: Below a dated folder; None = the option.

    Returns:
        The file's path and, with `save_txt`, that of the text beside it.

    Raises:
        SaveFailed: Disk full, no permission; nothing already saved is touched.
        UnsafePath: The folder is outside the data folder, or one of the program's own.
    """
    p = RUNNING.get() if p is None else p
    naming = _naming(basename, suffix, forced_filename, is_grid=grid, is_dated=save_to_dirs)
    if short_filename or grid or (prompt is None and seed is None):
        naming = dataclasses.replace(naming, is_short=True)
    elif no_prompt:
        naming = dataclasses.replace(naming, pattern="[seed]")
    texts = {**(existing_info or {}), **({pnginfo_section_name: info} if info else {})}
    return _write(image, path, naming, extension, {key: str(text) for key, text in texts.items()}, p, name_facts(p, seed, prompt))


def _naming(basename: str, suffix: str, forced: str | None, *, is_grid: bool, is_dated: bool | None) -> SaveNaming:
    if is_dated is None:
        is_dated = OPTS.grid_save_to_dirs if is_grid else OPTS.save_to_dirs
    return SaveNaming(
        pattern=OPTS.samples_filename_pattern,
        directory_pattern=OPTS.directories_filename_pattern if is_dated else None,
        has_number=OPTS.save_images_add_number,
        basename=basename,
        suffix=suffix,
        forced_name=forced,
    )


def _write(
    image: Image.Image, folder: str, naming: SaveNaming, extension: str, texts: dict[str, str], p: Any, facts: NameFacts
) -> tuple[str, str | None]:
    output_folder: Any = load_dotted("modules.pipeline.stages.save:output_folder")
    infotext, paths = texts.pop(INFOTEXT_CHUNK, None), _paths(p)
    watch = SaveWatch(p, image, infotext or "", lambda wanted: output_folder(paths, wanted), items=texts, is_labelled=OPTS.enable_pnginfo)
    target = write_image(
        image,
        output_folder(paths, folder),
        infotext=infotext if OPTS.enable_pnginfo else None,
        facts=facts,
        naming=naming,
        fmt=SaveFormat(extension, OPTS.jpeg_quality, OPTS.webp_lossless),
        items=texts if OPTS.enable_pnginfo else None,
        revise=watch.revise if CALLBACKS.has("on_before_image_saved") else None,
    )
    image.already_saved_as = target  # type: ignore[attr-defined]
    if p is not None and p.context is not None:
        p.context.on_saved(target, watch.infotext)
    watch.saved(target)
    if not OPTS.save_txt or not watch.infotext:
        return str(target), None
    text = write_new(target.parent, iter([f"{target.stem}.txt", f"{target.name}.txt"]), watch.infotext.encode())
    return str(target), str(text)


def _paths(p: Any) -> Paths:
    return p.context.paths if p is not None and p.context is not None else SHARED.session.paths


def name_facts(p: Any, seed: int | None, prompt: str | None) -> NameFacts:
    """What a file name can tell of a picture of the job `p`, which may be None."""
    if getattr(p, "plan", None) is None or not p.all_seeds:
        return NameFacts(seed=seed, prompt=prompt or "")
    facts_of: Any = load_dotted("modules.pipeline.stages.save:name_facts")
    return dataclasses.replace(facts_of(p, p.plan, 0), seed=seed, prompt=prompt or "")
