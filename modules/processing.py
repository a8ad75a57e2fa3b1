"""Face: A1111's `modules.processing`."""

from __future__ import annotations

from modules.engine.noise import slerp
from modules.pipeline.processed import Processed
from modules.pipeline.processing import (
    StableDiffusionProcessing,
    StableDiffusionProcessingImg2Img,
    StableDiffusionProcessingTxt2Img,
)
from modules.pipeline.run import fix_seed
from modules.pipeline.script_calls import (
    create_infotext,
    create_random_tensors,
    decode_first_stage,
    decode_latent_batch,
    get_fixed_seed,
)
from modules.pipeline.script_images import (
    apply_color_correction,
    apply_overlay,
    create_binary_mask,
    setup_color_correction,
    uncrop,
)
from modules.runtime.face_calls.program import program_version
from modules.runtime.face_calls.running import process_images, process_images_inner

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
    "decode_first_stage",
    "decode_latent_batch",
    "fix_seed",
    "get_fixed_seed",
    "opt_C",
    "opt_f",
    "process_images",
    "process_images_inner",
    "program_version",
    "setup_color_correction",
    "slerp",
    "uncrop",
]
