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
from modules.imaging.masks import blur_mask, expand_crop_box, find_crop_box, grow_mask, invert_mask, overlay_mask, to_mask
from modules.imaging.picture import flatten
from modules.imaging.resize import ResizeMode, resize_image
from modules.pipeline.plan import Plan

MAX_ANISOTROPY = 0.01


@dataclass(frozen=True)
class MaskSet:
    """One mask in the spaces where it is needed.

    Attributes:
        model: L, working size: what inpainting models are told.
        latent: L, working size: where latents are repainted (grown, or the script's own).
        overlay: L, canvas size: 0 = the original shows unchanged.
        box: Crop on the canvas; None = the whole picture.
    """

    model: Image
    latent: Image
    overlay: Image
    box: Box | None


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
    images: Sequence[Image], mask: Image | None, latent_mask: Image | None, plan: Plan, color_targets: Sequence[Any] = ()
) -> Prepared:
    """Bring start pictures and mask to the working size, as A1111 does.

    Args:
        images: Any mode; EXIF orientation already applied.
        mask: White = repaint (unless the plan inverts it); None = repaint everything.
        latent_mask: Replaces the mask for latents and fill; None = the same.
        plan: Says how.
        color_targets: Colour targets that a script brings along; made here when empty and the option is on.

    Raises:
        InvalidRequest: Mask and picture have different shapes in only-masked mode.
    """
    notes: list[str] = []
    flat = [flatten(image, plan.options.img2img_background_color) for image in images]
    masks = None if mask is None else _prepare_masks(mask, latent_mask, Extent(*flat[0].size), plan, notes)
    canvases = [_to_canvas(image, plan, masks) for image in flat]
    masks, overlays = _make_overlays(canvases, masks, plan)
    pictures = [_to_working(canvas, plan, masks) for canvas in canvases]
    if masks is not None:
        pictures = [_fill(picture, masks, plan) for picture in pictures]
    targets = tuple(color_targets)
    if plan.options.img2img_color_correction and not targets:
        targets = tuple(correction_target(picture) for picture in pictures)
    return Prepared(tuple(pictures), tuple(canvases), tuple(overlays), masks, targets, tuple(notes))


def _prepare_masks(mask: Image, latent_mask: Image | None, picture: Extent, plan: Plan, notes: list[str]) -> MaskSet | None:
    grey = to_mask(mask, plan.is_mask_rounded)
    if plan.is_only_masked and grey.size != picture.size:
        grey = _fit_mask(grey, picture, notes)
    if plan.is_mask_inverted:
        grey = invert_mask(grey)
    grey = blur_mask(grey, *plan.mask_blur)
    working = plan.working
    if not plan.is_only_masked:
        resized = resize_image(plan.resize_mode, grey, working).convert("L")
        latent = latent_mask or grow_mask(resized, plan.grow_mask_by)
        return MaskSet(resized, latent, overlay_mask(resized), None)
    box = find_crop_box(grey, plan.padding_px)
    if box is None:
        notes.append("The mask is empty: the whole picture was repainted, as without a mask.")
        return None
    box = expand_crop_box(box, working, Extent(*grey.size))
    cropped = resize_image(ResizeMode.FILL, grey.crop(box.edges), working).convert("L")
    return MaskSet(cropped, latent_mask or grow_mask(cropped, plan.grow_mask_by), grey, box)


def _fit_mask(mask: Image, picture: Extent, notes: list[str]) -> Image:
    if abs(Extent(*mask.size).aspect / picture.aspect - 1) > MAX_ANISOTROPY:
        wanted = f"the picture's size {picture.width}x{picture.height}, or the same shape"
        raise InvalidRequest("mask", f"{mask.width}x{mask.height}", wanted)
    notes.append(f"The mask was resized from {mask.width}x{mask.height} to the picture's {picture.width}x{picture.height}.")
    return mask.resize(picture.size)


def _to_canvas(image: Image, plan: Plan, masks: MaskSet | None) -> Image:
    keeps_size = plan.resize_mode is ResizeMode.LATENT or (plan.is_only_masked and masks is not None)
    return image if keeps_size else resize_image(plan.resize_mode, image, plan.working, plan.upscaler)


def _make_overlays(canvases: list[Image], masks: MaskSet | None, plan: Plan) -> tuple[MaskSet | None, list[Image]]:
    """One overlay a canvas; the overlay mask is left in the size of the last one, as in A1111."""
    if masks is None:
        return None, []
    overlays, mask = [], masks.overlay
    for canvas in canvases:
        mask = _fit_overlay_mask(mask, canvas, plan)
        overlays.append(make_overlay(canvas, mask))
    return dataclasses.replace(masks, overlay=mask), overlays


def _fit_overlay_mask(mask: Image, canvas: Image, plan: Plan) -> Image:
    return mask if mask.size == canvas.size else resize_image(plan.resize_mode, mask, Extent(*canvas.size)).convert("L")


def _to_working(canvas: Image, plan: Plan, masks: MaskSet | None) -> Image:
    if masks is None or masks.box is None:
        return canvas
    return resize_image(ResizeMode.FILL, canvas.crop(masks.box.edges), plan.working, plan.upscaler)


def _fill(picture: Image, masks: MaskSet, plan: Plan) -> Image:
    if plan.content is MaskedContent.ORIGINAL:
        return picture
    mask = masks.latent if masks.latent.size == picture.size else masks.latent.resize(picture.size)
    if plan.content is MaskedContent.PATCHMATCH:
        return fill_patchmatch(picture, mask, plan.seeds[0])
    if plan.content is MaskedContent.NEUTRAL:
        model_mask = masks.model if masks.model.size == picture.size else masks.model.resize(picture.size)
        return fill_neutral(picture, model_mask)
    return fill_from_edges(picture, mask)
