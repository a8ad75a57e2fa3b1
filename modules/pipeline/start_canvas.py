"""What a result is laid into, made again from the request alone: for comparing a finished picture with what it came from.

The same functions as in the run (`stages.prepare`); no model is needed, and no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

from PIL.Image import Image

from modules.imaging.geometry import Extent
from modules.pipeline.outpaint import frame_wider
from modules.pipeline.plan import check_request, derive_framing
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.stages.prepare import fit_overlay_mask, flatten_start, frame_masks, to_canvas
from modules.settings.options import Options


@dataclass(frozen=True)
class StartCanvas:
    """The start picture, brought to the size of results.

    Attributes:
        canvas: RGB.
        mask: L, same size, blurred: 0 = the canvas shows through every result unchanged; None = everything is repainted.
    """

    canvas: Image
    mask: Image | None


def find_start(request: StableDiffusionProcessingImg2Img, options: Options) -> StartCanvas:
    """The canvas of a request's first picture, and where it was to be repainted.

    Args:
        request: Not changed; its override settings count.
        options: Those in force.

    Raises:
        InvalidRequest: The request cannot be run.
    """
    check_request(request)
    request = frame_wider(request, options)
    framing = derive_framing(request, [0], options.coerced(request.override_settings))
    start = flatten_start(request.init_images[0], framing)
    size = Extent(*start.size)
    masks = None if request.image_mask is None else frame_masks(request.image_mask, request.latent_mask, size, framing, [])
    canvas = to_canvas(start, framing, masks)
    return StartCanvas(canvas, None if masks is None else fit_overlay_mask(masks.overlay, canvas, framing))
