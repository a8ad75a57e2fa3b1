"""Face: A1111's `modules.processing`."""

from __future__ import annotations

from modules.pipeline.plan import resolve_seed as get_fixed_seed
from modules.pipeline.processed import Processed
from modules.pipeline.processing import (
    StableDiffusionProcessing,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from modules.pipeline.run import fix_seed, process_images, process_images_inner
from modules.pipeline.script_calls import create_infotext, create_random_tensors
from modules.pipeline.script_images import apply_color_correction, apply_overlay, create_binary_mask, setup_color_correction

opt_C, opt_f = 4, 8

__all__ = [
    "Processed",
    "StableDiffusionProcessing",
    "StableDiffusionProcessingImg2Img",
    "StableDiffusionProcessingTxt2Img",
    "apply_color_correction",
    "apply_overlay",
    "create_binary_mask",
    "create_infotext",
    "create_random_tensors",
    "fix_seed",
    "get_fixed_seed",
    "opt_C",
    "opt_f",
    "process_images",
    "process_images_inner",
    "setup_color_correction",
]
