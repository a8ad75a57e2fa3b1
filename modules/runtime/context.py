"""What a running job's pipeline may ask of the program, and tell it (`pipeline.context.RunContext`)."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from modules.base.paths import Paths
from modules.base.registry import load_dotted
from modules.runtime.jobs import Job
from modules.settings.options import Options

logger = logging.getLogger(__name__)


@dataclass
class JobContext:
    """The context of one job.

    Attributes:
        options: Snapshot taken when the job began.
        paths: Folders of the installation.
        cache: Conditioning and latents that outlive a job.
        load_model: Gives the model for a checkpoint name; None or "" = the configured one.
    """

    job: Job
    options: Options
    paths: Paths
    cache: Any
    load_model: Callable[[str | None], Any]
    _model: Any = None

    def model(self, name: str | None = None) -> Any:
        """The `DiffusionModel` for `name`."""
        with self.job.changing() as job:
            job.textinfo = "loading the model"
        try:
            self._model = self.load_model(name)
        finally:
            with self.job.changing() as job:
                job.textinfo = None
        return self._model

    def is_interrupted(self) -> bool:
        return self.job.is_interrupted

    def is_skipped(self) -> bool:
        return self.job.is_skipped

    def clear_skip(self) -> None:
        self.job.clear_skip()

    def begin(self, jobs: int) -> None:
        """The run will make `jobs` batches; nested runs (scripts) begin again."""
        with self.job.changing() as job:
            job.images, job.image_no, job.step = jobs, 0, 0

    def next_image(self) -> None:
        """A batch is finished."""
        with self.job.changing() as job:
            job.image_no, job.step = job.image_no + 1, 0

    def on_step(self, step: int, total: int, latent: Any) -> None:
        """`step` of `total` sampling steps are done; `latent` (B, C, h, w) is the denoised estimate."""
        preview = self._preview(latent) if self._wants_preview(step) else None
        with self.job.changing() as job:
            job.step, job.steps = step, total
            if preview is not None:
                job.preview, job.preview_no = preview, job.preview_no + 1

    def on_saved(self, path: Path, infotext: str) -> None:
        logger.info("saved %s", path)

    def _wants_preview(self, step: int) -> bool:
        every = self.options.show_progress_every_n_steps
        return self.options.live_previews_enable and every > 0 and step % every == 0 and self._model is not None

    def _preview(self, latent: Any) -> Any:
        """A rough picture, or None: a preview that fails must not cost the picture."""
        try:
            to_rgb: Any = load_dotted("modules.engine.preview:latent_to_rgb")
            from_array: Any = load_dotted("PIL.Image:fromarray")
            pixels = to_rgb(latent[0], self._model)
            return from_array(pixels)
        except Exception:  # noqa: BLE001
            logger.debug("no preview", exc_info=True)
            return None
