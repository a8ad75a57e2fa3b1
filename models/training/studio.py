"""The studio's own pipeline in this process, without page, history or outputs: what the bar measures is what a person gets."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image

from modules.base.paths import Paths
from modules.pipeline.processing import Img2ImgProcessing
from modules.runtime.jobs import Task
from modules.runtime.presets import Preset, preset_for
from modules.runtime.session import Session
from modules.settings.flags import Flags

ROOT = Path(__file__).resolve().parents[2]
CHECKPOINT = ROOT / "models" / "Stable-diffusion" / "pentimento-small-inpaint.safetensors"
OWNER = "bar"


class OneRequest(Task):
    """One request, run by so many threads: how many a thread may use is said in the thread that works.

    Args:
        session: Whose pipeline runs it.
        request: An `Img2ImgProcessing`.
        threads: Of torch.
    """

    def __init__(self, session: Session, request: Img2ImgProcessing, threads: int):
        self.session, self.request, self.threads = session, request, threads

    def run(self, context: Any) -> Any:
        torch.set_num_threads(self.threads)
        return self.session.process(self.request, context)


class Studio:
    """A session on a checkpoint file; what it would write goes to a folder that is removed on `close`.

    Args:
        checkpoint: A `.safetensors` file with its YAML beside it; anywhere.
        threads: Of torch.
        precision: The option `pentimento_precision`.
    """

    def __init__(self, checkpoint: Path = CHECKPOINT, threads: int = 1, precision: str = "Automatic"):
        self.threads = threads
        self._folder = tempfile.TemporaryDirectory(prefix="pentimento-bar-")
        flags = Flags(ckpt=checkpoint.resolve(), data_dir=Path(self._folder.name), safe=True)
        self.session = Session(Paths.under(ROOT, flags.data_dir), flags, keeps_history=False)
        self.session.options.update({"pentimento_precision": precision})
        self.preset: Preset = preset_for(None)
        chosen = self.session.checkpoint()
        if chosen.path.resolve() != checkpoint.resolve():
            raise FileNotFoundError(f"{checkpoint} is no checkpoint that the studio knows")

    def repaint(self, image: np.ndarray, mask: np.ndarray, count: int = 1, **changed: Any) -> list[np.ndarray]:
        """Repaint the masked part as the page would, only-masked at the preset's size.

        Args:
            image: (height, width, 3) uint8.
            mask: (height, width) uint8, 255 = repaint.
            count: Samples, of seeds that follow each other, in one batch.
            changed: Fields of the request that differ from the preset's: `seed`, `prompt`, `denoising_strength` ...

        Returns:
            `count` finished pictures of the size of `image`.
        """
        request = Img2ImgProcessing(
            **(asdict(self.preset) | {"batch_size": count, "seed": 0} | changed),
            init_images=[Image.fromarray(image)],
            image_mask=Image.fromarray(mask),
            override_settings={"save_workflow": False, "live_previews_enable": False, "return_grid": False, "grid_save": False},
            do_not_save_samples=True,
            do_not_save_grid=True,
        )
        job = self.session.submit(OneRequest(self.session, request, self.threads), OWNER)
        while not job.wait(1.0):
            pass
        result = job.outcome()
        return [np.asarray(picture.convert("RGB")) for picture in result.images[result.index_of_first_image :]]

    def close(self) -> None:
        """End the session and remove what it wrote."""
        self.session.close()
        self._folder.cleanup()

    def __enter__(self) -> Studio:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()
