"""A training's state from a finished checkpoint: where only the checkpoint is left, its denoiser trains on.

    python -m models.training.restart --checkpoint models/Stable-diffusion/pentimento-small-inpaint.safetensors \\
        --basis basis.safetensors --out FOLDER

Writes `text.safetensors` and the state folders `autoencoder`, `diffusion` and, where the checkpoint has a guide of words, `guide` under
FOLDER, for `--text`, and for `--state` with `--resume`.
The checkpoint holds half-precision averages: live weights start from them, the optimizer's moments from nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import load_file

from modules.backends.word_guides import PIXELS, THINGS
from modules.backends.word_guides import PREFIX as GUIDE
from modules.engine.word_guide import WordGuide

from .basis import Basis, load_basis
from .data import replace_text
from .export import from_original
from .guide import THINGS_FILE
from .state import Average, Clock, save_state, write_safely
from .text import WIDTH as TEXT_WIDTH

PROBES = 64
NEAR = 0.02
"""Rounding to half precision moves a latent by less; another basis by far more."""


def check_basis(vae, basis: Basis) -> None:
    """Raise ValueError where a checkpoint's encoder is not the one that `set_linear_encoder` makes of a basis.

    Args:
        vae: The checkpoint's autoencoder.
        basis: What the training will encode with.
    """
    patches = torch.rand(PROBES, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        difference = float((vae.encode(patches).latent_dist.mean - basis.encode(patches)).abs().mean())
    if difference > NEAR:
        raise ValueError(
            f"--basis: its latents differ from the checkpoint's by {difference:.3f} in the mean, {NEAR} at most is rounding; "
            "fit it on the pack that the checkpoint was trained on"
        )


def restart(tensors: dict[str, torch.Tensor], basis: Basis, out: Path, minutes: float, things: str = "") -> None:
    """Write the words and both training states.

    Args:
        tensors: The checkpoint, in the original layout.
        basis: The one it was trained with.
        out: Folder, made when missing.
        minutes: Already spent in training, as the schedule should count them.
        things: JSON list of what the guide of words knows; "" = there is no guide.
    """
    unet, vae, words = from_original(tensors, basis.channels)
    check_basis(vae, basis)
    out.mkdir(parents=True, exist_ok=True)
    write_safely(words.state_dict(), out / "text.safetensors")
    parts = {"autoencoder": {"decoder": vae.decoder, "post_quant_conv": vae.post_quant_conv}, "diffusion": {"unet": unet}}
    modules = {name: torch.nn.ModuleDict(part) for name, part in parts.items()}
    if any(name.startswith(GUIDE) for name in tensors):
        if not things:
            raise ValueError(f"the checkpoint has a guide of words, but its metadata has lost their names ({THINGS})")
        learnt = {name: tensor for name, tensor in tensors.items() if name.startswith(GUIDE) and not name.startswith(PIXELS)}
        guide = {name.removeprefix(GUIDE): tensor.float() for name, tensor in learnt.items()}
        modules["guide"] = WordGuide(basis.channels, len(guide["head.weight"]), TEXT_WIDTH)
        modules["guide"].load_state_dict(guide)
    for name, module in modules.items():
        save_state(out / name, module, Average(module, 0.0), torch.optim.AdamW(module.parameters()), 0, Clock(0, 60 * minutes))
    if things:
        replace_text(out / "guide" / THINGS_FILE, things)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--checkpoint", type=Path, required=True)
    parser.add_argument("--basis", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=0.0, help="count so many minutes as already trained")
    args = parser.parse_args()
    torch.set_num_threads(1)
    with safe_open(args.checkpoint, "pt") as file:
        things = (file.metadata() or {}).get(THINGS, "")
    restart(load_file(args.checkpoint), load_basis(args.basis), args.out, args.minutes, things)
    print(f"{args.out}: text.safetensors, autoencoder, diffusion{', guide' if things else ''}")


if __name__ == "__main__":
    main()
