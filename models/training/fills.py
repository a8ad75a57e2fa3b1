"""Holes in held-out photos, what closes them, and how well: the parts of the bar that need no model.

Every fill is laid into its photo by the studio's own soft mask, so that what shines through at the rim shines through for all alike.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import cv2
import numpy as np
from PIL import Image

from modules.imaging.fills import fill_patchmatch
from modules.imaging.masks import blur_mask

from .data import Pack
from .pictures import middle_square
from .seams import measure_seam

SIDE_PX = 256
AREA = (0.05, 0.25)
MASK_BLUR = 4
TELEA_RADIUS_PX = 5
EDGE_PX = 2
RING_PX = (12, 32)
"""From how far outside the hole, where the soft mask no longer reaches, to how far texture is measured for comparison."""
LAPLACIAN_FLOOR = 1.0
"""Added to both variances, in squares of 1/255: below it lies rounding."""


@dataclass(frozen=True)
class Hole:
    """One picture of the bar.

    Attributes:
        index: Of the photo in its pack.
        truth: (SIDE_PX, SIDE_PX, 3) uint8.
        mask: (SIDE_PX, SIDE_PX) uint8, 255 in the hole.
    """

    index: int
    truth: np.ndarray
    mask: np.ndarray

    @property
    def soft(self) -> np.ndarray:
        """(SIDE_PX, SIDE_PX) uint8: the mask by which the studio lays a fill into the picture."""
        return np.asarray(blur_mask(Image.fromarray(self.mask), MASK_BLUR, MASK_BLUR))


@dataclass(frozen=True)
class Measures:
    """What is measured of one filled hole.

    Attributes:
        psnr: dB in the hole.
        core_psnr: dB where nothing of the truth shines through the soft mask.
        texture: Variance of the Laplacian in the hole over that of a ring around it.
        seam, jump, texture_break: `seams.Seam`'s score and its two parts; NaN where there is no contour.
    """

    psnr: float
    core_psnr: float
    texture: float
    seam: float
    jump: float
    texture_break: float


NAMES = tuple(field.name for field in fields(Measures))


def choose_photos(pack: Pack, count: int) -> list[int]:
    """Held-out photos, evenly spread over the pack and thereby over its sources."""
    held_out = pack.split(held_out=True)
    places = np.linspace(0, len(held_out) - 1, min(count, len(held_out))).round().astype(int)
    return [held_out[i] for i in places]


def draw_blob(rng: np.random.Generator, side: int = SIDE_PX) -> np.ndarray:
    """Draw one smooth blob: smoothed noise under a bell, cut where the wanted share of the picture remains, the largest piece of it.

    Returns:
        (side, side) uint8 of 0 and 255; 5 to 25 % of the picture, all of it at least 1/16 of the side away from the border.
    """
    while True:
        noise = cv2.GaussianBlur(rng.normal(size=(side, side)), (0, 0), side / 12)
        centre = rng.uniform(0.35, 0.65, 2) * side
        y, x = np.mgrid[:side, :side]
        bell = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / (2 * (side * 0.25) ** 2))
        field = noise / noise.std() * 0.25 + 2 * bell
        margin = side // 16
        field[:margin], field[-margin:], field[:, :margin], field[:, -margin:] = (-np.inf,) * 4
        wanted = rng.uniform(*AREA)
        _, labels, stats, _ = cv2.connectedComponentsWithStats((field > np.quantile(field, 1 - wanted)).astype(np.uint8))
        blob = np.where(labels == 1 + stats[1:, cv2.CC_STAT_AREA].argmax(), 255, 0).astype(np.uint8)
        outlines, _ = cv2.findContours(blob, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(blob, outlines, -1, 255, -1)
        if AREA[0] <= (blob > 0).mean() <= AREA[1]:
            return blob


def make_holes(pack: Pack, count: int) -> list[Hole]:
    """The bar's pictures; the n-th photo always has the same hole."""
    return [Hole(i, middle_square(pack.image(i), SIDE_PX), draw_blob(np.random.default_rng(8000 + i))) for i in choose_photos(pack, count)]


def lay_in(hole: Hole, fill: np.ndarray) -> np.ndarray:
    """Lay a fill into the truth by the soft mask; float or uint8 in, uint8 out."""
    alpha = hole.soft[..., None] / np.float32(255)
    return (hole.truth * (1 - alpha) + fill * alpha).round().astype(np.uint8)


def fill_telea(hole: Hole) -> np.ndarray:
    """OpenCV's fast-marching fill, laid in."""
    wide = np.where(hole.soft > 0, 255, 0).astype(np.uint8)
    return lay_in(hole, cv2.inpaint(hole.truth, wide, TELEA_RADIUS_PX, cv2.INPAINT_TELEA))


def fill_by_patches(hole: Hole, seed: int = 0) -> np.ndarray:
    """The studio's patch match, under the soft mask as in the studio, laid in."""
    return lay_in(hole, np.asarray(fill_patchmatch(Image.fromarray(hole.truth), Image.fromarray(hole.soft), seed)))


def psnr_db(found: np.ndarray, truth: np.ndarray, where: np.ndarray) -> float:
    """PSNR in dB over the pixels `where`; 99 for equal ones."""
    if not where.any():
        return float("nan")
    error = float(((found.astype(np.float64) - truth)[where] ** 2).mean())
    return 99.0 if error == 0 else float(10 * np.log10(255**2 / error))


def texture_ratio(image: np.ndarray, mask: np.ndarray) -> float:
    """Variance of the Laplacian of the luminance inside a hole, over that in a ring around it that no soft mask reaches."""
    laplacian = cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F)
    inside, outside = (cv2.distanceTransform(part.astype(np.uint8), cv2.DIST_L2, 5) for part in (mask > 0, mask == 0))
    ring = (outside > RING_PX[0]) & (outside <= RING_PX[1])
    return float((laplacian[inside > EDGE_PX].var() + LAPLACIAN_FLOOR) / (laplacian[ring].var() + LAPLACIAN_FLOOR))


def measure(hole: Hole, found: np.ndarray) -> Measures:
    """Measure one finished picture.

    Args:
        hole: What it was made from.
        found: (SIDE_PX, SIDE_PX, 3); a mean of several may be float.
    """
    picture = np.clip(np.round(found), 0, 255).astype(np.uint8)
    seam = measure_seam(picture, hole.mask)
    parts = (float("nan"),) * 3 if seam is None else (seam.score, seam.jump, seam.texture)
    psnrs = (psnr_db(found, hole.truth, where) for where in (hole.mask > 0, hole.soft >= 254))
    return Measures(*psnrs, texture_ratio(picture, hole.mask), *parts)


def summarise(rows: list[Measures]) -> dict[str, float]:
    """One number a column: the mean of PSNRs and seams, the median of texture ratios."""
    table = {name: np.array([getattr(row, name) for row in rows], float) for name in NAMES}
    return {name: float((np.nanmedian if name == "texture" else np.nanmean)(values)) for name, values in table.items()}
