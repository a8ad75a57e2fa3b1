"""A result's seam under the knife: its score, the two ways to mend it, and the promise that nothing outside the mask changes."""

from __future__ import annotations

from PIL import Image

from modules.base.errors import InvalidRequest
from modules.imaging.blending import blend_bands, reach_px
from modules.imaging.compose import count_changed, keep_outside
from modules.imaging.masks import overlay_mask
from modules.imaging.seams import draw_band, score_seam
from modules.pipeline.processing import StableDiffusionProcessingImg2Img
from modules.pipeline.start_canvas import find_start
from modules.settings.options import Options


class SeamWork:
    """One result and its seam.

    Args:
        request: Made the result; says start picture and mask. Not changed.
        options: Those in force.
        shown: The result, RGB or RGBA.

    Attributes:
        before: RGB, the result with the start picture's canvas wherever the blurred mask is 0.
        score: Of its seam.

    Raises:
        InvalidRequest: There is no seam: no mask, one without an edge, or the result has another size than its canvas.
    """

    def __init__(self, request: StableDiffusionProcessingImg2Img, options: Options, shown: Image.Image) -> None:
        start = find_start(request, options)
        if start.mask is None:
            raise InvalidRequest("mask", None, "a mask: without one there is no seam")
        if start.canvas.size != shown.size:
            wanted = f"the start picture's size {start.canvas.width}x{start.canvas.height}"
            raise InvalidRequest("result", f"{shown.width}x{shown.height}", wanted)
        self._canvas, self._mask = start.canvas, start.mask
        self.before = keep_outside(start.canvas, shown.convert("RGB"), start.mask)
        self.score = self.rate(self.before)

    def rate(self, picture: Image.Image) -> float:
        """The seam's score in another picture of the same size."""
        score = score_seam(picture, self._mask)
        if score is None:
            raise InvalidRequest("mask", "no contour within the picture", "a mask with an edge: without one there is no seam")
        return score

    @property
    def reach_px(self) -> int:
        """How far from the contour it is mended."""
        return reach_px(self._mask)

    def band(self) -> Image.Image:
        """The mask of what a re-run may repaint: L, 255 or 0."""
        return draw_band(self._mask, self.reach_px)

    def blend(self) -> Image.Image:
        """The result led over into its canvas, band by band."""
        return blend_bands(self._canvas, self.before, self._mask, self.reach_px)

    def fit(self, repainted: Image.Image) -> Image.Image:
        """A re-run of the band, fading out toward the mask's rim.

        Raises:
            InvalidRequest: It has another size.
        """
        if repainted.size != self.before.size:
            raise InvalidRequest("result", f"{repainted.width}x{repainted.height}", "the size of the picture; a script changed it")
        return keep_outside(self._canvas, Image.composite(repainted.convert("RGB"), self.before, overlay_mask(self._mask)), self._mask)

    def count_outside(self, picture: Image.Image) -> int:
        """Pixels that differ from the canvas where the mask is 0."""
        return count_changed(self._canvas, picture.convert("RGB"), self._mask)
