"""Face: the noise that a picture would come from, for scripts that start from it."""

from __future__ import annotations

from modules.engine.inversion import InversionPlan
from modules.pipeline.stages.invert import find_noise, sample_from

__all__ = ["InversionPlan", "find_noise", "sample_from"]
