"""What a running job's pipeline may ask of the program, and tell it (`pipeline.context.RunContext`)."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from PIL import Image

from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.pipeline.context import ReuseCache
from modules.plugins.runner import ScriptRunner
from modules.runtime.jobs import Job
from modules.settings.options import Options

logger = logging.getLogger(__name__)


@dataclass
class JobContext:
    """The context of one job.

    Attributes:
        options: Snapshot taken when the job began.
        cache: Conditioning and encoded pictures that outlive a job.
        load_model: Gives the model for a checkpoint name (None or "" = the configured one) and, where they differ, the job's options.
        load_scripts: Gives the scripts of jobs that bring none of their own.
        loras: `backends.loras.catalog.LoraCatalog`.
        embeddings: `backends.embeddings.catalog.EmbeddingCatalog`.
        upscalers: `backends.upscalers.catalog.UpscalerCatalog`.
        user: Login of the person, for infotext; empty when there is none.
        keep: Keeps a picture in the store and gives its id.
    """

    job: Job
    options: Options
    paths: Paths
    cache: ReuseCache
    load_model: Callable[..., Any]
    load_scripts: Callable[[], ScriptRunner]
    user: str = ""
    loras: Any = None
    embeddings: Any = None
    upscalers: Any = None
    keep: Callable[[Image.Image], str] | None = None
    _kept: dict[int, tuple[Image.Image, str]] = field(default_factory=dict, init=False)
    _expected: int = field(default=0, init=False)
    _index: int | None = field(default=None, init=False)
    _has_steps: bool = field(default=False, init=False)

    def model(self, name: str | None = None, options: Options | None = None) -> Any:
        """The `DiffusionModel` for `name`, loaded as `options` want it; None = as configured."""
        with self.job.changing() as job:
            before, job.textinfo = job.textinfo, "Loading the model"
        try:
            return self.load_model(name) if options is None else self.load_model(name, options)
        finally:
            with self.job.changing() as job:
                job.textinfo = before

    def script_runner(self) -> ScriptRunner:
        return self.load_scripts()

    def expect(self, images: int) -> None:
        """So many iterations lie ahead in all; what a script told goes before."""
        with self.job.changing() as job:
            if not job.is_counted:
                job.images, job.is_counted = images, True

    def begin(self, images: int, steps: int) -> None:
        """So many iterations of so many steps lie ahead; those of further runs (a script's) are added, unless the script told how many."""
        self._expected += images
        self._index = 0 if self._index is None else -1
        self._has_steps = steps > 0
        with self.job.changing() as job:
            if not job.is_counted:
                job.images = self._expected
            job.step, job.steps = 0, steps
            job.began_s = job.began_s or time.time()

    def begin_iteration(self, index: int) -> None:
        """Counts on over all runs of the job; `index` begins again with each."""
        with self.job.changing() as job:
            job.image_no += index - (self._index or 0)
            job.step = 0
        self._index = index

    def on_step(self, step: int, total: int, latent: Any, model: Any) -> None:
        """`step` of `total` is done; `latent` (B, C, h, w) is the denoised estimate."""
        preview = self._preview(latent, model) if self._wants_preview(step) else None
        with self.job.changing() as job:
            job.step, job.steps = step, total
            if preview is not None:
                job.preview, job.preview_no = preview, job.preview_no + 1

    def on_tile(self, done: int, total: int) -> None:
        """`done` of `total` tiles of a picture are enlarged; where no sampling is under way, these are the steps."""
        with self.job.changing() as job:
            job.textinfo = f"Upscaling, tile {done + 1} of {total}" if done < total else None
            if not self._has_steps:
                job.step, job.steps = done, total

    def is_interrupted(self) -> bool:
        return self.job.is_interrupted

    def is_skipped(self) -> bool:
        return self.job.is_skipped

    def clear_skip(self) -> None:
        self.job.clear_skip()

    def on_saved(self, path: Path, infotext: str) -> None:
        logger.info("saved %s", path)

    def keep_picture(self, image: Image.Image) -> str:
        """Its name in the input folder (`runtime.workflows.inputs`), by its id in the store."""
        if self.keep is None:
            return ""
        if id(image) not in self._kept:
            self._kept[id(image)] = (image, self.keep(image))
        return f"pentimento/{self._kept[id(image)][1][:16]}.png"

    def _wants_preview(self, step: int) -> bool:
        every = self.options.show_progress_every_n_steps
        return self.options.live_previews_enable and every > 0 and step % every == 0

    def _preview(self, latent: Any, model: Any) -> Image.Image | None:
        """A rough picture, or None: a preview that fails must not cost the picture."""
        try:
            show: Any = load_dotted("modules.pipeline.live_preview:show_latent")
            picture: Image.Image = show(latent[0], model, self.options.show_progress_type, self.paths)
            return picture
        except Exception:
            logger.debug("no preview", exc_info=True)
            return None
