"""How visible the edge of a repainted part is: one number, measured along the mask's contour.

Pictures change everywhere; a seam is where they change *more* across the contour than across lines that run beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import cv2
import numpy as np
from PIL import Image

from modules.imaging.masks import find_crop_box

SCALES_PX = (1, 2, 4, 8)
"""Widths of the strips that are compared on both sides of a line: fine ones find hard edges, wide ones soft ramps."""
GAPS_PX = (4, 5, 6, 7, 8)
"""How far beside the contour the lines run that it is measured against, between the strips."""
REACH_PX = 2 * max(SCALES_PX) + max(GAPS_PX)
"""How far beside the contour the picture is looked at at all."""
FLOOR = 0.75
"""CIELAB units added to both sides of the ratio: a third of what is just noticeable, so that the noise of flat areas is no seam."""
CONTOUR = 128
MAX_POINTS = 4096
MAX_REMAP = 32_000
"""Rows or columns of a picture that `cv2.remap` takes: it counts them in 16 bits."""
TANGENT_PX = 4
SMOOTH_PX = 2
INVISIBLE_BELOW, FAINT_BELOW = 1.25, 1.5
"""Nine in ten outlines drawn at random over unedited photographs score below the first, 95 in 100 below the second (tests measure it)."""


class Visibility(Enum):
    """A seam in a word."""

    INVISIBLE = "invisible"
    FAINT = "faint"
    VISIBLE = "visible"

    @classmethod
    def of(cls, score: float) -> Visibility:
        if score < INVISIBLE_BELOW:
            return cls.INVISIBLE
        return cls.FAINT if score < FAINT_BELOW else cls.VISIBLE


@dataclass(frozen=True)
class Contour:
    """Points on a mask's outline, about evenly spaced.

    Attributes:
        points: (n, 2) float32, x and y in px, between the pixel inside and the one outside.
        normals: (n, 2) float32 unit vectors that point out of the mask.
    """

    points: np.ndarray
    normals: np.ndarray


def score_seam(image: Image.Image, mask: Image.Image) -> float | None:
    """Compare how the picture changes across the contour with how it changes across lines beside it.

    At each point of the contour the picture is sampled along the normal, in CIELAB. For a strip width s and a line at t px from the
    contour, J_s(t) is the mean over all points of |M(t, t + s) - M(t - s, t)|, where M(a, b) is the mean of the samples from a to b: the
    second difference of the picture's integral, which for s = 1 is the plain gradient. J_s(0) is divided by what is usual for lines of this
    shape in this place: mean plus standard deviation of J_s over parallel lines whose strips end `GAPS_PX` before the contour. The score is
    the largest quotient over `SCALES_PX`. It is near 1 for an unedited picture whatever its texture, and grows with a step at the contour;
    texture hides a step from it as from the eye.

    Args:
        image: RGB, the finished picture.
        mask: L, same size; the contour runs where it crosses 128.

    Returns:
        About 1 where nothing can be seen, from about 1.5 on a visible seam; None where the mask has no contour inside the picture.

    Raises:
        ValueError: The sizes differ.

    References:
        Peli, "Contrast in complex images", J. Opt. Soc. Am. A 7(10), 1990 (contrast relative to the local surroundings);
        Marziliano et al., "A no-reference perceptual blur metric", ICIP 2002 (measuring along edge normals).
    """
    if image.size != mask.size:
        raise ValueError(f"sizes differ: {image.width}x{image.height} and {mask.width}x{mask.height}")
    contour = find_contour(mask)
    if contour is None:
        return None
    profiles = _sample_profiles(image, contour)
    if profiles is None:
        return None
    sums = np.concatenate([np.zeros_like(profiles[:, :1]), np.cumsum(profiles, axis=1)], axis=1)
    return max(_ratio(sums, scale) for scale in SCALES_PX)


def draw_band(mask: Image.Image, reach_px: int) -> Image.Image:
    """What lies within `reach_px` of a mask's contour, and nowhere outside the mask: L of its size, 255 there and 0 elsewhere."""
    band = Image.new("L", mask.size)
    box = find_crop_box(mask, 1)
    if box is None:
        return band
    pixels = np.asarray(mask.convert("L").crop(box.edges))
    inside = (pixels >= CONTOUR).astype(np.uint8)
    if inside.min() == inside.max():
        return band
    near = [cv2.distanceTransform(part, cv2.DIST_L2, 5) <= reach_px for part in (inside, 1 - inside)]
    drawn = np.where(near[0] & near[1] & (pixels > 0), 255, 0).astype(np.uint8)
    band.paste(Image.fromarray(drawn), (box.x, box.y))
    return band


