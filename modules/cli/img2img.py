"""`python launch.py img2img`: repaint a picture or a folder without the page, through the same queue and pipeline."""

from __future__ import annotations

import argparse
import io
import logging
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from PIL import Image
from tqdm import tqdm

from modules.base.errors import PentimentoError
from modules.base.files import write_atomically
from modules.base.paths import Paths
from modules.cli.arguments import parse_arguments
from modules.cli.folder import OWNER, repaint_folder
from modules.cli.work import Work, find_work
from modules.imaging.masks import alpha_as_mask
from modules.imaging.metadata import encode_image
from modules.imaging.picture import Picture, open_picture
from modules.pipeline.processing import Img2ImgProcessing
from modules.runtime.jobs import Job
from modules.runtime.presets import Preset
from modules.runtime.session import Session
from modules.runtime.shared_objects import SHARED
from modules.settings.flags import Flags

logger = logging.getLogger(__name__)

ROOT = Path(__file__).resolve().parents[2]
FAILED, INTERRUPTED = 1, 130
POLL_S = 0.1
LONGEST_SIDE_PX = 1024
FROM_PRESET = (
    "denoising_strength", "steps", "cfg_scale", "sampler_name", "scheduler", "inpainting_fill", "inpaint_full_res_padding", "mask_blur",
)  # fmt: skip
MakeSession = Callable[[Paths, Flags], Session]
MAKE_SESSION: MakeSession = partial(Session, keeps_history=False)


def main(argv: list[str], make_session: MakeSession = MAKE_SESSION) -> int:
    """Run the command; returns the exit code.

    Args:
        argv: Arguments after `img2img`.
        make_session: Gives the session of an installation.
    """
    arguments, flags = parse_arguments(argv)
    _accept_any_name()
    try:
        work = None if arguments.init.is_dir() else find_work(arguments.init, arguments.mask, arguments.out, arguments.n_iter)
        session = make_session(Paths.under(ROOT, flags.data_dir), flags)
        SHARED.bind(session)
        preset = session.preset(arguments.model)
    except PentimentoError as error:
        return _fail(str(error))
    try:
        is_done = _repaint_all(session, arguments, preset) if work is None else repaint(session, work, arguments, preset)
    except KeyboardInterrupt:
        session.interrupt()
        return _fail("interrupted", INTERRUPTED)
    except PentimentoError as error:
        return _fail(str(error))
    finally:
        session.close()
    return 0 if is_done else FAILED


def _repaint_all(session: Session, arguments: argparse.Namespace, preset: Preset) -> bool:
    def make(picture: Picture, mask: Image.Image | None, has_own_mask: bool) -> Img2ImgProcessing:
        mask = mask if has_own_mask else alpha_mask(picture)
        return make_request(arguments, preset, picture, mask, has_own_mask=has_own_mask)

    return repaint_folder(session, arguments, make, show_progress)


def repaint(session: Session, work: Work, arguments: argparse.Namespace, preset: Preset) -> bool:
    """Repaint one picture and write its results; says what went wrong and returns False when it could not."""
    started_s = time.perf_counter()
    try:
        picture = open_picture(work.init, work.init.name)
        mask = open_picture(work.mask, work.mask.name).image if work.mask else alpha_mask(picture)
        request = make_request(arguments, preset, picture, mask, has_own_mask=work.mask is not None)
        job = session.submit(request, OWNER)
        show_progress(job, work.init.name)
        result = job.outcome()
        written = _write(session, result, work)
    except PentimentoError as error:
        _fail(f"{work.init.name}: {error}")
        return False
    except Exception as error:
        logger.debug("repaint", exc_info=True)
        _fail(f"{work.init.name}: the program failed: {type(error).__name__}: {error}")
        return False
    for note in dict.fromkeys(result.notes):
        _say(f"note: {note}")
    for path, seed in zip(written, result.all_seeds, strict=False):
        print(f"{path} (seed {seed}, {time.perf_counter() - started_s:.1f} s)", flush=True)
    return bool(written)


