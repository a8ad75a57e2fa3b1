"""Face: A1111's `modules.sd_samplers`."""

from __future__ import annotations

from modules.engine.samplers.table import SAMPLERS
from modules.pipeline.script_calls import create_sampler, find_sampler_config
from modules.pipeline.script_samplers import (
    SamplerData,
    get_sampler_and_scheduler,
    get_sampler_from_infotext,
    get_scheduler_from_infotext,
    images_tensor_to_samples,
    sample_to_image,
    set_samplers,
    visible_sampler_names,
    visible_samplers,
)

all_samplers = [spec for _, spec in SAMPLERS.items()]
all_samplers_map = dict(SAMPLERS.items())
samplers = samplers_for_img2img = all_samplers
samplers_map = dict([(spec.name.lower(), spec.name) for spec in all_samplers])  # noqa: C404
samplers_hidden: set[str] = set()