def find_contour(mask: Image.Image) -> Contour | None:
    """The outline of a mask, where it crosses 128; None for a mask without one.

    Args:
        mask: L.
    """
    box = mask.getbbox()
    if box is None:
        return None
    pixels = (np.asarray(mask.convert("L").crop(box)) >= CONTOUR).astype(np.uint8)
    found, _ = cv2.findContours(cv2.copyMakeBorder(pixels, 1, 1, 1, 1, cv2.BORDER_CONSTANT), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    outlines = [outline[:, 0].astype(np.float32) for outline in found if len(outline) > 2 * TANGENT_PX]
    if not outlines:
        return None
    outlines = outlines[:: max(1, len(outlines) // MAX_POINTS)]  # a mask of specks has more of them than points are wanted
    stride = max(1, sum(map(len, outlines)) // MAX_POINTS)
    parts = [_with_normals(outline, stride) for outline in outlines]
    points = np.concatenate([part[0] for part in parts])
    normals = np.concatenate([part[1] for part in parts])
    corner = np.array((box[0] - 1, box[1] - 1), np.float32)
    return Contour(points + corner + normals / 2, normals)


def _with_normals(outline: np.ndarray, stride: int) -> tuple[np.ndarray, np.ndarray]:
    """Every `stride`th point, smoothed, and its normal; OpenCV walks with the mask on the same hand around holes too.

    Points on whole pixels would be sampled sharper than the lines beside them, which fall between pixels.
    """
    shifts = range(-SMOOTH_PX, SMOOTH_PX + 1)
    smooth: np.ndarray = np.stack([np.roll(outline, shift, axis=0) for shift in shifts]).mean(axis=0, dtype=np.float32)
    tangents = np.roll(smooth, -TANGENT_PX, axis=0) - np.roll(smooth, TANGENT_PX, axis=0)
    lengths = np.maximum(np.linalg.norm(tangents, axis=1, keepdims=True), 1e-6)
    normals = np.stack([-tangents[:, 1], tangents[:, 0]], axis=1) / lengths
    return smooth[::stride], normals[::stride]


def _sample_profiles(image: Image.Image, contour: Contour) -> np.ndarray | None:
    """(n, 2 * REACH_PX, 3) float32 CIELAB from inside to outside, of points whose profile lies within the picture."""
    offsets = np.arange(-REACH_PX, REACH_PX, dtype=np.float32) + 0.5
    where = contour.points[:, None] + offsets[None, :, None] * contour.normals[:, None]
    is_inside = ((where >= 0) & (where <= np.array((image.width - 1, image.height - 1)))).all(axis=(1, 2))
    where = where[is_inside]
    if not len(where):
        return None
    return cv2.cvtColor(_sample(image, where).astype(np.float32) / 255, cv2.COLOR_RGB2LAB)


def _sample(image: Image.Image, where: np.ndarray) -> np.ndarray:
    """(n, m, 3) uint8: the picture at (n, m, 2) places, bilinear; in parts where they lie farther apart than OpenCV takes."""
    left, top = np.floor(where.min(axis=(0, 1))).astype(int)
    right, bottom = np.ceil(where.max(axis=(0, 1))).astype(int) + 1
    if max(right - left, bottom - top) > MAX_REMAP:
        return np.concatenate([_sample(image, part) for part in np.array_split(where, 2)])
    pixels = np.asarray(image.crop((left, top, right, bottom)).convert("RGB"))
    return cv2.remap(pixels, where - np.array((left, top), np.float32), None, cv2.INTER_LINEAR)


def _ratio(sums: np.ndarray, scale: int) -> float:
    """J_s at the contour over what is usual beside it."""

    def change(at: int) -> float:
        middle = REACH_PX + at
        outer, inner = sums[:, middle + scale] - sums[:, middle], sums[:, middle] - sums[:, middle - scale]
        return float(np.linalg.norm(outer - inner, axis=-1).mean()) / scale

    beside = np.array([change(side * (gap + scale)) for gap in GAPS_PX for side in (-1, 1)])
    return (change(0) + FLOOR) / (float(beside.mean() + beside.std()) + FLOOR)
