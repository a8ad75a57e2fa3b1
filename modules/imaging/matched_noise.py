"""Noise that continues a picture: its spectrum is that of the picture, its colours are the picture's colours.

References:
    Galerne, Gousseau & Morel, "Random Phase Textures: Theory and Synthesis", IEEE TIP 2011 (noise shaped by a spectrum);
    Gonzalez & Woods, "Digital Image Processing", section 3.3.2 (histogram specification).
"""

from __future__ import annotations

import numpy as np
from skimage.exposure import match_histograms

SEED = 0
"""Always the same noise, whatever the job's seed: A1111's rule."""
MASKED, UNMASKED = 1e-6, 1e-3
"""A pixel is masked above the first mask value, and a colour sample below the second."""
AXES = (0, 1)


def matched_noise(picture: np.ndarray, mask: np.ndarray, exponent: float = 1.0, color_variation: float = 0.05) -> np.ndarray:
    """Fill the masked part of a picture with noise that looks like the rest.

    Args:
        picture: (height, width, 3) float64 in [0, 1].
        mask: (height, width, 3) float64 in [0, 1]; 1 = fill.
        exponent: Of the picture's spectrum; higher = its strong frequencies dominate, lower = more detail.
        color_variation: 0 = grey noise, 1 = each channel has its own.

    Returns:
        (height, width, 3) float64 in [0, 1]; the picture itself where the mask is 0.

    Raises:
        ValueError: The two shapes differ.
    """
    if picture.shape != mask.shape:
        raise ValueError(f"picture and mask differ: {picture.shape} and {mask.shape}")
    grey_mask = mask.mean(axis=2)
    is_masked, is_sample = grey_mask > MASKED, grey_mask < UNMASKED
    if not is_masked.any() or not is_sample.any():
        return np.clip(picture, 0.0, 1.0)
    visible = picture * (1.0 - grey_mask[..., None])
    brightest = visible.max()
    spectrum = _spectrum(visible / (brightest or 1.0) + picture.mean() * mask)
    magnitude = np.abs(spectrum)
    phase = np.divide(spectrum, magnitude, out=np.zeros_like(spectrum), where=magnitude > 0)
    noise = _spectrum(_soft_noise(picture.shape, color_variation))
    shaped = _from_spectrum(np.abs(noise) ** 2 * magnitude**exponent * phase)
    shaped -= shaped.min()
    shaped /= shaped.max() or 1.0
    shaped[is_masked] = match_histograms(shaped[is_masked], picture[is_sample], channel_axis=1)
    return np.clip(picture * (1.0 - mask) + shaped * mask, 0.0, 1.0)


def _soft_noise(shape: tuple[int, ...], color_variation: float) -> np.ndarray:
    """(height, width, channels): uniform noise, its colours mixed towards grey, its high frequencies damped."""
    noise = np.random.default_rng(SEED).random(shape)
    grey = noise.mean(axis=2, keepdims=True)
    mixed = color_variation * noise + (1.0 - color_variation) * grey
    return _from_spectrum(_spectrum(mixed) * _window(shape[0], shape[1])[..., None])


def _window(height: int, width: int) -> np.ndarray:
    """(height, width): 1 / ((y² + 1)(x² + 1)); the shorter axis runs from -1 to 1, the longer one in proportion."""
    short = min(height, width)
    y = (np.arange(height) / height * 2.0 - 1.0) * (height / short)
    x = (np.arange(width) / width * 2.0 - 1.0) * (width / short)
    return 1.0 / ((y[:, None] ** 2 + 1.0) * (x[None, :] ** 2 + 1.0))


def _spectrum(data: np.ndarray) -> np.ndarray:
    """Centred orthonormal Fourier transform of each channel, complex128."""
    return np.fft.ifftshift(np.fft.fft2(np.fft.fftshift(data, axes=AXES), axes=AXES, norm="ortho"), axes=AXES)


def _from_spectrum(spectrum: np.ndarray) -> np.ndarray:
    """The real part of the inverse of `_spectrum`."""
    return np.fft.ifftshift(np.fft.ifft2(np.fft.fftshift(spectrum, axes=AXES), axes=AXES, norm="ortho"), axes=AXES).real
