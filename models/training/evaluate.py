"""The autoencoder against its yardstick: principal components of 8x8 patches, as many as there are latent channels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import torch
from skimage import data as samples

from .basis import Basis, fit_basis, sample_patches
from .data import Pack, to_pixels, to_tensor
from .fills import LAPLACIAN_FLOOR, SIDE_PX, psnr_db
from .pictures import middle_square

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


def yardstick_photos() -> dict[str, np.ndarray]:
    """The middle squares of four scikit-image photos, (SIDE_PX, SIDE_PX, 3) uint8, by name; they are in no training set."""
    return {name: middle_square(getattr(samples, name)()[..., :3], SIDE_PX) for name in PICTURES}


def yardstick(pack: Pack, channels: int) -> Basis:
    """Fit the basis to training photos; its scale does not matter here."""
    return fit_basis(sample_patches(pack, CROPS, np.random.default_rng(0)), channels)


def sharpness(image: np.ndarray) -> float:
    """Variance of the Laplacian of the luminance."""
    return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var()) + LAPLACIAN_FLOOR


@torch.no_grad()
def measure_autoencoder(model: Any, basis: Basis) -> list[Reconstruction]:
    """Encode and decode the four yardstick photos.

    Args:
        model: The studio's loaded `DiffusionModel`.
        basis: The yardstick, of `model.latent_channels` channels.
    """
    found = []
    for name, truth in yardstick_photos().items():
        pixels = to_tensor(truth)[None]
        ours, plain = to_pixels(model.decode(model.encode(pixels))[0]), to_pixels(basis.decode(basis.encode(pixels))[0])
        everywhere = np.ones(truth.shape[:2], bool)
        psnrs = (psnr_db(again, truth, everywhere) for again in (ours, plain))
        found.append(Reconstruction(name, *psnrs, *(sharpness(again) / sharpness(truth) for again in (ours, plain))))
    return found
