"""For scripts that paint tiles of one picture: noise by place, so that neighbours start alike where they overlap."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from modules.engine.placed_noise import PlacedNoise
from modules.imaging.geometry import Box
from modules.pipeline.processing import StableDiffusionProcessingImg2Img


@contextmanager
def share_noise(p: StableDiffusionProcessingImg2Img, seed: int, boxes: Sequence[Box]) -> Iterator[None]:
    """Runs of `p` within this take the noise of places instead of that of their seeds.

    Args:
        p: Its start pictures, or the one whose parts it paints, lie at `boxes`.
        seed: Of the whole picture.
        boxes: Of the tiles of the next run, px; one for each picture of the batch.
    """
    own, kept = p.sample, vars(p).get("sample")

    def sample(*args: Any, **named: Any) -> Any:
        if p.sd_model is None or p.init_latent is None:
            raise RuntimeError("p.sample() runs inside process_images, after p.init()")
        factor, latent = p.sd_model.latent_factor, p.init_latent
        shape = (int(latent.shape[1]), int(latent.shape[2]), int(latent.shape[3]))
        p.rng = PlacedNoise(shape, seed, [(box.y // factor, box.x // factor) for box in boxes], p.sd_model.device)
        return own(*args, **named)

    vars(p)["sample"] = sample
    try:
        yield
    finally:
        if kept is None:
            del vars(p)["sample"]
        else:
            vars(p)["sample"] = kept
