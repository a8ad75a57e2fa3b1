"""Face: A1111's `modules.sd_samplers`."""

from __future__ import annotations

from modules.engine.samplers.table import SAMPLERS
from modules.pipeline.script_calls import create_sampler, find_sampler_config

all_samplers = [spec for _, spec in SAMPLERS.items()]
all_samplers_map = dict(SAMPLERS.items())
samplers = samplers_for_img2img = all_samplers
samplers_map = dict([(spec.name.lower(), spec.name) for spec in all_samplers])  # noqa: C404

__all__ = [
    "all_samplers",
    "all_samplers_map",
    "create_sampler",
    "find_sampler_config",
    "samplers",
    "samplers_for_img2img",
    "samplers_map",
]
