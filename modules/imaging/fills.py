"""What stands below the mask before the model starts: surrounding colours, grey, or a patch match."""

from __future__ import annotations

from enum import Enum
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageFilter, ImageOps

from modules.base.errors import InvalidRequest, UnknownName
from modules.base.registry import load_dotted
from modules.imaging.geometry import Box
from modules.imaging.masks import find_crop_box

BLUR_PASSES = ((256, 1), (64, 1), (16, 2), (4, 4), (2, 2), (0, 1))  # (radius px, repeats), A1111's "fill"
NEUTRAL_GREY = 128
MAX_MATCH_SIDE_PX = 1536  # larger crops are matched at this size: the model repaints the hole anyway
MIN_CONTEXT_PX = 64
PATCH_REACH_PX = 5  # a patch has 2 * 5 + 1 px a side


class MaskedContent(Enum):
    """A1111's `inpainting_fill` by number, and two of our own by name."""

    FILL = 0
    ORIGINAL = 1
    LATENT_NOISE = 2
    LATENT_NOTHING = 3
    PATCHMATCH = "patchmatch"
    NEUTRAL = "neutral"

    @property
    def label(self) -> str:
        """The words of infotext and page: "latent noise"."""
        return self.name.lower().replace("_", " ")

    @classmethod
    def parse(cls, value: int | str | MaskedContent) -> MaskedContent:
        """From a number, a digit string or a label.

        Raises:
            UnknownName: None of these; A1111 takes unknown numbers for FILL, a silently different picture.
        """
        if isinstance(value, MaskedContent):
            return value
        text = str(value).strip().casefold().replace("_", " ")
        for member in cls:
            if text in (member.label, str(member.value)):
                return member
        raise UnknownName("inpainting_fill", value, [f"{member.value} ({member.label})" for member in cls])


def fill_from_edges(image: Image.Image, mask: Image.Image) -> Image.Image:
    """Spread the surrounding colours into the mask by ever smaller blurs (A1111's "fill").

    Args:
        image: RGB; not modified.
        mask: L, same size; 255 = filled. Where it is 0 the picture stays identical.

    Returns:
        RGB; black where the blurs reach nothing (a mask over the whole picture).
    """
    held = Image.new("RGBa", image.size)
    held.paste(image.convert("RGBA").convert("RGBa"), mask=ImageOps.invert(mask.convert("L")))
    filled = Image.new("RGBA", image.size)
    for radius, repeats in BLUR_PASSES:
        blurred = held.filter(ImageFilter.GaussianBlur(radius)).convert("RGBA")
        for _ in range(repeats):
            filled.alpha_composite(blurred)
    return filled.convert("RGB")


def fill_neutral(image: Image.Image, mask: Image.Image) -> Image.Image:
    """Mid grey where the mask, rounded, is 1 (ComfyUI's inpaint encoding; exact 0.5 has no place in 8 bits)."""
    grey = Image.new("RGB", image.size, (NEUTRAL_GREY,) * 3)
    return Image.composite(grey, image.convert("RGB"), _binary(mask, 128))


def fill_patchmatch(image: Image.Image, mask: Image.Image, seed: int) -> Image.Image:
    """Continue the surroundings into the hole by matching patches; the same seed gives the same picture.

    The hole is every non-zero mask pixel; if that leaves too little to copy from, those of at least half.
    Works on a crop around the hole, at no more than `MAX_MATCH_SIDE_PX` px a side.

    Args:
        image: RGB; not modified.
        mask: L, same size.
        seed: Any integer.

    Returns:
        RGB, identical to `image` outside the hole; where no whole patch is left to copy from, the colours of the
        edges (`fill_from_edges`), and mid grey where not even those are.

    Raises:
        InvalidRequest: The package pypatchmatch is missing or does not load.

    References:
        Barnes et al., "PatchMatch", SIGGRAPH 2009.
    """
    image = image.convert("RGB")
    hole = _choose_hole(mask)
    found = find_crop_box(hole, 0)
    if found is None:
        return image
    if _known_share(hole) < 0.01:
        return fill_neutral(image, hole)
    box = _context_box(found, image)
    part, part_hole = image.crop(box.edges), hole.crop(box.edges)
    filled = _match_patches(part, part_hole, seed) if _has_patch(part_hole) else fill_from_edges(part, part_hole)
    result = image.copy()
    result.paste(filled, (box.x, box.y), part_hole)
    return result


def _match_patches(image: Image.Image, hole: Image.Image, seed: int) -> Image.Image:
    factor = min(1.0, MAX_MATCH_SIDE_PX / max(image.size))
    if factor < 1:
        size = (max(1, round(image.width * factor)), max(1, round(image.height * factor)))
        small_hole = hole.resize(size, Image.Resampling.BOX).point([0] + [255] * 255)
        small = _match_patches(image.resize(size, Image.Resampling.BOX), small_hole, seed)
        return small.resize(image.size, Image.Resampling.LANCZOS)
    match = _load_patchmatch()
    match.set_random_seed(seed % 2**32)
    return Image.fromarray(match.inpaint(np.asarray(image), np.asarray(hole), patch_size=PATCH_REACH_PX))


def _load_patchmatch() -> Any:
    try:
        if load_dotted("patchmatch:patchmatch_available"):
            return load_dotted("patchmatch:patch_match")
    except ImportError:
        pass
    raise InvalidRequest("inpainting_fill", "patchmatch", "another fill: the package pypatchmatch is not installed or does not load here")


def _has_patch(hole: Image.Image) -> bool:
    """Whether a whole patch lies outside the hole."""
    known = (np.asarray(hole) == 0).astype(np.uint8)
    side = 2 * PATCH_REACH_PX + 1
    return bool(cv2.erode(known, np.ones((side, side), np.uint8), borderValue=0).any())


def _binary(mask: Image.Image, least: int) -> Image.Image:
    return mask.convert("L").point([255 if value >= least else 0 for value in range(256)])


def _choose_hole(mask: Image.Image) -> Image.Image:
    hole = _binary(mask, 1)
    return hole if _known_share(hole) >= 0.05 else _binary(mask, 128)


def _known_share(hole: Image.Image) -> float:
    return hole.histogram()[0] / (hole.width * hole.height)


def _context_box(hole: Box, image: Image.Image) -> Box:
    """The hole with its own longer side, or 64 px, of surroundings on each side, cut at the picture's border."""
    margin = max(MIN_CONTEXT_PX, hole.width, hole.height)
    left, top, right, bottom = hole.edges
    return Box.from_edges(max(left - margin, 0), max(top - margin, 0), min(right + margin, image.width), min(bottom + margin, image.height))