def make_request(
    arguments: argparse.Namespace, preset: Preset, picture: Picture, mask: Image.Image | None, *, has_own_mask: bool
) -> Img2ImgProcessing:
    """The pipeline's request: what the command line says, else what the preset says."""
    chosen = {name: getattr(arguments, name) for name in FROM_PRESET}
    fields: dict[str, Any] = {name: getattr(preset, name) if value is None else value for name, value in chosen.items()}
    is_only_masked = mask is not None and not arguments.whole_picture
    width, height = (preset.width, preset.height) if is_only_masked else fit_size(*picture.image.size)
    return Img2ImgProcessing(
        **fields,
        prompt=arguments.prompt,
        negative_prompt=arguments.negative_prompt,
        seed=arguments.seed,
        n_iter=arguments.n_iter,
        width=arguments.width or width,
        height=arguments.height or height,
        resize_mode=arguments.resize_mode,
        # Where alpha is the mask, the colours beneath it stay what they are in the file.
        init_images=[picture.image if has_own_mask else picture.image.convert("RGB")],
        image_mask=mask,
        inpaint_full_res=is_only_masked,
        inpainting_mask_invert=int(arguments.invert_mask),
        # A workflow would name start pictures that are kept; here nothing is kept but what is asked for.
        override_settings={"save_workflow": False} | ({"sd_model_checkpoint": arguments.model} if arguments.model else {}),
        do_not_save_samples=True,
        do_not_save_grid=True,
        notes=list(picture.notes),
    )


def fit_size(width: int, height: int) -> tuple[int, int]:
    """A picture's size in multiples of 8, its longer side at most 1024 px."""
    scale = min(1.0, LONGEST_SIDE_PX / max(width, height))
    return max(8, int(width * scale) // 8 * 8), max(8, int(height * scale) // 8 * 8)


def show_progress(job: Job, name: str) -> None:
    """Draw a bar on standard error until the job is over."""
    with tqdm(total=100, desc=name, unit="waiting", bar_format="{desc}: {percentage:3.0f}% |{bar:30}| {unit}", file=sys.stderr) as bar:
        seen = None
        while not job.wait(POLL_S):
            seen = _draw(bar, job, seen)
        _draw(bar, job, seen)


def _draw(bar: Any, job: Job, seen: tuple[int, str] | None) -> tuple[int, str]:
    """Redraw where something else is to be seen; returns what is."""
    text = f"{job.image_no + 1}/{job.images}, step {job.step}/{job.steps}" if job.images else job.textinfo or "waiting"
    shown = round(100 * job.progress), text
    if shown != seen:
        remaining = "" if job.eta_s is None else f", {job.eta_s:.0f} s left"
        bar.n, bar.unit = shown[0], text + remaining
        bar.refresh()
    return shown


def alpha_mask(picture: Picture) -> Image.Image | None:
    """A picture's transparency as its mask; None where there is none."""
    if picture.image.mode != "RGBA" or picture.image.getchannel("A").getextrema() == (255, 255):
        return None
    return alpha_as_mask(picture.image)


def _write(session: Session, result: Any, work: Work) -> list[Path]:
    """Encode and write; returns the paths."""
    images = result.images[result.index_of_first_image :]
    infotexts = [result.text_of(index) for index in range(result.index_of_first_image, len(result.images))]
    options = session.options.current
    written = []
    for index, (image, infotext) in enumerate(zip(images, infotexts, strict=False)):
        path = work.out_path(index)
        text = infotext if options.enable_pnginfo else None
        lossless = options.webp_lossless
        data = encode_image(image, path.suffix, text, quality=options.jpeg_quality, is_lossless=lossless)
        write_atomically(path, data)
        written.append(path)
    return written


def _accept_any_name() -> None:
    """A file name that the console's encoding does not know is written with escapes, and ends no batch."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def _fail(text: str, code: int = FAILED) -> int:
    _say(f"img2img: {text}")
    return code
