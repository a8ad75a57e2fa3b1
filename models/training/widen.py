"""Carry what was trained on few latent channels over to a basis of more.

The first channels of both bases are the same (`basis.fit_basis`), so nothing is lost: the new ones enter with weight zero.

    python -m models.training.widen --state OLD --channels 8 --to 16 --out NEW
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import torch
from safetensors.torch import load_file

from .state import write_safely

DENOISER_IN, DENOISER_OUT = "unet.conv_in.weight", "unet.conv_out."
DECODER_IN, DECODER_FIRST = "decoder.conv_in.weight", "post_quant_conv."


def widen_tensor(name: str, tensor: torch.Tensor, old: int, new: int) -> torch.Tensor:
    """Return one weight (or its average, or its optimizer moment) with room for the new latent channels.

    Args:
        name: Of the weight, without the state's prefix.
        tensor: As trained with `old` channels.
        old: Latent channels it was trained with.
        new: Latent channels wanted.
    """
    if name == DENOISER_IN:  # noisy latent, mask, masked latent
        wide = tensor.new_zeros(len(tensor), 2 * new + 1, *tensor.shape[2:])
        wide[:, :old], wide[:, new] = tensor[:, :old], tensor[:, old]
        wide[:, new + 1 : new + 1 + old] = tensor[:, old + 1 :]
        return wide
    if name.startswith(DENOISER_OUT):
        return torch.cat([tensor, tensor.new_zeros(new - old, *tensor.shape[1:])])
    if name == DECODER_IN:
        return torch.cat([tensor, tensor.new_zeros(len(tensor), new - old, *tensor.shape[2:])], 1)
    if name == DECODER_FIRST + "bias":
        return torch.cat([tensor, tensor.new_zeros(new - old)])
    if name == DECODER_FIRST + "weight":
        wide = torch.eye(new, dtype=tensor.dtype)[:, :, None, None].contiguous()
        wide[:old, :old] = tensor
        return wide
    return tensor


def widen_state(state: Path, out: Path, old: int, new: int) -> None:
    """Write a copy of a training state (denoiser's or decoder's) for more latent channels. Moments begin anew."""
    out.mkdir(parents=True, exist_ok=True)
    found = {}
    for key, tensor in load_file(state / "state.safetensors").items():
        prefix, _, name = key.partition(".")
        if prefix in ("live", "average"):
            found[key] = widen_tensor(name, tensor, old, new)
    write_safely(found, out / "state.safetensors")
    (out / "progress.json").write_text(json.dumps(json.loads((state / "progress.json").read_text())))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--state", type=Path, required=True)
    parser.add_argument("--channels", type=int, required=True, help="latent channels of the state")
    parser.add_argument("--to", type=int, required=True, help="latent channels wanted")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    widen_state(args.state, args.out, args.channels, args.to)


if __name__ == "__main__":
    main()
