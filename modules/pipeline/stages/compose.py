"""From a decoded picture to the finished one: match colours, un-crop, lay the original over what was not masked."""

from __future__ import annotations

from dataclasses import dataclass

from PIL import Image

from modules.imaging.color import correct_color
from modules.imaging.compose import count_changed, paste_back
from modules.imaging.geometry import Extent
from modules.pipeline.plan import Plan
from modules.pipeline.stages.prepare import Prepared


@dataclass(frozen=True)
class Composed:
    """A finished picture and what belongs to it.

    Attributes:
        picture: RGB.
        mask: RGB view of the overlay mask, where `return_mask` asks for it.
        masked_part: RGBA, the repainted part alone, where `return_mask_composite` asks for it.
        changed_outside: Pixels that differ from the start picture where the mask is 0; None when that cannot be asked.
    """

    picture: Image.Image
    mask: Image.Image | None = None
    masked_part: Image.Image | None = None
    changed_outside: int | None = None


def compose(
    patch: Image.Image, index: int, prepared: Prepared, plan: Plan, overlay: Image.Image | None, overlay_mask: Image.Image | None
) -> Composed:
    """Put picture `index` of a batch back into its start picture.

    Args:
        patch: RGB, working size.
        index: Place in the batch; a single start picture serves all.
        prepared: From `prepare`.
        plan: Says what to return and whether to lay the original over at all.
        overlay: RGBA of the canvas, opaque where it stays; None = nothing is laid over.
        overlay_mask: L of the canvas.
    """
    if prepared.color_targets:
        patch = correct_color(prepared.color_targets[min(index, len(prepared.color_targets) - 1)], patch)
    if overlay is None or overlay_mask is None or not plan.options.overlay_inpaint:
        return Composed(patch)
    box = prepared.masks.box if prepared.masks else None
    canvas = prepared.canvases[min(index, len(prepared.canvases) - 1)]
    extent = Extent(*canvas.size)
    picture = paste_back(patch, overlay, box, extent, plan.upscaler)
    fits = picture.size == canvas.size == overlay_mask.size
    return Composed(
        picture,
        mask=overlay_mask.convert("RGB") if plan.options.return_mask else None,
        masked_part=_cut_out(paste_back(patch, None, box, extent, plan.upscaler), overlay_mask)
        if plan.options.return_mask_composite
        else None,
        changed_outside=count_changed(canvas, picture, overlay_mask) if fits else None,
    )


def _cut_out(picture: Image.Image, mask: Image.Image) -> Image.Image:
    # Premultiplied, as in A1111: what is fully masked out is black and transparent.
    fitted = mask if mask.size == picture.size else mask.resize(picture.size)
    premultiplied = picture.convert("RGBA").convert("RGBa")
    return Image.composite(premultiplied, Image.new("RGBa", picture.size), fitted).convert("RGBA")
