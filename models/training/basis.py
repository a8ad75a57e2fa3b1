"""The linear basis of the latent space: principal components of 8x8 pixel patches.

python -m models.training.basis --pack PACK --out basis.safetensors
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file

from .data import Pack, to_tensor
from .pictures import random_square

PATCH_PX = 8
CHANNELS = 16
SCALED_BY = 8
WHITENING = 0.5


@dataclass(frozen=True)
class Basis:
    """A linear map between pictures and latents.

    Attributes:
        analysis: (channels, 3 * 64): latent = analysis @ patch + offset; the patch is laid out (colour, y, x), in [-1, 1].
        synthesis: (3 * 64, channels): the patch that a latent stands for, less the mean.
        mean: (3 * 64,): the mean patch.
    """

    analysis: torch.Tensor
    synthesis: torch.Tensor
    mean: torch.Tensor

    @property
    def channels(self) -> int:
        return self.analysis.shape[0]

    def encode(self, images: torch.Tensor) -> torch.Tensor:
        """Turn (n, 3, height, width) in [-1, 1] into latents (n, channels, height/8, width/8) of unit spread."""
        kernel = self.analysis.view(-1, 3, PATCH_PX, PATCH_PX)
        return F.conv2d(images, kernel, -self.analysis @ self.mean, stride=PATCH_PX)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        """Return the plain linear reconstruction, blocks and all: (n, 3, height, width)."""
        patches = torch.einsum("pc,nchw->nphw", self.synthesis, latents) + self.mean[:, None, None]
        return F.pixel_shuffle(patches, PATCH_PX)


def fit_basis(patches: torch.Tensor, channels: int = CHANNELS, whitening: float = WHITENING) -> Basis:
    """Fit principal components and scale them.

    A component of standard deviation s is divided by s ** whitening, so that the strong ones stay stronger (noise then
    hides fine detail first), and the first `SCALED_BY` together have unit spread. A basis of more channels thus begins with
    that of fewer.

    Args:
        patches: (count, 192) float, in [-1, 1].
        channels: Components kept.
        whitening: 0 keeps the pixels' scale, 1 makes all components equally strong.
    """
    patches = patches.double()
    mean = patches.mean(0)
    values, vectors = torch.linalg.eigh(torch.cov((patches - mean).T))
    vectors = vectors[:, -channels:].flip(1)
    spread = values[-channels:].flip(0).sqrt()
    scale = spread**-whitening
    scale = scale / ((spread * scale)[:SCALED_BY] ** 2).mean().sqrt()
    analysis, synthesis = (vectors * scale).T, vectors / scale
    return Basis(analysis.float().contiguous(), synthesis.float().contiguous(), mean.float())


def sample_patches(pack: Pack, count: int, rng: np.random.Generator) -> torch.Tensor:
    """Collect (count * 64, 192) patches from random crops of 128 px, a third of them enlarged."""
    indices = pack.split(held_out=False)
    found = []
    for index in rng.choice(indices, count):
        size = 128 if rng.random() < 0.67 else 256
        crop = to_tensor(random_square(pack.image(int(index)), size, rng, 0.7)[0])
        patches = F.pixel_unshuffle(crop[None], PATCH_PX)[0].flatten(1).T
        found.append(patches[torch.from_numpy(rng.permutation(len(patches))[:64])])
    return torch.cat(found)


def save_basis(basis: Basis, path: Path) -> None:
    """Write the basis as safetensors."""
    save_file({name: tensor.contiguous() for name, tensor in vars(basis).items()}, path)


def load_basis(path: Path) -> Basis:
    """Read what `save_basis` wrote."""
    return Basis(**load_file(path))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--channels", type=int, default=CHANNELS)
    parser.add_argument("--crops", type=int, default=4000)
    args = parser.parse_args()
    torch.set_num_threads(1)
    patches = sample_patches(Pack(args.pack, "photos"), args.crops, np.random.default_rng(0))
    basis = fit_basis(patches, args.channels)
    save_basis(basis, args.out)
    kept = basis.encode(torch.zeros(1, 3, 8, 8)).flatten()
    print(f"{basis.channels} components; a grey patch is {[round(v, 2) for v in kept.tolist()]}")


if __name__ == "__main__":
    main()
