"""Seam score: the gradient jump along the contour of a repainted hole.

The studio tells a person how visible one edge is (`modules.imaging.seams`); that number asks for a step alone. Here fills are compared, and
one that blurs up to its edge must not win by having no step: the jump is counted, and so is the break of texture.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from PIL import Image

from modules.imaging.seams import find_contour

SCALES_PX = (1, 2, 4, 8)
"""Widths of the strips that are compared on both sides of a line: fine ones find hard edges, wide ones the ramp of a soft mask."""
GAPS_PX = (3, 5, 7)
"""How far beside the contour the nearer strips of the parallel lines end."""
REACH_PX = 2 * max(SCALES_PX) + max(GAPS_PX)
BAND_PX = (3, 13)
"""From how far beside the contour to how far texture is measured, on either side."""
STRETCH_POINTS = 24
"""Contour points over which texture is averaged before the two sides are compared."""
FLOOR = 0.5 / 255
"""Half a grey level, added to both sides of every ratio: less cannot be seen, nor stored."""
SHARPNESS = 4.0


@dataclass(frozen=True)
class Seam:
    """How visible an edge is, in natural logarithms of ratios.

    Attributes:
        jump: Change across the contour over the change across lines beside it, whichever side has more; about 0 for an unedited picture,
            above it for a step, below it for a smear.
        texture: Mean absolute logarithm of the gradient just inside over that just outside, stretch by stretch; above 0 even in an unedited
            picture, because the sides of a line differ there too.
    """

    jump: float
    texture: float

    @property
    def score(self) -> float:
        """Both together. The jump enters through a softplus, so that it never stops growing but a smear earns next to nothing."""
        return float(np.logaddexp(0, SHARPNESS * self.jump)) / SHARPNESS + self.texture


def measure_seam(image: np.ndarray, mask: np.ndarray) -> Seam | None:
    """Measure the edge between a hole's content and what is around it.

    At each point of the contour the picture is sampled along the normal. For a strip of s px and a line at t px from the contour, J_s(t)
    is the squared mean over all points of the root of |M(t, t + s) - M(t - s, t)|, with M(a, b) the mean colour between a and b: the root
    lets flat stretches, where a step is seen, count for more than edges that cross the contour. The jump is the mean over `SCALES_PX` of
    log(J_s(0) / max(inside, outside)), where inside and outside are the means of J_s over lines that run at `GAPS_PX` beside the contour
    and do not reach over it. The texture break compares mean gradient magnitudes in bands of `BAND_PX` on both sides, for each stretch of
    `STRETCH_POINTS`. Ratios alone enter, so that brightness and contrast of the picture cancel (but for `FLOOR`).

    Args:
        image: (height, width, 3) uint8.
        mask: (height, width), not zero inside the hole.

    Returns:
        None where no contour lies far enough within the picture.
    """
    contour = find_contour(Image.fromarray((mask > 0).astype(np.uint8) * 255))
    if contour is None:
        return None
    offsets = np.arange(-REACH_PX, REACH_PX, dtype=np.float32) + 0.5
    where = contour.points[:, None] + offsets[None, :, None] * contour.normals[:, None]
    height, width = mask.shape[:2]
    is_whole = ((where >= 0) & (where <= np.array((width - 1, height - 1)))).all(axis=(1, 2))
    if is_whole.sum() < 2 * STRETCH_POINTS:
        return None
    pixels = image.astype(np.float32) / 255
    profiles = cv2.remap(pixels, where[is_whole], None, cv2.INTER_LINEAR)
    gradients = cv2.remap(_gradient(pixels), where[is_whole], None, cv2.INTER_LINEAR)
    return Seam(_jump(profiles), _texture_break(gradients))


def _gradient(pixels: np.ndarray) -> np.ndarray:
    """Gradient magnitude, the mean over colours: (height, width) float32."""
    dx, dy = (cv2.Sobel(pixels, cv2.CV_32F, *way, ksize=1) / 2 for way in ((1, 0), (0, 1)))
    return np.sqrt(dx * dx + dy * dy).mean(-1)


def _jump(profiles: np.ndarray) -> float:
    """`Seam.jump` of (points, 2 * REACH_PX, 3) profiles from inside to outside."""
    sums = np.concatenate([np.zeros_like(profiles[:, :1]), np.cumsum(profiles, axis=1, dtype=np.float64)], axis=1)

    def change(at: int, scale: int) -> float:
        middle = REACH_PX + at
        difference = sums[:, middle + scale] - 2 * sums[:, middle] + sums[:, middle - scale]
        return float(np.sqrt(np.linalg.norm(difference, axis=-1)).mean() ** 2) / scale

    ratios = []
    for scale in SCALES_PX:
        inside, outside = (float(np.mean([change(side * (gap + scale), scale) for gap in GAPS_PX])) for side in (-1, 1))
        ratios.append(np.log((change(0, scale) + FLOOR) / (max(inside, outside) + FLOOR)))
    return float(np.mean(ratios))


def _texture_break(gradients: np.ndarray) -> float:
    """`Seam.texture` of (points, 2 * REACH_PX) gradient magnitudes from inside to outside."""
    near, far = BAND_PX
    inside, outside = gradients[:, REACH_PX - far : REACH_PX - near].mean(1), gradients[:, REACH_PX + near : REACH_PX + far].mean(1)
    stretches = max(1, len(gradients) // STRETCH_POINTS)
    pairs = zip(np.array_split(inside, stretches), np.array_split(outside, stretches), strict=True)
    return float(np.mean([abs(np.log((a.mean() + FLOOR) / (b.mean() + FLOOR))) for a, b in pairs]))
