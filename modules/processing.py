"""Face: A1111's `modules.processing`."""

from __future__ import annotations

from modules.pipeline.infotext import build_infotext as create_infotext
from modules.pipeline.processed import Processed
from modules.pipeline.processing import (
    StableDiffusionProcessing,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from modules.pipeline.run import fix_seed, process_images, process_images_inner

__all__ = [
    "Processed",
    "StableDiffusionProcessing",
    "StableDiffusionProcessingImg2Img",
    "StableDiffusionProcessingTxt2Img",
    "create_infotext",
    "fix_seed",
    "process_images",
    "process_images_inner",
]
