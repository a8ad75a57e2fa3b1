"""Face: A1111's `modules.sd_samplers_timesteps`: its list of samplers, and the one class that they all are here."""

from __future__ import annotations

from modules.engine.samplers.table import SAMPLERS
from modules.pipeline.script_calls import ScriptSampler as CompVisSampler

samplers_data_timesteps = [spec for _, spec in SAMPLERS.items() if spec.is_timestep]
samplers_timesteps = [(spec.name, spec.name, list(spec.aliases), spec.options) for spec in samplers_data_timesteps]
