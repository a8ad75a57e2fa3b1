"""Small safetensors files for the tests of this folder: enough of a checkpoint to be recognised, never to be run."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

YAML = "model:\n  params:\n    parameterization: {}\n    scale_factor: 0.5\n"


def sketch(inputs: int = 4, channels: int = 4, dtype: str = "float16") -> dict[str, np.ndarray]:
    """The few tensors that decide what a checkpoint is."""
    shapes = {
        "model.diffusion_model.input_blocks.0.0.weight": (32, inputs, 3, 3),
        "model.diffusion_model.out.2.weight": (channels, 32, 3, 3),
        "first_stage_model.decoder.conv_in.weight": (32, channels, 3, 3),
        "cond_stage_model.transformer.text_model.embeddings.token_embedding.weight": (10, 8),
    }
    return {name: np.zeros(shape, dtype) for name, shape in shapes.items()}


def write_sketch(
    path: Path, inputs: int = 4, channels: int = 4, metadata: dict[str, str] | None = None, extra: tuple[str, ...] = ()
) -> Path:
    """Write `sketch`, and one zero under each name of `extra`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file({**sketch(inputs, channels), **{name: np.zeros(1, "float16") for name in extra}}, path, metadata=metadata)
    return path
