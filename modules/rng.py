"""Face: A1111's `modules.rng`."""

from __future__ import annotations

from modules.engine.noise import slerp
from modules.engine.script_devices import randn, randn_like, randn_local, randn_without_seed
from modules.pipeline.script_samplers import ImageRNG
