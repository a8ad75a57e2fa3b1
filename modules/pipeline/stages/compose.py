"""From a decoded picture to the finished one: match colours, un-crop, lay the original over what was not masked."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from modules.imaging.blending import blend_bands, reach_px
from modules.imaging.color import correct_color
from modules.imaging.compose import count_changed, cut_out, paste_back, place_patch
from modules.imaging.geometry import Extent
from modules.imaging.resize import ResizeMode, resize_image
from modules.pipeline.plan import Plan
from modules.pipeline.stages.prepare import Prepared


@dataclass(frozen=True)
class Composed:
    """A finished picture and what belongs to it.

    Attributes:
        picture: RGB.
        mask: RGB view of the overlay mask, where it is to be returned or saved.
        masked_part: RGBA, the repainted part alone, where it is to be returned or saved.
        uncorrected: RGB, without colour correction, where that is to be saved.
        changed_outside: Pixels that differ from the start picture where the mask is 0; None when that cannot be asked.
        is_mask_replaced: Whether a script gave this picture a mask of its own.
        seam: How visible the edge of the repainted part is, see `imaging.seams`; None when that cannot be asked.
    """

    picture: Image.Image
    mask: Image.Image | None = None
    masked_part: Image.Image | None = None
    uncorrected: Image.Image | None = None
    changed_outside: int | None = None
    is_mask_replaced: bool = False
    seam: float | None = None


def compose(
    patch: Image.Image,
    index: int,
    prepared: Prepared,
    plan: Plan,
    overlay: Image.Image | None,
    overlay_mask: Image.Image | None,
    blends: bool = False,
) -> Composed:
    """Put picture `index` of a batch back into its start picture.

    Args:
        patch: RGB, working size.
        index: Place in the batch; a single start picture serves all.
        prepared: From `prepare`.
        plan: Says what to return and whether to lay the original over at all.
        overlay: RGBA of the canvas, opaque where it stays; None = nothing is laid over.
        overlay_mask: L of the canvas.
        blends: Lead the repainted part over into its surroundings, inside the mask.
    """
    box = prepared.masks.box if prepared.masks else None
    canvas = prepared.canvases[min(index, len(prepared.canvases) - 1)]
    extent, options = Extent(*canvas.size), plan.options

    if overlay is not None and plan.is_comfyui:
        patch = _frame_patch(patch, prepared.pictures[min(index, len(prepared.pictures) - 1)])

    def finish(part: Image.Image) -> Image.Image:
        return part if overlay is None else paste_back(part, overlay, box, extent, plan.upscaler)

    uncorrected = None
    if prepared.color_targets:
        uncorrected = finish(patch) if options.save_images_before_color_correction else None
        patch = correct_color(prepared.color_targets[min(index, len(prepared.color_targets) - 1)], patch)
    picture = finish(patch)
    if overlay_mask is None:
        return Composed(picture, uncorrected=uncorrected)
    wants_part = options.return_mask_composite or options.save_mask_composite
    placed = None if not wants_part else patch if overlay is None else place_patch(patch, box, extent, plan.upscaler)
    if blends and overlay is not None and picture.size == canvas.size == overlay_mask.size:
        picture = blend_bands(canvas, picture, overlay_mask, reach_px(overlay_mask))
        placed = placed and picture
    return Composed(
        picture,
        mask=overlay_mask.convert("RGB") if options.return_mask or options.save_mask else None,
        masked_part=None if placed is None else cut_out(placed, overlay_mask),
        uncorrected=uncorrected,
    )


def _frame_patch(patch: Image.Image, working: Image.Image) -> Image.Image:
    """A result that ComfyUI's centred cut to whole latent cells made smaller, in its place on the picture that was cut."""
    if patch.size == working.size:
        return patch
    framed = working.copy()
    framed.paste(patch, ((working.width - patch.width) // 2, (working.height - patch.height) // 2))
    return framed


def count_outside(picture: Image.Image, index: int, prepared: Prepared, overlay_mask: Image.Image) -> int | None:
    """Pixels of result `index` that differ from its canvas where `overlay_mask` is 0; None when the three differ in size."""
    canvas = prepared.canvases[min(index, len(prepared.canvases) - 1)]
    fits = picture.size == canvas.size == overlay_mask.size
    return count_changed(canvas, picture, overlay_mask) if fits else None


def restore_alpha(picture: Image.Image, alpha: Image.Image, prepared: Prepared, plan: Plan) -> Image.Image:
    """`picture` (RGB, `info` kept) with the start picture's `alpha`, which takes the way that the picture took to its canvas.

    Returns:
        RGBA; `picture` itself where a script gave it another size than the canvas's.
    """
    extent, mode = Extent(*prepared.canvases[0].size), plan.resize_mode
    if mode is ResizeMode.LATENT and Extent(*picture.size) == plan.working:  # alone it brings results to a size that is not the canvas's
        extent, mode = plan.working, ResizeMode.STRETCH
    if Extent(*picture.size) != extent:
        return picture
    restored = picture.convert("RGBA")
    restored.info = dict(picture.info)
    restored.putalpha(alpha if Extent(*alpha.size) == extent else resize_image(mode, alpha, extent).convert("L"))
    return restored
