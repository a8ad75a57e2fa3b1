"""What hooks are handed besides the job: a script replaces an attribute to change the picture. Class and attribute names are A1111's.

What `on_mask_blend` gets is `modules.engine.callbacks.BlendParams`, A1111's `MaskBlendArgs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from PIL.Image import Image


@dataclass
class PostSampleArgs:
    """`post_sample`: (B, C, h, w) float32 latents of the iteration, before they are decoded."""

    samples: Any


@dataclass
class PostprocessBatchListArgs:
    """`postprocess_batch_list`: the decoded pictures, each (3, H, W) float32 in [0, 1]."""

    images: list[Any]


@dataclass
class PostprocessImageArgs:
    """`postprocess_image` (working size) and `postprocess_image_after_composite` (finished): one RGB picture."""

    image: Image


@dataclass
class PostProcessMaskOverlayArgs:
    """`postprocess_maskoverlay`: what is about to be laid over a picture.

    Attributes:
        index: The picture's place in its batch.
        mask_for_overlay: L, size of the overlay, white = the repainted picture shows; None without a mask.
        overlay_image: RGBA, opaque where the start picture stays; None without a mask.
    """

    index: int
    mask_for_overlay: Image | None
    overlay_image: Image | None
