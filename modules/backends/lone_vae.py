"""A VAE file by itself, without a checkpoint around it."""

from __future__ import annotations

from pathlib import Path

import torch

from modules.backends import ldm_layout
from modules.backends.header import read_header
from modules.backends.vae import Vae, make_vae
from modules.backends.weights import build_module
from modules.base.errors import BrokenCheckpoint


def load_vae(path: Path, device: torch.device, dtype: torch.dtype) -> Vae:
    """Load a file in LDM's layout, with or without the prefix that it has in a checkpoint.

    Args:
        path: A `.safetensors` file.
        device, dtype: What it runs on and in; NaN in half precision turns it to float32.

    Raises:
        BrokenCheckpoint: Damaged, incomplete, or of another kind.
    """
    header = read_header(path)
    part = ldm_layout.read_vae(header, ldm_layout.VAE_PREFIX if header.has_prefix(ldm_layout.VAE_PREFIX) else "")
    try:
        network = build_module(lambda: make_vae(part.config), header, part.names, device, dtype)
    except (ValueError, TypeError) as error:
        raise BrokenCheckpoint(f"{path.name} describes a VAE that cannot be built: {error}") from error
    return Vae(network, device, dtype)
