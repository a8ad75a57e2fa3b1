"""From the pictures of a request to the pictures the model sees: resize, mask, crop, fill."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from PIL.Image import Image

from modules.base.errors import InvalidRequest
from modules.imaging.color import correction_target
from modules.imaging.compose import make_overlay
from modules.imaging.fills import MaskedContent, fill_from_edges, fill_neutral, fill_patchmatch
from modules.imaging.geometry import Box, Extent
from modules.imaging.masks import blur_mask, expand_crop_box, find_crop_box, grow_mask, hold_mask, invert_mask, overlay_mask, to_mask
from modules.imaging.picture import flatten
from modules.imaging.resize import ResizeMode, resize_image
from modules.pipeline.plan import Framing

MAX_ANISOTROPY = 0.01
MASK_EMPTY = "The mask is empty: the whole picture was repainted, as without a mask."
MASK_RESIZED = "The mask was resized from {mask} to the picture's {picture}."
CROP_MENDED = "The crop region {given} became {used}: it has to hold the blurred mask and stay on the picture."
CROP_UNUSED = "The crop region was left aside: it counts only with a mask, in only-masked work."


@dataclass(frozen=True)
class MaskSet:
    """One mask in the spaces where it is needed.

    Attributes:
        model: L, working size: what inpainting models are told.
        latent: L, working size: where latents are repainted (grown, or the script's own).
        overlay: L, canvas size: 0 = the original shows unchanged.
        box: Crop on the canvas; None = the whole picture.
        grow_by: By how much `latent` is still to be grown when it is encoded, px.
    """

    model: Image
    latent: Image
    overlay: Image
    box: Box | None
    grow_by: int = 0


@dataclass(frozen=True)
class Prepared:
    """Start pictures, ready to be encoded.

    Attributes:
        pictures: RGB, working size (own size under resize mode 3), filled under the mask.
        canvases: RGB; what results are laid into.
        overlays: RGBA, one for each canvas, opaque where the original stays; empty without a mask.
        masks: None = repaint everything.
        color_targets: What results' colours are matched to; empty = nothing.
        notes: What the person should know.
    """

    pictures: tuple[Image, ...]
    canvases: tuple[Image, ...]
    overlays: tuple[Image, ...]
    masks: MaskSet | None
    color_targets: tuple[Any, ...]
    notes: tuple[str, ...]


def prepare(
    images: Sequence[Image], mask: Image | None, latent_mask: Image | None, framing: Framing, color_targets: Sequence[Any] = ()
) -> Prepared:
    """Bring start pictures and mask to the working size, as A1111 does.

    Args:
        images: Any mode; EXIF orientation already applied.
        mask: White = repaint (unless `framing` inverts it); None = repaint everything.
        latent_mask: Replaces the mask for latents and fill; None = the same.
        framing: Says how; a plan is one.
        color_targets: Colour targets that a script brings along; made here when empty and the option is on.

    Raises:
        InvalidRequest: Mask and picture have different shapes in only-masked mode.
    """
    notes: list[str] = []
    flat = [flatten_start(image, framing) for image in images]
    if framing.crop_region is not None and (mask is None or not framing.is_only_masked):
        notes.append(CROP_UNUSED)
    masks = None if mask is None else frame_masks(mask, latent_mask, Extent(*flat[0].size), framing, notes)
    canvases = [to_canvas(image, framing, masks) for image in flat]
    masks, overlays = _make_overlays(canvases, masks, framing)
    pictures = [to_working(canvas, framing, masks) for canvas in canvases]
    if masks is not None:
        pictures = [fill_masked(picture, masks, framing) for picture in pictures]
    targets = tuple(color_targets)
    if framing.options.img2img_color_correction and not targets:
        targets = tuple(correction_target(picture) for picture in pictures)
    return Prepared(tuple(pictures), tuple(canvases), tuple(overlays), masks, targets, tuple(notes))


def flatten_start(image: Image, framing: Framing) -> Image:
    """RGB: the image itself where it is that already, for nobody writes into it. ComfyUI leaves transparency out, A1111 fills it."""
    if framing.is_comfyui and image.mode != "RGB":
        return image.convert("RGB")
    return image if image.mode == "RGB" else flatten(image, framing.options.img2img_background_color)


def frame_masks(mask: Image, latent_mask: Image | None, picture: Extent, framing: Framing, notes: list[str]) -> MaskSet | None:
    """One mask, as the model and the finished picture need it; None where nothing of it is left.

    Args:
        picture: Size of the picture that the mask belongs to.
        notes: What the person should know is added here.

    Raises:
        InvalidRequest: Mask and picture have different shapes in only-masked mode.
    """
    grey = to_mask(mask, framing.is_mask_rounded and not framing.is_comfyui)
    if framing.is_only_masked and grey.size != picture.size:
        grey = _fit_mask(grey, picture, notes)
    if framing.is_mask_inverted:
        grey = invert_mask(grey)
    grey = blur_mask(grey, *framing.mask_blur)
    working = framing.working
    if not framing.is_only_masked:
        # ComfyUI's nodes stretch a mask themselves, in floats, to where it is needed.
        is_kept = framing.is_comfyui and framing.resize_mode is ResizeMode.STRETCH
        resized = grey if is_kept else resize_image(framing.resize_mode, grey, working).convert("L")
        return _make_set(resized, latent_mask, overlay_mask(resized), None, framing)
    box = _choose_crop(grey, framing, notes)
    if box is None:
        notes.append(MASK_EMPTY)
        return None
    box = expand_crop_box(box, working, Extent(*grey.size))
    cropped = resize_image(ResizeMode.FILL, grey.crop(box.edges), working).convert("L")
    return _make_set(cropped, latent_mask, grey, box, framing)


def _make_set(model: Image, latent_mask: Image | None, overlay: Image, box: Box | None, framing: Framing) -> MaskSet:
    if framing.is_comfyui:
        return MaskSet(model, latent_mask or model, overlay, box, 0 if latent_mask else framing.grow_mask_by)
    return MaskSet(model, latent_mask or grow_mask(model, framing.grow_mask_by), overlay, box)


def _choose_crop(mask: Image, framing: Framing, notes: list[str]) -> Box | None:
    region = framing.crop_region
    if region is None:
        return find_crop_box(mask, framing.padding_px)
    held = hold_mask(region, mask)
    if held is not None and held.edges != region.edges:
        notes.append(CROP_MENDED.format(given=region.edges, used=held.edges))
    return held


def _fit_mask(mask: Image, picture: Extent, notes: list[str]) -> Image:
    if abs(Extent(*mask.size).aspect / picture.aspect - 1) > MAX_ANISOTROPY:
        wanted = f"the picture's size {picture.width}x{picture.height}, or the same shape"
        raise InvalidRequest("mask", f"{mask.width}x{mask.height}", wanted)
    notes.append(MASK_RESIZED.format(mask=f"{mask.width}x{mask.height}", picture=f"{picture.width}x{picture.height}"))
    return mask.resize(picture.size)


def to_canvas(image: Image, framing: Framing, masks: MaskSet | None) -> Image:
    """A flat picture as results are laid into it: its own size in only-masked work, else the working size."""
    keeps_size = framing.resize_mode is ResizeMode.LATENT or (framing.is_only_masked and masks is not None)
    return image if keeps_size else resize_image(framing.resize_mode, image, framing.working, framing.upscaler)


def _make_overlays(canvases: list[Image], masks: MaskSet | None, framing: Framing) -> tuple[MaskSet | None, list[Image]]:
    """One overlay a canvas; the overlay mask is left in the size of the last one, as in A1111."""
    if masks is None:
        return None, []
    overlays, mask = [], masks.overlay
    for canvas in canvases:
        mask = fit_overlay_mask(mask, canvas, framing)
        overlays.append(make_overlay(canvas, mask))
    return dataclasses.replace(masks, overlay=mask), overlays


def fit_overlay_mask(mask: Image, canvas: Image, framing: Framing) -> Image:
    """The overlay mask in the size of a canvas."""
    return mask if mask.size == canvas.size else resize_image(framing.resize_mode, mask, Extent(*canvas.size)).convert("L")


def to_working(canvas: Image, framing: Framing, masks: MaskSet | None) -> Image:
    """What of a canvas the model sees, at the working size."""
    if masks is None or masks.box is None:
        return canvas
    return resize_image(ResizeMode.FILL, canvas.crop(masks.box.edges), framing.working, framing.upscaler)


def fill_masked(picture: Image, masks: MaskSet, framing: Framing) -> Image:
    """A picture of working size with its masked part as the model will start from it."""
    if framing.content is MaskedContent.ORIGINAL or (framing.is_comfyui and framing.content is MaskedContent.NEUTRAL):
        return picture
    mask = masks.latent if masks.latent.size == picture.size else masks.latent.resize(picture.size)
    if framing.content is MaskedContent.PATCHMATCH:
        return fill_patchmatch(picture, mask, framing.seeds[0])
    if framing.content is MaskedContent.NEUTRAL:
        model_mask = masks.model if masks.model.size == picture.size else masks.model.resize(picture.size)
        return fill_neutral(picture, model_mask)
    return fill_from_edges(picture, mask)
