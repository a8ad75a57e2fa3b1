"""Face: A1111's `modules.sd_samplers_common`."""

from __future__ import annotations

from modules.pipeline.script_calls import ScriptSampler as Sampler
from modules.pipeline.script_calls import decode_first_stage
from modules.pipeline.script_samplers import (
    InterruptedException,
    SamplerData,
    approximation_indexes,
    images_tensor_to_samples,
    sample_to_image,
    samples_to_images_tensor,
    setup_img2img_steps,
    single_sample_to_image,
)
