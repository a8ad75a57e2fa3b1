"""What hooks are handed besides the job: a script replaces an attribute to change the picture. Class and attribute names are A1111's.

What `on_mask_blend` and the `on_cfg_*` callbacks get is in `modules.engine.callbacks`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
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


@dataclass
class OnComponent:
    """`Script.on_before_component` and `on_after_component`: the component that was asked for."""

    component: Any


@dataclass
class ImageSaveParams:
    """`on_before_image_saved` and `on_image_saved`.

    Attributes:
        image: The picture.
        p: The job; None for pictures that no job makes.
        filename: Where it goes, below the data folder.
        pnginfo: Texts that go into the file; "parameters" is the infotext.
    """

    image: Image
    p: Any
    filename: str
    pnginfo: dict[str, Any]


@dataclass
class ImageGridLoopParams:
    """`on_image_grid`: the pictures of a grid, and how many stand side by side and below each other."""

    imgs: list[Image]
    cols: int
    rows: int


@dataclass
class ExtraNoiseParams:
    """`on_extra_noise`.

    Attributes:
        noise: (B, C, h, w), what is drawn for this; may be replaced.
        x: (B, C, h, w) start latents, as yet without noise.
        xi: (B, C, h, w) start latents with the sampler's first noise.
    """

    noise: Any
    x: Any
    xi: Any = None


@dataclass
class UiTrainTabParams:
    """`on_ui_train_tabs`."""

    txt2img_preview_params: list[Any] = field(default_factory=list)


@dataclass
class BeforeTokenCounterParams:
    """`on_before_token_counter`: what is about to be counted.

    Attributes:
        prompt: As typed.
        steps: Sampler steps, which prompt scheduling needs.
        styles: Names of styles that are put into it.
        is_positive: False for the negative prompt.
    """

    prompt: str
    steps: int
    styles: list[str]
    is_positive: bool = True
