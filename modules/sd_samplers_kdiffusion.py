"""Face: A1111's `modules.sd_samplers_kdiffusion`: its list of samplers, and the one class that they all are here."""

from __future__ import annotations

from modules.engine.samplers.table import SAMPLERS
from modules.pipeline.script_calls import ScriptSampler as KDiffusionSampler

samplers_data_k_diffusion = [spec for _, spec in SAMPLERS.items() if not spec.is_timestep]
samplers_k_diffusion = [(spec.name, spec.name, list(spec.aliases), spec.options) for spec in samplers_data_k_diffusion]
k_diffusion_samplers_map = dict([(spec.name, spec) for spec in samplers_data_k_diffusion])  # noqa: C404
