"""The six ways to work on a picture, as A1111 has them."""

from __future__ import annotations

from enum import Enum


class Mode(Enum):
    """One tab each; the values name them in forms, recipes and the history."""

    IMG2IMG = "img2img"
    SKETCH = "sketch"
    INPAINT = "inpaint"
    INPAINT_SKETCH = "inpaint_sketch"
    INPAINT_UPLOAD = "inpaint_upload"
    BATCH = "batch"

    @property
    def has_mask(self) -> bool:
        """Part of the picture is repainted, so that the mask's controls matter."""
        return self in (Mode.INPAINT, Mode.INPAINT_SKETCH, Mode.INPAINT_UPLOAD)

    @property
    def has_sketch(self) -> bool:
        """Colours painted over the picture count."""
        return self in (Mode.SKETCH, Mode.INPAINT_SKETCH)
