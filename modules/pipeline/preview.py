"""What the model will see, known before it is asked: crop, working size, start picture and both masks, to the pixel.

The same functions bring pictures to the model when the request runs (`stages.prepare`); no model is needed, and no torch.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from PIL import Image

from modules.imaging.fills import MaskedContent, fill_neutral
from modules.imaging.geometry import Box, Extent
from modules.imaging.masks import fractional_latent_mask, latent_mask
from modules.imaging.resize import ResizeMode
from modules.pipeline.plan import Framing, check_request, derive_framing
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.stages.prepare import (
    CROP_MENDED,
    CROP_UNUSED,
    MASK_EMPTY,
    MASK_RESIZED,
    MAX_ANISOTROPY,
    MaskSet,
    fill_masked,
    fit_overlay_mask,
    flatten_start,
    frame_masks,
    to_canvas,
    to_working,
)

LATENT_FACTOR = 8
"""Pixels a latent cell, along each side, of all models that this version runs."""
MAX_ENLARGEMENT = 2.0
PREVIEW_SEED = 0
"""Stands in for a random seed, which only the job will draw."""
QUICK_FILL_AREA_PX = 640 * 640
NOISE_SEED = 20
GREY = 128


class RemarkKind(Enum):
    """What a person may want to change before the model starts; the value names its text."""

    STRETCHED = "stretched"
    CUT = "cut"
    EDGES = "edges"
    MASK_EMPTY = "mask_empty"
    NOTHING_MASKED = "nothing_masked"
    MASK_LOST = "mask_lost"
    MASK_RESIZED = "mask_resized"
    CROP_MENDED = "crop_mended"
    CROP_UNUSED = "crop_unused"
    ENLARGED = "enlarged"
    SHRUNK = "shrunk"
    ODD_SIZE = "odd_size"


NOTED = {
    MASK_EMPTY: RemarkKind.MASK_EMPTY,
    MASK_RESIZED: RemarkKind.MASK_RESIZED,
    CROP_MENDED: RemarkKind.CROP_MENDED,
    CROP_UNUSED: RemarkKind.CROP_UNUSED,
}
"""Notes of the run that are remarks here."""


@dataclass(frozen=True)
class Remark:
    """One of these, with the numbers for its text."""

    kind: RemarkKind
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Sight:
    """What the model will see.

    Attributes:
        picture: RGB, the start picture in its own size, without transparency.
        canvas: RGB, what the result is laid into: the picture in only-masked work, else the picture at the working size.
        crop: In only-masked work, the part of the picture that is worked on, in its pixels; None = the whole picture.
        working: Size the model works at, px.
        start: RGB, working size (the picture's own under resize mode 3): what is encoded, filled below the mask.
        latent_mask: L, one pixel a latent cell: what the denoiser repaints; None = everything.
        blend_mask: L, of the finished picture's size: where it shows the new (255), the old (0) or a mixture; None = the new everywhere.
        content: What the masked part starts from; latent noise and latent nothing are not yet in `start`, see `draw_start`.
        scale: Working pixels a pixel of the picture.
        stretch: By how much one side is stretched more than the other; 0.01 = 1 %.
        notes: What the run will tell, in English.
        remarks: What a person may want to change.
        is_filled: False while the fill was left out because it takes long.
        is_one_of_many: The seed is random and the fill depends on it, so the run's will look otherwise.
    """

    picture: Image.Image
    canvas: Image.Image
    crop: Box | None
    working: Extent
    start: Image.Image
    latent_mask: Image.Image | None
    blend_mask: Image.Image | None
    content: MaskedContent
    scale: float
    stretch: float
    notes: tuple[str, ...]
    remarks: tuple[Remark, ...]
    is_filled: bool
    is_one_of_many: bool


class Memory:
    """Results that later looks need again; may be used from any thread.

    Args:
        capacity: Pictures kept.
    """

    def __init__(self, capacity: int = 12) -> None:
        self._capacity, self._lock = capacity, threading.Lock()
        self._entries: OrderedDict[Hashable, Image.Image] = OrderedDict()

    def find(self, key: Hashable) -> Image.Image | None:
        with self._lock:
            if key in self._entries:
                self._entries.move_to_end(key)
            return self._entries.get(key)

    def keep(self, key: Hashable, image: Image.Image) -> Image.Image:
        with self._lock:
            self._entries[key] = image
            self._entries.move_to_end(key)
            while len(self._entries) > self._capacity:
                self._entries.popitem(last=False)
        return image

    def find_or_make(self, key: Hashable, make: Callable[[], Image.Image]) -> Image.Image:
        """The picture under `key`, made now if it is not there; nobody may change it."""
        found = self.find(key)
        return self.keep(key, make()) if found is None else found


def look_ahead(
    request: StableDiffusionProcessingImg2Img, memory: Memory | None = None, key: Hashable = None, *, is_hasty: bool = False
) -> Sight:
    """Say what the model will see of a request's first picture.

    Args:
        request: Not changed; its options and override settings count.
        memory: Kept between looks, so that what has not changed is not made again.
        key: Stands for the start picture in `memory`; None = the picture is not remembered.
        is_hasty: Leave out a fill that takes long, unless it is remembered.

    Raises:
        InvalidRequest: The request cannot be run, for this reason.
    """
    check_request(request)
    memory = memory or Memory()
    has_seed = request.seed not in (None, "", -1)
    options = request.options.coerced(request.override_settings)
    framing = derive_framing(request, [int(request.seed) if has_seed else PREVIEW_SEED], options)
    flat, notes = flatten_start(request.init_images[0], framing), _first_notes(request, framing)
    size = Extent(*flat.size)
    masks = None if request.image_mask is None else frame_masks(request.image_mask, request.latent_mask, size, framing, notes)
    canvas = _remember_canvas(flat, framing, masks, memory, key)
    start, is_filled = to_working(canvas, framing, masks), True
    cells = None
    if masks is not None:
        masks = dataclasses.replace(masks, overlay=fit_overlay_mask(masks.overlay, canvas, framing))
        cells = _latent_picture(masks, Extent(*start.size), framing)
        start, is_filled = _fill(start, masks, framing, memory, is_hasty)
    crop, blend = (masks.box, masks.overlay) if masks else (None, None)
    remarks = [*_remarks_on_notes(notes), *_remarks_on_mask(cells, blend), *_remarks_on_size(size, crop, framing)]
    return Sight(
        flat,
        canvas,
        crop,
        framing.working,
        start,
        cells,
        blend,
        framing.content if masks else MaskedContent.ORIGINAL,
        _scale(size, crop, framing),
        _stretch(size, crop, framing),
        tuple(notes),
        tuple(remarks),
        is_filled,
        masks is not None and not has_seed and framing.content in (MaskedContent.PATCHMATCH, MaskedContent.LATENT_NOISE),
    )


def draw_start(sight: Sight) -> Image.Image:
    """The start picture with what happens to its latents drawn in: coloured specks for latent noise, grey for latent nothing.

    RGB, of the start picture's size. Noise and zeros replace latents, which have no colours of their own; the specks are a likeness.
    """
    if sight.latent_mask is None or sight.content not in (MaskedContent.LATENT_NOISE, MaskedContent.LATENT_NOTHING):
        return sight.start
    size = sight.start.size
    replaced = sight.latent_mask.resize(size, Image.Resampling.NEAREST)
    if sight.content is MaskedContent.LATENT_NOTHING:
        return Image.composite(Image.new("RGB", size, (GREY,) * 3), sight.start, replaced)
    shape = (sight.latent_mask.height, sight.latent_mask.width, 3)
    specks = np.random.default_rng(NOISE_SEED).normal(GREY, 48, shape).clip(0, 255).astype(np.uint8)
    return Image.composite(Image.fromarray(specks).resize(size, Image.Resampling.NEAREST), sight.start, replaced)


def seen_part(sight: Sight) -> Box:
    """The part of the picture that reaches the model, in its pixels: the crop, or what resize mode 1 does not cut off."""
    whole = Box(0, 0, *sight.picture.size)
    if sight.crop is not None:
        return sight.crop
    cut = next((remark for remark in sight.remarks if remark.kind is RemarkKind.CUT), None)
    if cut is None:
        return whole
    width, height = min(whole.width, round(sight.working.width / sight.scale)), min(whole.height, round(sight.working.height / sight.scale))
    return Box((whole.width - width) // 2, (whole.height - height) // 2, width, height)


def _first_notes(request: StableDiffusionProcessingImg2Img, framing: Framing) -> list[str]:
    is_unused = framing.crop_region is not None and (request.image_mask is None or not framing.is_only_masked)
    return [CROP_UNUSED] if is_unused else []


def _remember_canvas(flat: Image.Image, framing: Framing, masks: MaskSet | None, memory: Memory, key: Hashable) -> Image.Image:
    if key is None or (framing.is_only_masked and masks is not None):
        return to_canvas(flat, framing, masks)
    options = framing.options
    name = ("canvas", key, framing.resize_mode, framing.working, options.upscaler_for_img2img, options.img2img_background_color)
    return memory.find_or_make(name, lambda: to_canvas(flat, framing, masks))


def _fill(picture: Image.Image, masks: MaskSet, framing: Framing, memory: Memory, is_hasty: bool) -> tuple[Image.Image, bool]:
    """The filled picture and True, or the picture as it is and False."""
    if framing.content is MaskedContent.ORIGINAL:
        return picture, True
    pixels = hashlib.sha256(picture.tobytes() + masks.latent.tobytes() + masks.model.tobytes()).digest()
    name = ("fill", framing.is_comfyui, framing.content, framing.seeds[0], picture.size, pixels)
    found = memory.find(name)
    if found is not None:
        return found, True
    is_quick = framing.content is MaskedContent.NEUTRAL or picture.width * picture.height <= QUICK_FILL_AREA_PX
    if is_hasty and (framing.content is MaskedContent.PATCHMATCH or not is_quick):
        return picture, False
    if framing.is_comfyui and framing.content is MaskedContent.NEUTRAL:  # the run greys out in floats, later
        return memory.keep(name, fill_neutral(picture, _fit(masks.model, picture))), True
    return memory.keep(name, fill_masked(picture, masks, framing)), True


def _fit(mask: Image.Image, picture: Image.Image) -> Image.Image:
    return mask if mask.size == picture.size else mask.resize(picture.size, Image.Resampling.BILINEAR)


def _latent_picture(masks: MaskSet, picture: Extent, framing: Framing) -> Image.Image:
    size, is_neutral = framing.working.floor_divide(LATENT_FACTOR), framing.content is MaskedContent.NEUTRAL
    if framing.is_comfyui:
        is_cut = framing.options.inpainting_mask_weight != 0
        cells = fractional_latent_mask(masks.latent, picture, size, masks.grow_by, is_rounded=is_neutral, is_cut=is_cut)
    else:
        cells = latent_mask(masks.latent, size, framing.is_mask_rounded)
    return Image.fromarray(np.round(cells * 255).astype(np.uint8))


def _scales(picture: Extent, crop: Box | None, framing: Framing) -> tuple[float, float]:
    seen = picture if crop is None else crop.extent
    return framing.working.width / seen.width, framing.working.height / seen.height


def _mode(crop: Box | None, framing: Framing) -> ResizeMode:
    """How what is seen is brought to the working size: a crop always keeps its proportions."""
    return framing.resize_mode if crop is None else ResizeMode.FILL


def _scale(picture: Extent, crop: Box | None, framing: Framing) -> float:
    across, down = _scales(picture, crop, framing)
    mode = _mode(crop, framing)
    return max(across, down) if mode is ResizeMode.CROP else min(across, down) if mode is ResizeMode.FILL else (across * down) ** 0.5


def _stretch(picture: Extent, crop: Box | None, framing: Framing) -> float:
    across, down = _scales(picture, crop, framing)
    is_stretching = _mode(crop, framing) in (ResizeMode.STRETCH, ResizeMode.LATENT)
    return max(across, down) / min(across, down) - 1 if is_stretching else 0.0


def _remarks_on_notes(notes: Sequence[str]) -> list[Remark]:
    return [Remark(kind) for wording, kind in NOTED.items() for note in notes if note.startswith(wording.split("{")[0])]


def _remarks_on_mask(cells: Image.Image | None, blend: Image.Image | None) -> list[Remark]:
    if cells is None or blend is None or cells.getbbox() is not None:
        return []
    return [Remark(RemarkKind.NOTHING_MASKED if blend.getbbox() is None else RemarkKind.MASK_LOST)]


def _remarks_on_size(picture: Extent, crop: Box | None, framing: Framing) -> list[Remark]:
    across, down = _scales(picture, crop, framing)
    mode, scale, stretch = _mode(crop, framing), _scale(picture, crop, framing), _stretch(picture, crop, framing)
    uneven = 1 - min(across, down) / max(across, down)
    working = framing.working
    remarks = []
    if stretch > MAX_ANISOTROPY:
        remarks.append(Remark(RemarkKind.STRETCHED, {"percent": round(stretch * 100)}))
    elif uneven > MAX_ANISOTROPY and mode in (ResizeMode.CROP, ResizeMode.FILL):
        kind = RemarkKind.CUT if mode is ResizeMode.CROP else RemarkKind.EDGES
        remarks.append(Remark(kind, {"percent": round(uneven * 100)}))
    if scale > MAX_ENLARGEMENT:
        remarks.append(Remark(RemarkKind.ENLARGED, {"factor": round(scale, 1)}))
    elif crop is not None and scale < 1 / MAX_ENLARGEMENT:
        remarks.append(Remark(RemarkKind.SHRUNK, {"factor": round(1 / scale, 1)}))
    if working.width % LATENT_FACTOR or working.height % LATENT_FACTOR:
        even = Extent(*(side // LATENT_FACTOR * LATENT_FACTOR for side in working.size))
        remarks.append(Remark(RemarkKind.ODD_SIZE, {"width": even.width, "height": even.height}))
    return remarks
