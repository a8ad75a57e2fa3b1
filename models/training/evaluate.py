"""The autoencoder against its yardstick: principal components of 8x8 patches, as many as there are latent channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from skimage import data as samples

from .basis import Basis, fit_basis, sample_patches
from .data import Pack
from .fills import LAPLACIAN_FLOOR, psnr_db, square

PICTURES = ("astronaut", "chelsea", "coffee", "rocket")
CROPS = 1500


@dataclass(frozen=True)
class Reconstruction:
    """One picture through the autoencoder, and through the plain basis.

    Attributes:
        name: Of the scikit-image picture.
        psnr, basis_psnr: dB over the whole picture at 256 px.
        texture, basis_texture: Variance of the Laplacian over that of the truth.
    """

    name: str
    psnr: float
    basis_psnr: float
    texture: float
    basis_texture: float


def yardstick(pack: Pack, channels: int) -> Basis:
    """Fit the basis to training photos; its scale does not matter here."""
    return fit_basis(sample_patches(pack, CROPS, np.random.default_rng(0)), channels)


def to_tensor(image: np.ndarray) -> torch.Tensor:
    """(height, width, 3) uint8 to (1, 3, height, width) in [-1, 1]."""
    return torch.from_numpy(image.copy()).permute(2, 0, 1)[None].float() / 127.5 - 1


def to_array(image: torch.Tensor) -> np.ndarray:
    """(1, 3, h, w) in [-1, 1] to (h, w, 3) uint8."""
    return ((image[0].float().permute(1, 2, 0).clamp(-1, 1) + 1) * 127.5).round().byte().numpy()


def sharpness(image: np.ndarray) -> float:
    """Variance of the Laplacian of the luminance."""
    return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var()) + LAPLACIAN_FLOOR


@torch.no_grad()
def measure_autoencoder(model: Any, basis: Basis) -> list[Reconstruction]:
    """Encode and decode four scikit-image pictures that are in no training set.

    Args:
        model: The studio's loaded `DiffusionModel`.
        basis: The yardstick, of `model.latent_channels` channels.
    """
    found = []
    for name in PICTURES:
        truth = square(getattr(samples, name)())
        pixels = to_tensor(truth)
        ours, plain = to_array(model.decode(model.encode(pixels))), to_array(basis.decode(basis.encode(pixels)))
        everywhere = np.ones(truth.shape[:2], bool)
        psnrs = (psnr_db(again, truth, everywhere) for again in (ours, plain))
        found.append(Reconstruction(name, *psnrs, *(sharpness(again) / sharpness(truth) for again in (ours, plain))))
    return found
